#!/bin/bash
# The account of all deliveries: it holds, it is signed, and a delivery that is
# taken out of the store behind the relay, with its counters, is missed.
. "$(dirname "$0")/../support/tap.sh"
. "$TOP/tests/support/pdf.sh"
need_tool jq openssl
start_relay
make_pdf "$T/letter.pdf" "a letter"
account() { "$BUDSTIKKE" conservation -c "$(client operator)" "$@"; }
sent() { "$BUDSTIKKE" send -c "$(client nav)" --to "$1" --type document "$T/letter.pdf" >/dev/null; }

exits 0 "an empty relay has an account" account
sent oslo
sent oslo
sent bergen
"$BUDSTIKKE" fetch -c "$(client oslo)" --out "$T/in" --reference 2026/1 >/dev/null
exits 0 "one that is asked for holds" account --now
said=$(account --json)
is "$(jq -c '.conservation.total | [.accepted, .waiting, .imported, .unproven]' <<<"$said")" \
	"[3,1,2,0]" "in all"
is "$(jq -c --arg of "$(orgnr oslo)" '.conservation.mailboxes[] | select(.recipient == $of) | [.accepted, .waiting, .imported]' <<<"$said")" \
	"[2,0,2]" "and of each mailbox"
jq -r .statement <<<"$said" >"$T/statement"
exits 0 "openssl and jq alone verify it" \
	"$TOP/tests/support/jws_verify.sh" "$RELAY_DIR/ca.crt" "$T/statement"
exits 3 "it is the operator's" "$BUDSTIKKE" conservation -c "$(client nav)"

# ---- behind its back ---------------------------------------------------------
stop_relay
exits 0 "a thief takes a delivery, and mends the counters" "$BUILD/thief" "$RELAY_DIR/spool"
start_relay
exits 5 "the account misses it" account
said=$(account --json)
is "$(jq -c '.conservation | [.holds, .total.accepted, .total.waiting]' <<<"$said")" \
	"[false,3,0]" "accepted, and neither waiting nor ended"
alarmed() { "$BUDSTIKKE" alarms -c "$(client operator)" | grep -q "critical *relay-fault"; }
check "an alarm of the highest class stands" wait_for 10 alarmed
check "the log names the mailbox" grep -q "conservation.broken.*$(orgnr bergen)" "$RELAY_DIR/log"
finish
