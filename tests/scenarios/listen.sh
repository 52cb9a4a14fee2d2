#!/bin/bash
# listen - the sockets that the parent binds: ports, Unix paths, and what is in
# the way.
. "$(dirname "$0")/../support/tap.sh"

init_relay
run() {
	timeout 20 "$BUDSTIKKED" -c "$RELAY_DIR/relay.conf" "$@"
}

# what a relay that was killed leaves behind
python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$RELAY_DIR/proxy.sock"
echo 1 >"$RELAY_DIR/relay.port"
start_relay -o listen_unix=proxy.sock
check "a socket left by a killed relay is replaced" \
	grep -qx "ready unix:$RELAY_DIR/proxy.sock" "$RELAY_DIR/log"
is "$(stat -c %a "$RELAY_DIR/proxy.sock")" 660 \
	"who is neither owner nor group cannot connect to the proxy's socket"
like "$(curl -s -o /dev/null -w '%{http_code}' \
	--unix-socket "$RELAY_DIR/proxy.sock" http://relay/v1/openapi.json)" \
	'^[1-5][0-9][0-9]$' "HTTP is spoken on it"
is "$(stat -c %a "$RELAY_DIR/relay.port")" 644 "relay.port may be read by all"
is "$(find "$RELAY_DIR" -name '.*.new')" "" "no half-written port file is left"

mkdir "$T/second"
cp -r "$RELAY_DIR"/. "$T/second"
rm -f "$T/second"/*.port "$T/second/proxy.sock"
exits 1 "a port that is taken ends the start" timeout 20 "$BUDSTIKKED" \
	-c "$T/second/relay.conf" -o "listen=127.0.0.1:${RELAY_URL##*:}"
like "$(cat "$T/err")" 'parent\.failed error="listen: 127.0.0.1:[0-9]+: Address' \
	"and says which setting and why"
is "$(ls "$T/second"/*.port 2>/dev/null)" "" "and writes no port file"
stop_relay
check "the Unix socket is gone after the end" [ ! -e "$RELAY_DIR/proxy.sock" ]

echo precious >"$RELAY_DIR/file"
exits 1 "a file that is no socket is not removed" run -o listen_unix=file
is "$(cat "$RELAY_DIR/file")" precious "and keeps what it holds"
exits 1 "a group that does not exist is refused" \
	run -o listen_unix=proxy.sock -o listen_unix_group=no-such-group

start_relay -o "listen_admin=$RELAY_DIR/admin.sock"
check "a relay may listen for its administrator on a Unix socket" \
	grep -qx "ready admin unix:$RELAY_DIR/admin.sock" "$RELAY_DIR/log"
like "$(curl -s --unix-socket "$RELAY_DIR/admin.sock" http://relay/livez)" \
	'.' "which answers"
check "and writes no admin.port" [ ! -e "$RELAY_DIR/admin.port" ]
stop_relay
finish
