#!/bin/bash
# Who may what, through the real relay and curl: the table of rights, and what
# the log says of a refusal.
. "$(dirname "$0")/../support/tap.sh"
. "$TOP/tests/support/pdf.sh"
need_tool curl jq openssl
init_relay

# caller NAME ORGANISATION ROLE MEMBERS: an entry with the token $T/NAME.token
caller() {
	openssl rand -base64 30 | tr -d '\n' >"$T/$1.token"
	sed -i "s|^);|,{ name = \"$1\"; organisation = \"$2\"; roles = [\"$3\"]; token_sha256 = \"$(
		sha256sum <"$T/$1.token" | cut -d' ' -f1)\"; $4 }\n);|" "$RELAY_DIR/callers.conf"
}
# asks NAME PATH [CURL-ARGUMENT...]: status, and the code of a problem
asks() {
	curl -s --cacert "$RELAY_DIR/ca.crt" -o "$T/body" -w '%{http_code}' \
		-H "Authorization: Bearer $(cat "$T/$1.token")" "${@:3}" "$RELAY_URL$2"
	jq -r 'if .code then " " + .code else "" end' "$T/body" 2>/dev/null
}
logged() { grep -q " access.denied $1" "$RELAY_DIR/log"; }

oslo=$(orgnr oslo)
caller archive "$oslo" recipient 'receives = ["document"];'
caller welfare "$oslo" recipient 'receives = ["digisos-soknad"];'
caller letters "$(orgnr nav)" sender 'types = ["document"];'
caller outsider "$(orgnr bergen)" recipient ''
start_relay

# ---- types, in both directions ------------------------------------------------
make_pdf "$T/brev.pdf" "et brev"
exits 0 "a document is sent" "$BUDSTIKKE" send -c "$(client nav)" --to oslo --type document --json "$T/brev.pdf"
id=$(jq -r .id "$T/out")
box=/v1/mailbox/$oslo/messages
is "$(asks archive "$box")" 200 "who receives documents lists them"
is "$(jq -r '.messages[].id' "$T/body")" "$id" "and finds this one"
is "$(asks welfare "$box")" 200 "who receives others lists, too"
is "$(jq -c .messages "$T/body")" "[]" "and does not find it"
for path in "$box/$id" "$box/$id/content" "/v1/messages/$id/evidence"; do
	is "$(asks welfare "$path")" "404 message-unknown" "nor under ${path##*/}"
done
is "$(asks welfare "$box/$id/receipt" --json '{"status":"opened"}')" "404 message-unknown" \
	"nor can it confirm it"
check "the log says why" logged "route=\"/v1/mailbox/{}/messages/{}/receipt\" caller=welfare \
organisation=$oslo reason=type resource=$id"
is "$(asks archive "$box/$id/content" -H "Range: bytes=0-9")" 206 "the first can fetch it"
is "$(asks archive "$box?wait=0")" 200 "and lists it still"
envelope() {
	printf '{"type":"%s","recipients":["%s"],"parts":[{"name":"a","filename":"a.txt","mediaType":"text/plain","size":1,"sha256":"%064d"}]}' \
		"$1" "$oslo" 0
}
is "$(asks letters "/v1/messages?dry-run=1" -H "Idempotency-Key: a-key-of-its-own-1" \
	-F "envelope=$(envelope bekymringsmelding);type=application/json")" "403 type-denied" \
	"a type that a sender may not send is refused"
check "the log says why" logged "route=\"\" caller=letters organisation=$(orgnr nav) reason=type \
resource=bekymringsmelding"

# ---- owners and roles ----------------------------------------------------------
is "$(asks outsider "$box")" "404 mailbox-unknown" "another's mailbox is not there"
check "the log says why" logged "route=\"/v1/mailbox/{}/messages\" caller=outsider \
organisation=$(orgnr bergen) reason=owner resource="
is "$(asks outsider /v1/mailboxes)" "403 role-missing" "what is for operators is refused"
check "the log says why" logged "route=/v1/mailboxes caller=outsider organisation=$(orgnr bergen) reason=role"
is "$(asks letters "/v1/messages/$id")" 200 "an organisation's other sender sees its message"

stop_relay
is $? 0 "the relay leaves"
finish
