#!/bin/bash
# What init makes, and what every verb says of itself.
. "$(dirname "$0")/../support/tap.sh"
need_tool openssl jq

exits 0 "init makes a demo directory" "$BUDSTIKKE" init "$RELAY_DIR" --demo --json \
	--webhook http://127.0.0.1:9/
is "$(jq -r .demo "$T/out")" true "--json prints one object"
before=$(cd "$RELAY_DIR" && find . -type f -exec sha256sum {} + | sort)
exits 2 "a directory that exists is refused" "$BUDSTIKKE" init "$RELAY_DIR" --demo
is "$(cd "$RELAY_DIR" && find . -type f -exec sha256sum {} + | sort)" "$before" \
	"and nothing in it is touched"
is "$(ls -d "$RELAY_DIR".new-* 2>/dev/null)" "" "no unfinished directory is left"
check "the relay accepts the settings" "$BUDSTIKKED" --check -c "$RELAY_DIR/relay.conf"

for name in nav oslo bergen trondheim operator; do
	number=$(orgnr "$name")
	sum=0
	for i in 0 1 2 3 4 5 6 7; do
		sum=$((sum + ${number:i:1} * $(echo 3 2 7 6 5 4 3 2 | cut -d' ' -f$((i + 1)))))
	done
	is "$(((11 - sum % 11) % 11))" "${number:8}" "the number of $name passes modulus 11"
	check "the certificate of $name leads to the authority" \
		openssl verify -CAfile "$RELAY_DIR/ca.crt" "$RELAY_DIR/clients/$name.crt"
	like "$(cat "$RELAY_DIR/callers.conf")" \
		"$(openssl x509 -in "$RELAY_DIR/clients/$name.crt" -outform DER | sha256sum | cut -d' ' -f1)" \
		"callers.conf knows $name"
done
for name in oslo bergen trondheim; do
	check "$name has a certificate to seal to" \
		openssl verify -CAfile "$RELAY_DIR/ca.crt" "$RELAY_DIR/clients/$name.seal.crt"
done
is "$(find "$RELAY_DIR" -name '*.key' ! -perm 600)" "" "no private key can be read by others"
exits 0 "the fresh store is clean" "$BUDSTIKKE" spool check "$RELAY_DIR" --json
is "$(jq -c '[.clean, .findings]' "$T/out")" '[true,0]' "and says so as JSON"
exits 0 "stats tell of three mailboxes" "$BUDSTIKKE" spool stats --json "$RELAY_DIR"
is "$(jq .mailboxes "$T/out")" 3 "three mailboxes"

exits 2 "a parent that does not exist is an error" \
	"$BUDSTIKKE" init "$T/none/relay" --demo
exits 2 "a webhook that is no URL is refused" \
	"$BUDSTIKKE" init "$T/other" --demo --webhook 'ht"tp'
is "$(ls -d "$T/other"* 2>/dev/null)" "" "and nothing is made"

# ---- usage --------------------------------------------------------------
exits 2 "no verb is a usage error" "$BUDSTIKKE"
exits 2 "an unknown verb is a usage error" "$BUDSTIKKE" fly
for verb in report; do
	exits 2 "$verb is refused, not pretended" "$BUDSTIKKE" "$verb"
	like "$(cat "$T/err")" "not part of this version" "and $verb says why"
done
page=$(man -l "$TOP/tools/budstikke.1" 2>/dev/null || mandoc -T utf8 "$TOP/tools/budstikke.1")
page=$(sed 's/.\x08//g' <<<"$page")
# shellcheck source=../../tools/budstikke.bash
. "$TOP/tools/budstikke.bash"
for verb in init send fetch status recall verify alarms party cert spool profile doctor top; do
	exits 0 "$verb --help helps" "$BUDSTIKKE" "$verb" --help
	help=$(cat "$T/out")
	exits 2 "$verb refuses an option that it does not know" \
		"$BUDSTIKKE" "$verb" --no-such-option
	like "$page" "budstikke $verb" "the man page knows $verb"
	lost=
	for option in $(grep -oE -- '--[a-z][a-z-]+' <<<"$help" | sort -u); do
		case $option in --json | --help) continue ;; esac
		[[ " $(_budstikke_options "$verb") " == *" $option "* ]] || lost+=" $option"
	done
	is "$lost" "" "the completion knows all options of $verb"
done
exits 2 "a usage error is told as JSON too" "$BUDSTIKKE" send --json
is "$(jq -r .code "$T/out")" usage "with the code usage"
exits 2 "a client file that is not there is a usage error" \
	"$BUDSTIKKE" alarms -c "$T/none.conf"
exits 4 "a relay that does not run is a temporary failure" \
	"$BUDSTIKKE" alarms -c "$(client operator)" --json
is "$(jq -r .code "$T/out")" gone "and is named so"
finish
