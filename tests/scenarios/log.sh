#!/bin/bash
# The log, as a stranger uses it: keep a checkpoint, take a bundle, check both
# with our verifier, with another one, and with what somebody changed in them.
. "$(dirname "$0")/../support/tap.sh"
. "$TOP/tests/support/pdf.sh"
need_tool jq openssl python3
start_relay
make_pdf "$T/letter.pdf" "a letter"
second=$TOP/tests/interop/verify_bundle.py
log() { "$BUDSTIKKE" log -c "$(client nav)" "$@"; }
sent() {
	"$BUDSTIKKE" send -c "$(client nav)" --to oslo --type document --json "$T/letter.pdf" | jq -r .id
}

exits 0 "the log's keys are published" log key
log key >"$T/log.key"
like "$(cat "$T/log.key")" "^no.orgnr.[0-9]{9}/budstikke/1\\+[0-9a-f]{8}\\+" "under its origin"
id=$(sent)
exits 0 "a receipt's bundle waits for its checkpoint" log bundle "$id"
log bundle "$id" >"$T/bundle"
log checkpoint >"$T/old"
verify() { "$BUDSTIKKE" verify --ca "$RELAY_DIR/ca.crt" --log-key "$T/log.key" "$@"; }
exits 0 "verify believes it" verify "$T/bundle"
like "$(verify "$T/bundle")" "^good .* accepted $id .*, leaf 0 of [0-9]+" "and says where it is"
is "$(python3 "$second" "$RELAY_DIR/ca.crt" "$T/log.key" "$T/bundle" | cut -d: -f1)" good \
	"so does the second verifier"
exits 5 "without the log's key a bundle is not believed" \
	"$BUDSTIKKE" verify --ca "$RELAY_DIR/ca.crt" "$T/bundle"
"$BUDSTIKKE" fetch -c "$(client oslo)" --out "$T/in" --reference 2026/1 >/dev/null
is "$(wait_for 10 sh -c "'$BUDSTIKKE' log -c '$(client nav)' bundle $id >'$T/all'; [ \$(wc -l <'$T/all') = 3 ]" &&
	verify "$T/all" | grep -c ^good)" 3 "accepted, fetched and imported each have one"

# ---- it only grew --------------------------------------------------------------
exits 0 "from an old checkpoint to the newest" log growth "$T/old"
log growth "$T/old" >"$T/growth"
exits 0 "verify believes that, too" verify "$T/growth"
like "$(verify "$T/growth")" "the log grew from 1 to [0-9]+" "from where to where"
stop_relay
start_relay
sent >/dev/null
grown() { log growth "$T/old" >"$T/growth" && verify "$T/growth" >"$T/said" && grep -q "to $1\$" "$T/said"; }
check "also over a restart" wait_for 10 grown 4

# ---- another epoch -----------------------------------------------------------------
stop_relay
"$BUDSTIKKE" spool backup "$RELAY_DIR" "$T/backup" >/dev/null
mv "$RELAY_DIR/spool" "$T/lost"
"$BUDSTIKKE" spool restore "$RELAY_DIR" "$T/backup" >/dev/null
start_relay
sent >/dev/null
keys() { [ "$(log key | wc -l)" = 2 ] && log key >"$T/log.key"; }
check "after a restore there are two logs" wait_for 10 keys
ended() { log bundle "$id" >"$T/all" && verify "$T/all" >"$T/said"; }
check "the old one still proves what it had" wait_for 10 ended
is "$(grep -c '^good.* of 4' "$T/said")" 3 "all of it, as of its end"
again() { log growth "$T/old" >"$T/growth" && verify "$T/growth" >"$T/said"; }
check "and has only grown until then" wait_for 10 again
root=$(jq -r .proof <"$T/all" | head -n 20 | grep -A2 '^no.orgnr' | sed -n 3p | base64 -d | od -An -tx1 | tr -d ' \n')
first=$(curl -s --cacert "$RELAY_DIR/ca.crt" --cert "$RELAY_DIR/clients/operator.crt" \
		--key "$RELAY_DIR/clients/operator.key" "$RELAY_URL/v1/feed?cursor=1.999" |
	jq -r '.entries[0].evidence' | cut -d. -f2 | tr _- /+ | base64 -d 2>/dev/null)
is "$(jq -r .previous.root <<<"$first")" "$root" "the new one begins with the old one's root"

# ---- what somebody changed --------------------------------------------------------
for change in 's/"receipt":"e/"receipt":"f/' 's/index 0/index 1/'; do
	sed "$change" "$T/bundle" >"$T/changed"
	exits 5 "a bundle after $change is not believed" verify "$T/changed"
done
jq -c '.proof |= sub("extra .{4}"; "extra AAAA")' "$T/bundle" >"$T/changed"
exits 5 "nor one with another salt" verify "$T/changed"
jq -c '.old as $o | .old = .new | .new = $o' "$T/growth" >"$T/changed"
exits 5 "a log that became smaller is not believed" verify "$T/changed"
jq -c '.proof |= (.[1:] + .[:1])' "$T/growth" >"$T/changed"
exits 5 "nor a proof in another order" verify "$T/changed"
sed -i 's/^no.orgnr/no.orgnx/' "$T/log.key"
exits 2 "a key whose id is not its own is none" verify "$T/bundle"
exits 2 "what is no checkpoint cannot grow" log growth "$T/letter.pdf"
finish
