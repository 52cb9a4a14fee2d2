#!/bin/bash
# Access tokens through the real relay: an issuer on loopback, its keys fetched
# by courier, tokens taken, refused, and good again after its keys changed.
. "$(dirname "$0")/../support/tap.sh"
need_tool python3 openssl jq curl

site=$T/site
mkdir -p "$site/.well-known"
base64url() { base64 -w0 | tr -d = | tr +/ -_; }

# key NAME: makes it, and prints it as a JWK
key() {
	openssl genrsa -out "$T/$1.key" 2048 2>/dev/null
	printf '{"kty":"RSA","use":"sig","alg":"RS256","kid":"%s","e":"AQAB","n":"%s"}' "$1" \
		"$(openssl rsa -in "$T/$1.key" -noout -modulus | sed s/.*=// |
		python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))' |
		base64url)"
}

# token KEY [JSON]: for nav, good for two minutes, with what JSON says otherwise
token() {
	local now signed
	now=$(date +%s)
	signed=$(printf '{"alg":"RS256","kid":"%s"}' "$1" | base64url).$(jq -nc \
		--arg iss "$issuer" --argjson now "$now" --arg id "0192:$(orgnr nav)" \
		'{iss: $iss, iat: $now, exp: ($now + 120), scope: "openid ks:fiks",
		consumer: {authority: "iso6523-actorid-upis", ID: $id}} + '"${2:-{\}}" | base64url)
	printf '%s.%s' "$signed" \
		"$(printf %s "$signed" | openssl dgst -sha256 -sign "$T/$1.key" | base64url)"
}

# asks TOKEN [CURL-ARGUMENT...]: the status and the code of a problem
asks() {
	local bearer=$1
	shift
	curl -s --cacert "$RELAY_DIR/ca.crt" -o "$T/body" -w '%{http_code}' -H "Authorization: Bearer $bearer" \
		"$@" "$RELAY_URL/v1/feed"
	jq -r 'if .code then " " + .code else "" end' "$T/body"
}
good() { [ "$(asks "$(token "$1")")" = 200 ]; }

python3 -u - "$site" >"$T/issuer.url" 2>"$T/issuer.log" <<'PYTHON' &
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
print("http://127.0.0.1:%d/" % server.server_port, flush=True)
server.serve_forever()
PYTHON
tap_pids+=("$!")
wait_for 10 test -s "$T/issuer.url"
issuer=$(cat "$T/issuer.url")
printf '{"keys":[%s]}' "$(key one)" >"$site/jwk"
printf '{"issuer":"%s","jwks_uri":"%sjwk"}' "$issuer" "$issuer" >"$site/.well-known/oauth-authorization-server"

init_relay
sed -i 's/^);/,{ name = "nav-token"; organisation = "'"$(orgnr nav)"'"; roles = ["sender"]; scope = "ks:fiks"; }\n);/' \
	"$RELAY_DIR/callers.conf"

# login NAME ORGANISATION ROLE MEMBERS: an entry with the password in $T/password, as callers.conf(5) makes it
openssl rand -base64 30 | tr -d '\n' >"$T/password"
login() {
	local salt
	salt=$(openssl rand -hex 16)
	printf ',{ name = "%s"; organisation = "%s"; roles = ["%s"]; login = "%s"; password_sha256 = "%s:%s"; %s }' \
		"$1" "$2" "$3" "$1" "$salt" "$({ printf %s: "$salt"; cat "$T/password"; } | sha256sum | cut -d' ' -f1)" "$4"
}
sed -i "s/^);/$(login bergen-basic "$(orgnr bergen)" recipient '')\
$(login nav-fiks "$(orgnr nav)" sender 'scope = "fiks:both";')\
);/" "$RELAY_DIR/callers.conf"

# ---- an issuer of tests is none for production ---------------------------------
for url in "$issuer" http://maskinporten.no/ https://test.maskinporten.no/; do
	exits 1 "in production $url is no issuer" "$BUDSTIKKED" -c "$RELAY_DIR/relay.conf" --check \
		-o environment=production -o "token_issuer=$url"
done
exits 0 "https://maskinporten.no/ is" "$BUDSTIKKED" -c "$RELAY_DIR/relay.conf" --check \
	-o environment=production -o token_issuer=https://maskinporten.no/

# ---- tokens ---------------------------------------------------------------------
start_relay -o "token_issuer=$issuer" -o jail_required=true
check "a token is good when its issuer's keys have come" wait_for 20 good one
check "the log says so" grep -q "issuer.keys count=1" "$RELAY_DIR/log"
same=$(token one '{jti: "another than the first, in the same second, too"}')
is "$(asks "$same") $(asks "$same")" "200 200" "it may come again"
is "$(grep -c "token.taken caller=nav-token organisation=$(orgnr nav)" "$RELAY_DIR/log")" 2 \
	"and is told of once"
is "$(asks "$(token one '{scope: "ks:fiks2 xks:fiks"}')")" "403 role-missing" \
	"a scope is a word, not a part of one"
is "$(asks "$(token one '{iss: "https://maskinporten.no/"}')")" "401 credentials-unknown" \
	"another issuer's is refused"
is "$(asks "$(token one '{exp: ($now - 1)}')")" "401 credentials-expired" "an expired one is refused"
is "$(asks "$(token one '{iat: ($now + 60)}')")" "401 credentials-unknown" "one of the future is"
is "$(asks "$(token one "{supplier: {authority: \"iso6523-actorid-upis\", ID: \"0192:$(orgnr oslo)\"}}")")" \
	"401 credentials-unknown" "a supplier that nobody entrusted is"
is "$(asks "$(token one | sed 's/.$//')")" "401 credentials-unknown" "a cut one is"

digest=$(openssl x509 -in "$RELAY_DIR/clients/oslo.crt" -outform DER | openssl dgst -sha256 -binary | base64url)
bound=$(token one "{cnf: {\"x5t#S256\": \"$digest\"}}")
is "$(asks "$bound")" "401 credentials-unknown" "a bound token without its certificate is refused"
is "$(asks "$bound" --cert "$RELAY_DIR/clients/nav.crt" --key "$RELAY_DIR/clients/nav.key")" \
	"401 credentials-unknown" "with another's, too"
is "$(asks "$bound" --cert "$RELAY_DIR/clients/oslo.crt" --key "$RELAY_DIR/clients/oslo.key")" 200 \
	"with its own it is good"
is "$(asks "$bound" --cert "$RELAY_DIR/clients/nav.crt" --key "$RELAY_DIR/clients/nav.key")" \
	"401 credentials-unknown" "and is still refused with another's"
check "a refusal is logged with who and why" grep -q \
	"token.refused route=/v1/feed organisation=$(orgnr nav) error=\"token: bound to another certificate\"" \
	"$RELAY_DIR/log"
is "$(grep -c "$(printf %s "$same" | cut -d. -f2)" "$RELAY_DIR/log")" 0 "no token stands in the log"

# ---- passwords ----------------------------------------------------------------------
# basic LOGIN PASSWORD: as asks
basic() {
	curl -s --cacert "$RELAY_DIR/ca.crt" -o "$T/body" -w '%{http_code}' -u "$1:$2" "$RELAY_URL/v1/feed"
	jq -r 'if .code then " " + .code else "" end' "$T/body"
}
password=$(cat "$T/password")
is "$(basic bergen-basic "$password")" 200 "login and password open"
is "$(basic bergen-basic "${password}x")" "401 credentials-unknown" "another password does not"
is "$(basic bergen "$password")" "401 credentials-unknown" "nor another login"
is "$(basic nav-fiks "$password")" "401 credentials-unknown" "nor one that is for beside a token"
both=$(token one '{scope: "fiks:both"}')
is "$(asks "$both")" "401 credentials-unknown" "that token without the password does not"
is "$(asks "$both" -H "IntegrasjonId: nav-fiks" -H "IntegrasjonPassord: $password")" 200 "both do"
is "$(asks "$both" -H "IntegrasjonId: bergen-basic" -H "IntegrasjonPassord: $password")" \
	"401 credentials-unknown" "with another's login they do not"
is "$(asks "$both" -H "IntegrasjonId: nav-fiks" -H "IntegrasjonPassord: wrong")" \
	"401 credentials-unknown" "nor with another password"
is "$(grep -cF "$password" "$RELAY_DIR/log")" 0 "no password stands in the log"

# ---- its keys change --------------------------------------------------------------
fetches() { grep -c '"GET /jwk ' "$T/issuer.log"; }
printf '{"keys":[%s]}' "$(key two)" >"$site/jwk"
before=$(fetches)
for _ in 1 2 3 4 5; do
	asks "$(token two)" >/dev/null
done
check "made-up kids do not make courier run" test "$(fetches)" -le $((before + 1))
check "a new key is fetched when a token has it" wait_for 45 good two
is "$(asks "$(token one)")" "401 credentials-unknown" "the old one is no longer believed"
is "$(asks "$same")" "401 credentials-unknown" "nor a token that was good before"
stop_relay
is $? 0 "the relay leaves"

# ---- an issuer that is not there, or another ---------------------------------------
printf '{"issuer":"https://other.example/","jwks_uri":"%sjwk"}' "$issuer" \
	>"$site/.well-known/oauth-authorization-server"
start_relay -o "token_issuer=$issuer"
is "$(asks "$(token two)")" "503 temporarily-unavailable" "without keys no token is good"
check "metadata of another issuer are refused" wait_for 10 grep -q \
	'issuer.failed error="the issuer: its metadata are of another"' "$RELAY_DIR/log"
printf '{"issuer":"%s","jwks_uri":"http://127.0.0.1:9/jwk"}' "$issuer" \
	>"$site/.well-known/oauth-authorization-server"
check "and keys on another host" wait_for 10 grep -q \
	'issuer.failed error="the issuer: jwks_uri is not on its host"' "$RELAY_DIR/log"
head -c 70000 /dev/zero | tr '\0' ' ' >"$site/.well-known/oauth-authorization-server"
check "and an endless answer" wait_for 10 grep -q 'issuer.failed error="the issuer: Fail' "$RELAY_DIR/log"
is "$(curl -s --cacert "$RELAY_DIR/ca.crt" --cert "$RELAY_DIR/clients/nav.crt" --key "$RELAY_DIR/clients/nav.key" \
	-o "$T/body" -w '%{http_code}' "$RELAY_URL/v1/feed")" 200 "others are served all the while"
stop_relay
is $? 0 "the relay leaves"
finish
