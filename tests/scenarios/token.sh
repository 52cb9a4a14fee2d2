#!/bin/bash
# The relay's keys in a PKCS#11 token: SoftHSM, as the operations guide says it.
. "$(dirname "$0")/../support/tap.sh"
. "$TOP/tests/support/pdf.sh"
need_tool softhsm2-util openssl jq
for module in /usr/lib/softhsm/libsofthsm2.so /usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so; do
	[ ! -e "$module" ] || break
done
init_relay
chmod 711 "$T"
mkdir "$T/tokens"
printf 'directories.tokendir = %s/tokens\nlog.level = ERROR\n' "$T" >"$T/softhsm2.conf"
export SOFTHSM2_CONF=$T/softhsm2.conf
check "a token is made" softhsm2-util --init-token --free --label relay --so-pin 1234 --pin 5678
keys=$RELAY_DIR/keys
number=0
for name in evidence package; do
	number=$((number + 1))
	check "the key $name goes into it" softhsm2-util --import "$keys/$name.key" --token relay \
		--label $name --id 0$number --pin 5678
	printf 'pkcs11:token=relay;object=%s;type=private;pin-value=5678\n' $name >"$keys/$name.key"
done
# the role is nobody by then
[ "$(id -u)" != 0 ] || chown -R nobody "$T/tokens"

exits 1 "without pkcs11_module the relay does not start" \
	"$BUDSTIKKED" -c "$RELAY_DIR/relay.conf"
like "$(cat "$T/err")" "pkcs11_module is not set" "and says why"
token=(-o "pkcs11_module=$module" -o "pkcs11_files=$T/tokens")
sed -i s/5678/9999/ "$keys/evidence.key"
exits 1 "with a wrong PIN neither" "$BUDSTIKKED" -c "$RELAY_DIR/relay.conf" "${token[@]}"
like "$(cat "$T/err")" "evidence.key: the token does not give the key" "and says of which key"
is "$(grep -c 9999 "$T/err")" 0 "but no PIN"
sed -i s/9999/5678/ "$keys/evidence.key"

start_relay "${token[@]}" -o jail_required=true
make_pdf "$T/brev.pdf" "et brev"
exits 0 "a message is accepted" "$BUDSTIKKE" send -c "$(client nav)" --to oslo --type document \
	--json "$T/brev.pdf"
id=$(jq -r .id "$T/out")
check "its receipt verifies with openssl and jq alone" "$TOP/tests/support/jws_verify.sh" \
	"$RELAY_DIR/ca.crt" "$RELAY_DIR/clients/receipts/$id.json"
exits 0 "and its package's signature holds" "$BUDSTIKKE" fetch -c "$(client oslo)" --out "$T/in"
kill -KILL "$(role_pid keys)"
exits 0 "keys comes back with the token" "$BUDSTIKKE" send -c "$(client nav)" --to oslo \
	--type document --json "$T/brev.pdf"
stop_relay
is "$(cat "$RELAY_DIR/log" "$T/out" "$T/err" | grep -c 5678)" 0 "no PIN stands in the log"

# ---- what the role may do then ----------------------------------------------
"$BUDSTIKKED" -c "$RELAY_DIR/relay.conf" "${token[@]}" -o jail_required=true --probe-jail \
	>"$T/probe" 2>"$T/log"
is "$?" 0 "the jail of the wider row is whole"
check "keys may open files of the system" grep -q "^ok .* keys: open-passwd is its right" "$T/probe"
check "and sockets of this machine" grep -q "^ok .* keys: socket-unix is its right" "$T/probe"
check "not of the network" grep -q "^ok .* keys: socket-inet is denied" "$T/probe"
check "nor the store" grep -q "^ok .* keys: open-spool is denied" "$T/probe"
finish
