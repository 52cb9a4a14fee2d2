#!/bin/bash
# guide/operations.md, command by command, and the files beside it: what needs
# root or systemd is replaced by what does the same here.
. "$(dirname "$0")/../support/tap.sh"
need_tool curl jq openssl
. "$TOP/tests/support/guide.sh"

guide_where 'R=$PWD/relay'
guide_where 'mv $R/keys/authority.key .
	sed "s|^port-file.*|port-file = relay/relay.port|; s|^ca = .*|ca = relay/ca.crt|
		s|= operator\.|= relay/clients/operator.|" $R/clients/operator.conf >operator.conf'
# other ports than the guide names: those may be taken here
start='rm -f relay.log
	budstikked -c $R/relay.conf -o listen=127.0.0.1:0 -o listen_admin=127.0.0.1:0 2>relay.log &
	daemon=$!
	until grep -qs "^ready admin" relay.log; do kill -0 $daemon; sleep 0.1; done'
reload='reloads=$(grep -c "role.ready role=net" relay.log)
	kill -HUP $daemon
	until [ "$(grep -c "role.ready role=net" relay.log)" -gt $reloads ]; do
		! grep conf.refused relay.log
		sleep 0.1
	done'
guide_where "$start"
guide_where "$reload"
guide_where 'admin=http://127.0.0.1:$(cat $R/admin.port)'
guide_where "$reload"
guide_where 'kill $daemon; wait $daemon'
guide_where "$start"
guide_run "$TOP/guide/operations.md"

out=$(cat "$T/guide.out")
like "$out" '958935420 proving' "the mailbox waits for a probe"
like "$out" '^ready$|
ready
' "the relay says that it is ready"
like "$out" 'budstikke_oldest_waiting_seconds|budstikke_connections' "metrics are there"
metrics=$(grep -ohE '`budstikke_[a-z_]+' "$TOP/guide/operations.md" | tr -d '`' | sort -u)
missing=$(for name in $metrics; do
	grep -qF "\"${name#budstikke_}\"" "$TOP/relay/metrics.c" || echo "$name"
done)
is "$missing" "" "every metric that the guide names is there"
missing=$(sed -n '/^## Alarms/,/^## Reload/s/^| `\([a-z-]*\)`.*/\1/p' "$TOP/guide/operations.md" | sort)
is "$missing" "$(grep -oE '"(never-polled|not-fetched|not-confirmed|rejected-by-recipient|certificate-expired|proof-wrong|relay-fault|restored|certificate-expiring)"' \
	"$TOP/spool/words.c" | tr -d '"' | sort -u)" "every cause of an alarm is explained"

# ---- the files beside it
if command -v systemd-analyze >/dev/null; then
	sed "s|/usr/local/sbin/budstikked|$BUDSTIKKED|; s|^User=.*|User=daemon|
		s|^Documentation=.*||" "$TOP/guide/budstikked.service" >"$T/budstikked.service"
	is "$(systemd-analyze verify "$T/budstikked.service" 2>&1 |
		grep -F "$T/budstikked.service")" "" "systemd finds no fault in the unit"
else
	skip "systemd finds no fault in the unit" "no systemd here"
fi

need_tool haproxy nginx python3
free_port() {
	python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
# adapted FILE PORT: a file of the guide with our paths and port
adapted() {
	sed "s|/run/budstikke/relay.sock|$T/relay.sock|; s|/etc/budstikke/relay\.pem|$T/relay.pem|
		s|/etc/budstikke/relay\.|$RELAY_DIR/keys/tls.|; s|/etc/budstikke/clients.crt|$RELAY_DIR/ca.crt|
		s|bind :443|bind 127.0.0.1:$2|; s|listen 443|listen 127.0.0.1:$2|" "$TOP/guide/$1"
}
init_relay
chmod 755 "$T"
cat "$RELAY_DIR/keys/tls.crt" "$RELAY_DIR/keys/tls.key" >"$T/relay.pem"
# the settings that both files name
for file in haproxy.cfg nginx.conf; do
	sed -n 's/^# *relay.conf: //p; s/^# *\(listen_unix_group\)/\1/p' "$TOP/guide/$file" |
		tr ';' '\n' | sed 's/^ *//; s/ *= */=/; s/"//g' | grep -v '^$' >"$T/$file.settings"
done
start_relay -o listen_unix="$T/relay.sock" -o proxy_certificate_header="$(
	sed -n 's/^proxy_certificate_header=//p' "$T/haproxy.cfg.settings")"
is "$(sed 's/=www-data/=haproxy/' "$T/nginx.conf.settings")" "$(cat "$T/haproxy.cfg.settings")" \
	"both proxies ask for the same settings"

port=$(free_port)
adapted haproxy.cfg "$port" >"$T/haproxy.cfg"
check "haproxy takes haproxy.cfg" haproxy -c -f "$T/haproxy.cfg"
background haproxy -q -db -f "$T/haproxy.cfg"
nginx_port=$(free_port)
mkdir "$T/nginx"
{
	echo "daemon off; master_process off; pid $T/nginx/pid; events { } http { access_log off;"
	for kind in client_body proxy fastcgi uwsgi scgi; do
		echo "${kind}_temp_path $T/nginx/$kind;"
	done
	adapted nginx.conf "$nginx_port"
	echo "}"
} >"$T/nginx.conf"
check "nginx takes nginx.conf" nginx -t -q -e stderr -c "$T/nginx.conf"
[ "$(id -u)" != 0 ] || sed -i '1 s/^/user root; /' "$T/nginx.conf"
background nginx -e stderr -c "$T/nginx.conf" 2>"$T/nginx.err"

der() { openssl x509 -in "$RELAY_DIR/clients/$1.crt" -outform DER | base64 -w0; }
ask() { # PORT CURL-ARGUMENT...: the status of an answer from oslo's mailbox
	local port=$1
	shift
	curl -s -o /dev/null -w '%{http_code}' --cacert "$RELAY_DIR/ca.crt" "$@" \
		"https://127.0.0.1:$port/v1/mailbox/$(orgnr oslo)"
}
oslo=(--cert "$RELAY_DIR/clients/oslo.crt" --key "$RELAY_DIR/clients/oslo.key")
for proxy in haproxy:$port nginx:$nginx_port; do
	wait_for 10 curl -sk -o /dev/null "https://127.0.0.1:${proxy#*:}/"
	is "$(ask "${proxy#*:}" "${oslo[@]}")" 200 "${proxy%:*} passes on who calls"
	is "$(ask "${proxy#*:}" -H "X-Client-Certificate: $(der oslo)")" 401 \
		"${proxy%:*} does not pass on what a stranger says of himself"
done
finish
