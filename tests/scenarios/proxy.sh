#!/bin/bash
# proxy - the relay behind HAProxy and nginx: they end TLS and name the client's
# certificate in one header field, which is believed on the Unix socket alone.
. "$(dirname "$0")/../support/tap.sh"
. "$TOP/tests/support/pdf.sh"
need_tool curl haproxy nginx openssl jq python3

field=X-Client-Certificate
socket=$T/relay.sock
init_relay
clients=$RELAY_DIR/clients
make_pdf "$T/a.pdf" "through a proxy"
head -c 3000000 /dev/urandom | base64 >"$T/large.txt"

# status CURL-ARGUMENT...: the status of an answer; its body in $T/body
status() { curl -s --max-time 20 -o "$T/body" -w '%{http_code}' "$@"; }
on_socket() { status --unix-socket "$socket" "$@"; }
on_network() { status --cacert "$RELAY_DIR/ca.crt" "$@"; }
der() { openssl x509 -in "$clients/$1.crt" -outform DER | base64 -w0; }
pem() { jq -sRr @uri <"$clients/$1.crt"; }
mailbox() { echo "/v1/mailbox/$(orgnr "$1")"; }
free_port() {
	python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
connects() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

exits 1 "a header field without a Unix socket to believe it on is refused" \
	"$BUDSTIKKED" -c "$RELAY_DIR/relay.conf" --check -o "proxy_certificate_header=$field"
chmod 755 "$T"
start_relay -o "listen_unix=$socket" -o "proxy_certificate_header=$field"

# ---- the field itself
is "$(stat -c %a "$socket")" 660 "the socket is not for everybody"
is "$(on_socket "http://relay$(mailbox oslo)")" 401 "without the field nobody is known"
is "$(on_socket -H "$field: $(der oslo)" "http://relay$(mailbox oslo)")" 200 \
	"a certificate in DER and base64 is known"
is "$(on_socket -H "$field: $(pem oslo)" "http://relay$(mailbox oslo)")" 200 \
	"a certificate in PEM and percent-encoding is known"
is "$(on_socket -H "$field: $(der oslo)" "http://relay$(mailbox bergen)")" 404 \
	"it is its organisation's, and no other's"
is "$(on_socket -H "$field: " "http://relay$(mailbox oslo)")" 401 \
	"an empty field is a client without a certificate"
is "$(on_socket -H "$field: bm8gY2VydGlmaWNhdGU=" "http://relay$(mailbox oslo)")" 400 \
	"what is no certificate is refused"
is "$(on_socket -H "$field: $(der oslo)" -H "$field: $(der operator)" \
	"http://relay/v1/mailboxes")" 400 "two fields are refused"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/x.key" -out "$clients/x.crt" \
	-days 2 -subj /CN=x 2>/dev/null
is "$(on_socket -H "$field: $(der x)" "http://relay$(mailbox oslo)")" 401 \
	"a certificate that callers.conf does not name is not known"
is "$(on_network -H "$field: $(der oslo)" "$RELAY_URL$(mailbox oslo)")" 401 \
	"from the network the field is not believed"
is "$(on_network --cert "$clients/nav.crt" --key "$clients/nav.key" \
	-H "$field: $(der operator)" "$RELAY_URL/v1/mailboxes")" 403 \
	"and does not change who a certificate says"

# ---- haproxy and nginx
cat "$RELAY_DIR/keys/tls.crt" "$RELAY_DIR/keys/tls.key" >"$T/server.pem"
haproxy_port=$(free_port)
cat >"$T/haproxy.cfg" <<CONF
global
	maxconn 100
defaults
	mode http
	timeout connect 5s
	timeout client 90s
	timeout server 90s
frontend https
	bind 127.0.0.1:$haproxy_port ssl crt $T/server.pem ca-file $RELAY_DIR/ca.crt verify optional
	http-request del-header $field
	http-request set-header $field %[ssl_c_der,base64] if { ssl_c_used }
	default_backend relay
backend relay
	http-reuse never
	server relay unix@$socket
CONF
background haproxy -q -db -f "$T/haproxy.cfg" >"$T/haproxy.err" 2>&1
nginx_port=$(free_port)
mkdir "$T/nginx"
cat >"$T/nginx.conf" <<CONF
user root;
daemon off;
master_process off;
pid $T/nginx/pid;
error_log stderr error;
events { }
http {
	access_log off;
	client_body_temp_path $T/nginx/body;
	proxy_temp_path $T/nginx/proxy;
	fastcgi_temp_path $T/nginx/fastcgi;
	uwsgi_temp_path $T/nginx/uwsgi;
	scgi_temp_path $T/nginx/scgi;
	server {
		listen 127.0.0.1:$nginx_port ssl;
		ssl_certificate $RELAY_DIR/keys/tls.crt;
		ssl_certificate_key $RELAY_DIR/keys/tls.key;
		ssl_client_certificate $RELAY_DIR/ca.crt;
		ssl_verify_client optional;
		ssl_verify_depth 3;
		client_max_body_size 0;
		proxy_request_buffering off;
		proxy_buffering off;
		proxy_http_version 1.1;
		proxy_read_timeout 90s;
		location / {
			proxy_set_header $field \$ssl_client_escaped_cert;
			proxy_set_header Host \$http_host;
			proxy_pass http://unix:$socket;
		}
	}
}
CONF
background nginx -q -e stderr -c "$T/nginx.conf" >"$T/nginx.err" 2>&1

for proxy in haproxy nginx; do
	port_name=${proxy}_port
	url=https://127.0.0.1:${!port_name}
	if ! wait_for 10 connects "${!port_name}"; then
		not_ok "$proxy serves" "$(cat "$T/$proxy.err")"
		continue
	fi
	for name in nav oslo; do
		sed "s|^port-file.*|url = $url|" "$clients/$name.conf" >"$clients/$name-$proxy.conf"
	done
	exits 0 "$proxy: a message with an attachment is sent" "$BUDSTIKKE" send \
		-c "$clients/nav-$proxy.conf" --json --to "$(orgnr oslo)" --type document \
		"$T/a.pdf" "$T/large.txt"
	id=$(jq -r .id "$T/out")
	exits 0 "$proxy: it is fetched and confirmed" "$BUDSTIKKE" fetch \
		-c "$clients/oslo-$proxy.conf" --out "$T/in" --json
	check "$proxy: every byte is the same" cmp "$T/large.txt" "$T/in/$id/attachments/large.txt"
	is "$("$BUDSTIKKE" status -c "$clients/nav-$proxy.conf" --json "$id" |
		jq -r '.recipients[0].state')" imported "$proxy: the sender sees it imported"
	is "$(on_network -H "$field: $(der oslo)" "$url$(mailbox oslo)")" 401 \
		"$proxy: the field of a client is not passed on"
	is "$(on_network --cert "$clients/nav.crt" --key "$clients/nav.key" \
		-H "$field: $(der operator)" "$url/v1/mailboxes")" 403 \
		"$proxy: nor does it stand beside that of the proxy"
	is "$(on_network --cert "$clients/oslo.crt" --key "$clients/oslo.key" \
		"$url$(mailbox oslo)/messages?wait=2&cursor=9.9")" 200 "$proxy: a long-poll comes through"
	is "$(on_network --cert "$clients/nav.crt" --key "$clients/nav.key" \
		-H 'Content-Type: text/html' --data-binary x "$url/v1/messages")" 415 \
		"$proxy: an early refusal can be read"
done
finish
