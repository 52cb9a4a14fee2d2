#!/bin/bash
# guide/first-message.md, command by command, against a relay.
. "$(dirname "$0")/../support/tap.sh"
need_tool curl jq openssl unzip
. "$TOP/tests/support/guide.sh"
guide_run "$TOP/guide/first-message.md"

out=$(cat "$T/guide.out")
like "$out" '"state": "imported"' "the message was confirmed by hand"
like "$out" 'Verified OK' "openssl verified the receipt"
like "$out" '"proven": true' "and it says that possession was proven"
like "$out" '"code":"proof-wrong"' "the proof of the sealed file is refused as such"
like "$out" '"code":"already-final"' "a second verdict is refused as such"
like "$out" 'the relay seals to [0-9a-f]{16}' "doctor says which key is not there"
is "$(jq -r .evidence "$T"/guide/in/*/receipt.json | cut -d. -f2 | tr '_-' '/+' |
	base64 -d 2>/dev/null | jq -r .reference)" \
	"case-$(basename "$T"/guide/in/*-* | cut -d- -f1)" \
	"fetch confirmed with the reference of the case system"
finish
