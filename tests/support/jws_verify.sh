#!/bin/bash
# jws_verify - verifies a receipt with openssl and jq alone, as somebody would
# who does not believe our programs.
#
# usage: jws_verify.sh CA.crt FILE      FILE: JSON with "receipt" or "evidence", or a JWS
# Prints the signed JSON; status 1 when anything does not hold.
set -euo pipefail
ca=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

unbase64url() {
	local text
	text=$(tr '_-' '/+')
	while [ $((${#text} % 4)) != 0 ]; do text+='='; done
	printf '%s' "$text" | base64 -d
}

case $(head -c 1 "$2") in
'{') jws=$(jq -er '.receipt // .evidence | strings' "$2") ;;
*) jws=$(tr -d '\n' <"$2") ;;
esac
IFS=. read -r header payload signature rest <<<"$jws"
[ -z "${rest:-}" ]
printf '%s' "$header" | unbase64url >"$work/header"
[ "$(jq -r .alg "$work/header")" = ES256 ]

# the signer's certificate, and whether our authority made it
jq -r '.x5c[0]' "$work/header" | base64 -d >"$work/signer.der"
openssl x509 -inform DER -in "$work/signer.der" -out "$work/signer.pem"
openssl verify -CAfile "$ca" "$work/signer.pem" >/dev/null
[ "$(jq -r '."x5t#S256"' "$work/header" | unbase64url | od -An -tx1 | tr -d ' \n')" = \
	"$(sha256sum <"$work/signer.der" | cut -d' ' -f1)" ]

# RFC 7518 section 3.4: r and s as 32 octets each; openssl wants DER
hex=$(printf '%s' "$signature" | unbase64url | od -An -v -tx1 | tr -d ' \n')
[ ${#hex} = 128 ]
printf 'asn1=SEQUENCE:s\n[s]\nr=INTEGER:0x%s\ns=INTEGER:0x%s\n' \
	"${hex:0:64}" "${hex:64}" >"$work/signature.cnf"
openssl asn1parse -genconf "$work/signature.cnf" -noout -out "$work/signature.der"
openssl x509 -in "$work/signer.pem" -noout -pubkey >"$work/signer.pub"
printf '%s.%s' "$header" "$payload" >"$work/signed"
openssl dgst -sha256 -verify "$work/signer.pub" \
	-signature "$work/signature.der" "$work/signed" >/dev/null
printf '%s' "$payload" | unbase64url | jq .
