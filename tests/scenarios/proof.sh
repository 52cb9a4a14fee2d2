#!/bin/bash
# guide/proof.md, command by command: a stranger checks one receipt.
. "$(dirname "$0")/../support/tap.sh"
need_tool curl jq openssl python3
. "$TOP/tests/support/guide.sh"
guide_run "$TOP/guide/proof.md"

out=$(cat "$T/guide.out")
like "$out" "Verified OK" "openssl verified the receipt"
is "$(grep -c "Signature Verified Successfully" "$T/guide.out")" 2 "and both checkpoints"
like "$out" "good  growth: the log grew from 1 to 2" "the log only grew"
finish
