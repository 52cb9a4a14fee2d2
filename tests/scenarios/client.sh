#!/bin/bash
# The client's verbs against a real relay: what they do, say and exit with.
. "$(dirname "$0")/../support/tap.sh"
. "$TOP/tests/support/pdf.sh"
need_tool jq openssl qpdf
start_relay
fixtures=$TOP/tests/formats/fixtures/digisos
make_pdf "$T/letter.pdf" "a letter"
make_pdf "$T/more.pdf" "an attachment"
printf 'GIF89a' >"$T/wrong.gif"
nav() { local verb=$1; shift; "$BUDSTIKKE" "$verb" -c "$(client nav)" "$@"; }
oslo() { local verb=$1; shift; "$BUDSTIKKE" "$verb" -c "$(client oslo)" "$@"; }
boss() { local verb=$1; shift; "$BUDSTIKKE" "$verb" -c "$(client operator)" "$@"; }

# ---- send -------------------------------------------------------------------
exits 0 "a document is sent" nav send --to "$(orgnr oslo)" --type document --json \
	--reference "sak 7" --key "key-of-the-first-one" "$T/letter.pdf" "$T/more.pdf"
first=$(jq -r .id "$T/out")
is "$(jq -r .state "$T/out")" accepted "it is accepted"
is "$(wc -l <"$T/out")" 1 "exactly one object is printed"
receipt=$RELAY_DIR/clients/receipts/$first.json
check "the receipt lies beside the client file" test -s "$receipt"
exits 0 "verify finds the authority by itself" "$BUDSTIKKE" verify "$receipt"
check "openssl and jq verify it too" "$TOP/tests/support/jws_verify.sh" "$RELAY_DIR/ca.crt" "$receipt"
exits 0 "the same key and content again" nav send --to oslo --type document --json \
	--reference "sak 7" --key "key-of-the-first-one" "$T/letter.pdf" "$T/more.pdf"
is "$(jq -r .id "$T/out")" "$first" "give the first message"
exits 3 "the same key with other content is refused" nav send --to oslo --type document --json \
	--key "key-of-the-first-one" "$T/more.pdf"
is "$(jq -r .code "$T/out")" idempotency-conflict "with its code"
exits 3 "a recipient that is not known is refused" nav send --to 900000065 --type document \
	--json "$T/letter.pdf"
is "$(jq -r .code "$T/out")" recipient-not-open "with its code"
exits 3 "a type that is not known is refused" nav send --to oslo --type ukjent --json "$T/letter.pdf"
exits 3 "a payload that breaks the schema is refused" nav send --to oslo --type digisos-soknad \
	--json "$fixtures/ugyldig-dato.json"
like "$(jq -r '.errors[0].pointer' "$T/out")" "^/" "and a pointer says where"
like "$(cat "$T/err")" "payload-invalid" "the code stands on standard error"
exits 0 "an application is sent to two" nav send --to oslo,bergen --type digisos-soknad --json \
	--receipt "$T/r.json" "$fixtures/gyldig-minimal.json"
second=$(jq -r .id "$T/out")
is "$(jq '.recipients | length' "$T/out")" 2 "and both have it"
check "the receipt goes where it should" test -s "$T/r.json"
exits 0 "a dry run is valid" nav send --to oslo --type document --dry-run --json "$T/letter.pdf"
is "$(jq -r .state "$T/out")" valid "and says so"
exits 2 "a file that is not there is a usage error" nav send --to oslo --type document "$T/none.pdf"
exits 2 "a folder is no payload" nav send --to oslo --type document "$T"
exits 3 "who may not send is refused" oslo send --to oslo --type document --json "$T/letter.pdf"
sed 's/a letter/another /' "$T/letter.pdf" >"$T/changed.pdf"

# ---- status, recall -----------------------------------------------------------
exits 0 "status tells" nav status --json "$first"
is "$(jq -r '.recipients[0].state' "$T/out")" accepted "accepted"
exits 3 "the message of another is not there" oslo status --json "$first"
exits 2 "what is no id is a usage error" nav status 42
exits 0 "one recipient is recalled" nav recall --json --recipient "$(orgnr bergen)" "$second"
is "$(jq -c '.recipients | map(select(.state == "recalled")) | length' "$T/out")" 1 "only that one"
exits 0 "a second time harms nobody" nav recall --recipient "$(orgnr bergen)" "$second"

# ---- fetch ------------------------------------------------------------------
exits 0 "Oslo fetches" oslo fetch --out "$T/in" --json --reference arkiv/9
is "$(jq '.fetched | length' "$T/out")" 2 "two messages"
check "the document is what was sent" cmp "$T/letter.pdf" "$T/in/$first/payload.pdf"
check "so is its attachment" cmp "$T/more.pdf" "$T/in/$first/attachments/more.pdf"
check "the application is what was sent" cmp "$fixtures/gyldig-minimal.json" "$T/in/$second/payload.json"
check "and is rendered for people" qpdf --check "$T/in/$second/document.pdf"
exits 0 "an empty mailbox is no failure" oslo fetch --out "$T/in" --json
is "$(jq -c .fetched "$T/out")" "[]" "and nothing is fetched"
exits 0 "the sender sees that it is stored" nav status --json "$first"
is "$(jq -r '.recipients[0].state' "$T/out")" imported "imported"
exits 0 "all evidence can be had" nav status --evidence --json "$first"
cp "$T/out" "$T/evidence.json"
exits 0 "and verified offline" "$BUDSTIKKE" verify --ca "$RELAY_DIR/ca.crt" --json "$T/evidence.json"
is "$(jq -c '[.receipts[].evidence.level]' "$T/out")" '["accepted","fetched","imported"]' \
	"it tells the whole story"
exits 3 "what was handed out cannot be recalled" nav recall --json "$first"
exits 0 "a mailbox emptied by recall is empty" \
	"$BUDSTIKKE" fetch -c "$(client bergen)" --out "$T/bergen" --json
is "$(jq -c .fetched "$T/out")" "[]" "and stays so"
exits 3 "the mailbox of another is not there" oslo fetch --out "$T/x" --json --mailbox "$(orgnr bergen)"

# ---- verify -------------------------------------------------------------------
tampered() { # SED-SCRIPT: the receipt's JWS, changed
	jq -r .receipt "$receipt" | sed "$1" >"$T/bad.jws"
}
tampered 's/\.\(.\)/.X\1/'
exits 5 "a receipt with another payload is found out" \
	"$BUDSTIKKE" verify --ca "$RELAY_DIR/ca.crt" "$T/bad.jws"
tampered 's/.....$/AAAAA/'
exits 5 "so is another signature" "$BUDSTIKKE" verify --ca "$RELAY_DIR/ca.crt" --json "$T/bad.jws"
is "$(jq .valid "$T/out")" false "also as JSON"
echo '{"id":1}' >"$T/none.json"
exits 5 "what holds no receipt is no good receipt" \
	"$BUDSTIKKE" verify --ca "$RELAY_DIR/ca.crt" "$T/none.json"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=other -days 2 \
	-keyout "$T/other.key" -out "$T/other.crt" 2>/dev/null
exits 5 "a receipt of another relay's authority is not believed" \
	"$BUDSTIKKE" verify --ca "$T/other.crt" "$receipt"
cp "$receipt" "$T/alone.json"
exits 2 "verify does not guess whom to believe" "$BUDSTIKKE" verify "$T/alone.json"

# ---- certificates ---------------------------------------------------------------
openssl req -x509 -newkey rsa:2048 -nodes -subj "/CN=oslo 2" -days 300 \
	-addext keyUsage=critical,keyEncipherment -addext basicConstraints=critical,CA:FALSE \
	-keyout "$T/new.key" -out "$T/new.crt" 2>/dev/null
new=$(openssl x509 -in "$T/new.crt" -outform DER | sha256sum | cut -d' ' -f1)
exits 0 "a new certificate is registered" oslo cert add "$T/new.crt" --json
is "$(jq -r .state "$T/out")" proving "and is not active yet"
exits 3 "the wrong key proves nothing" oslo cert prove "$T/new.crt" --key "$RELAY_DIR/clients/oslo.seal.key" --json
exits 0 "its own key proves it" oslo cert prove "$T/new.crt" --key "$T/new.key" --json
exits 0 "proving again is harmless" oslo cert prove "$T/new.crt" --key "$T/new.key"
exits 0 "the list has both" oslo cert list --json
is "$(jq -r --arg f "$new" '.certificates[] | select(.certificate == $f) | .state' "$T/out")" active \
	"the new one is active"
nav send --to oslo --type document "$T/letter.pdf" >/dev/null 2>&1
exits 6 "without the new key a message cannot be opened" oslo fetch --out "$T/in" --json
is "$(jq -r '.failed[0].code' "$T/out")" not-found "no key of ours fits"
chmod 600 "$T/new.key"
printf 'seal-certificate = %s\nseal-key = %s\n' "$T/new.crt" "$T/new.key" >>"$(client oslo)"
exits 0 "with both keys in the client file it can" oslo fetch --out "$T/in" --json
exits 0 "a certificate is suspended" oslo cert suspend "$new" --json
exits 3 "one that is not there is refused" oslo cert suspend "${new//[0-9]/0}" --json

# ---- parties, alarms, doctor, top -------------------------------------------------
exits 0 "the operator lists mailboxes" boss party list --json
is "$(jq '.mailboxes | length' "$T/out")" 3 "three of them"
exits 3 "others may not" nav party list --json
exits 0 "a mailbox is shown to its owner" oslo party show "$(orgnr oslo)" --json
exits 0 "the operator pauses one" boss party set "$(orgnr bergen)" --types document --state paused --json
exits 3 "it takes nothing then" nav send --to bergen --type document --json "$T/letter.pdf"
exits 0 "and opens it again" boss party set "$(orgnr bergen)" --types document --json
exits 3 "but for a type that it has not opened" nav send --to bergen --type digisos-soknad \
	--json "$fixtures/gyldig-minimal.json"
exits 0 "doctor finds Oslo healthy" oslo doctor --json
is "$(jq -c '[.healthy, ([.checks[] | select(.result == "bad")] | length)]' "$T/out")" '[true,0]' \
	"with nothing bad"
sed '/^seal/d' "$(client oslo)" >"$RELAY_DIR/clients/lost.conf"
printf 'seal-certificate = %s\nseal-key = %s\n' "$T/other.crt" "$T/other.key" >>"$RELAY_DIR/clients/lost.conf"
chmod 600 "$T/other.key"
exits 3 "doctor sees that nothing could be opened" \
	"$BUDSTIKKE" doctor -c "$RELAY_DIR/clients/lost.conf"
like "$(cat "$T/out")" "BAD +sealing" "and says so"
exits 0 "top draws one picture for a script" boss top
like "$(cat "$T/out")" "$(orgnr oslo) +open" "with the mailboxes"
nav send --to trondheim --type document "$T/letter.pdf" >/dev/null 2>&1
alarmed() { boss alarms --json | jq -e --arg m "$(orgnr trondheim)" '.alarms[] | select(.mailbox == $m)'; }
check "a silent mailbox raises an alarm" wait_for 30 alarmed
exits 0 "alarms as JSON" boss alarms --json
is "$(jq -r --arg m "$(orgnr trondheim)" '[.alarms[] | select(.mailbox == $m)][0] | [.cause, .state] | join(" ")' "$T/out")" \
	"never-polled firing" "with its cause"
alarm=$(jq -r '.alarms[0].id' "$T/out")
exits 3 "one that ends by itself is not closed by hand" boss alarms --close "$alarm" --json
exits 0 "once fetched" "$BUDSTIKKE" fetch -c "$(client trondheim)" --out "$T/trondheim"
calm() { ! alarmed >/dev/null; }
check "the alarm ends" wait_for 30 calm

# ---- TLS and credentials --------------------------------------------------------
sed "s|^ca = .*|ca = $T/other.crt|" "$(client nav)" >"$RELAY_DIR/clients/wary.conf"
exits 5 "a relay whose certificate is not believed is not spoken to" \
	"$BUDSTIKKE" status -c "$RELAY_DIR/clients/wary.conf" "$first"
sed "/^certificate\|^key/d" "$(client nav)" >"$RELAY_DIR/clients/nobody.conf"
exits 3 "who shows nothing is refused" \
	"$BUDSTIKKE" status -c "$RELAY_DIR/clients/nobody.conf" --json "$first"
is "$(jq -r .code "$T/out")" credentials-missing "with its code"
echo "token = not-a-token-of-anybody" >>"$RELAY_DIR/clients/nobody.conf"
exits 3 "a token that nobody has is refused" \
	"$BUDSTIKKE" status -c "$RELAY_DIR/clients/nobody.conf" --json "$first"

# ---- watch ----------------------------------------------------------------------
"$BUDSTIKKE" fetch -c "$(client oslo)" --out "$T/watched" --watch --json >"$T/watch.out" 2>"$T/watch.err" &
watcher=$!
tap_pids+=("$watcher")
sleep 1
nav send --to oslo --type document --json "$T/more.pdf" >"$T/sent" 2>/dev/null
third=$(jq -r .id "$T/sent")
check "--watch fetches what comes" wait_for 20 test -s "$T/watched/$third/receipt.json"
kill -TERM $watcher
wait "$watcher"
is "$?" 0 "and leaves when told"
is "$(jq -r '.fetched[].id' "$T/watch.out")" "$third" "saying what it did"
check "the store is clean" "$BUDSTIKKE" spool check "$RELAY_DIR"
stop_relay
is "$?" 0 "the relay stops when asked"
exits 4 "and is missed then" nav status --json "$first"
finish
