#!/bin/bash
# Big messages over connections that break: the client goes on where the relay
# is, and the message is stored once.
. "$(dirname "$0")/../support/tap.sh"
. "$TOP/tests/support/pdf.sh"
need_tool python3 jq
start_relay
make_pdf "$T/letter.pdf" "a letter with much beside it"
head -c $((40 << 20)) /dev/urandom >"$T/big.bin"
relay_port=$(cat "$RELAY_DIR/relay.port")
sed "s|^port-file.*|port-file = $T/proxy.port|" "$(client nav)" >"$RELAY_DIR/clients/far.conf"
sed "s|^port-file.*|port-file = $T/proxy.port|" "$(client oslo)" >"$RELAY_DIR/clients/faroslo.conf"
background python3 "$TOP/tests/support/cut_proxy.py" "$T/proxy.port" "$RELAY_DIR/relay.port" 9000000 9
wait_for 10 test -s "$T/proxy.port" || { echo "Bail out! no proxy"; exit 1; }

exits 0 "40 MiB get through connections that break every 9 MB" \
	"$BUDSTIKKE" send -c "$RELAY_DIR/clients/far.conf" --to oslo --type document --json \
	--key the-key-of-the-big-one "$T/letter.pdf" "$T/big.bin"
id=$(jq -r .id "$T/out")
exits 0 "the same again is answered at once" \
	"$BUDSTIKKE" send -c "$(client nav)" --to oslo --type document --json \
	--key the-key-of-the-big-one "$T/letter.pdf" "$T/big.bin"
is "$(jq -r .id "$T/out")" "$id" "with the first message"
exits 0 "one message is there" "$BUDSTIKKE" fetch -c "$(client oslo)" --out "$T/in" --json
is "$(jq -c '[.fetched[].id]' "$T/out")" "[\"$id\"]" "and only one"
check "its attachment is whole" cmp "$T/big.bin" "$T/in/$id/attachments/big.bin"

# the process that holds the upload dies: the same key, from the beginning
cp "$T/big.bin" "$T/second.bin"
printf 'x' >>"$T/second.bin"
"$BUDSTIKKE" send -c "$(client nav)" --to oslo --type document --json \
	--key another-key-of-a-big-one "$T/letter.pdf" "$T/second.bin" >"$T/sent" 2>"$T/sent.err" &
sender=$!
tap_pids+=("$sender")
sleep 0.4
kill -KILL "$(role_pid net)"
wait "$sender"
is "$?" 0 "an upload whose keeper dies is begun anew"
id=$(jq -r .id "$T/sent")
exits 0 "and is there once" "$BUDSTIKKE" fetch -c "$(client oslo)" --out "$T/in" --json
is "$(jq -c '[.fetched[].id]' "$T/out")" "[\"$id\"]" "under the id that was told"
check "whole" cmp "$T/second.bin" "$T/in/$id/attachments/second.bin"
check "the store is clean" "$BUDSTIKKE" spool check "$RELAY_DIR"
is "$relay_port" "$(cat "$RELAY_DIR/relay.port")" "the relay is still the same"
finish
