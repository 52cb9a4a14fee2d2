#!/bin/bash
# A receipt is verified with tools that are not ours: openssl, jq and the shell.
# The same steps stand in the guide for recipients and auditors.

. "$(dirname "$0")/../support/tap.sh"
need_tool openssl jq xxd
cd "$TOP" || exit 1
SEAL=$T/seal_file
check "the sample program compiles" ${CC:-gcc} -std=gnu17 -D_GNU_SOURCE -I. \
	tests/keys/seal_file.c "$BUILD/libkeys.a" "$BUILD/libbase.a" -lcrypto -o "$SEAL" || finish
check "a receipt is signed" "$SEAL" receipt "$T" || finish

base64url() { # decode
	local text=$1
	while [ $((${#text} % 4)) != 0 ]; do text+==; done
	printf %s "$text" | tr -- '-_' '+/' | base64 -d
}

# der_of_raw: r and s of 32 bytes each, as hex, to the ASN.1 that openssl reads
der_integer() {
	local hex=$1
	while [ "${hex:0:2}" = 00 ] && [ ${#hex} -gt 2 ]; do hex=${hex:2}; done
	[[ ${hex:0:1} =~ [89a-f] ]] && hex=00$hex
	printf '02%02x%s' $((${#hex} / 2)) "$hex"
}
der_of_raw() {
	local body
	body=$(der_integer "${1:0:64}")$(der_integer "${1:64:64}")
	printf '30%02x%s' $((${#body} / 2)) "$body"
}

# verify RECEIPT CA: prints the payload when all holds
verify() {
	local header payload signature certificate
	IFS=. read -r header payload signature <"$1" || [ -n "$signature" ] || return 1
	base64url "$header" >"$T/header" || return 1
	[ "$(jq -r .alg "$T/header")" = ES256 ] || return 1
	{
		echo -----BEGIN CERTIFICATE-----
		jq -r '.x5c[0]' "$T/header" | fold -w 64
		echo -----END CERTIFICATE-----
	} >"$T/signer.crt"
	certificate=$(openssl x509 -in "$T/signer.crt" -outform DER | openssl dgst -sha256 -binary |
		base64 | tr -d '=\n' | tr -- '+/' '-_')
	[ "$(jq -r '."x5t#S256"' "$T/header")" = "$certificate" ] || return 1
	openssl verify -CAfile "$2" "$T/signer.crt" >/dev/null 2>&1 || return 1
	der_of_raw "$(base64url "$signature" | xxd -p -c 64)" | xxd -r -p >"$T/signature"
	openssl x509 -in "$T/signer.crt" -noout -pubkey >"$T/signer.pub"
	printf %s "$header.$payload" |
		openssl dgst -sha256 -verify "$T/signer.pub" -signature "$T/signature" >/dev/null 2>&1 ||
		return 1
	base64url "$payload"
}

is "$(verify "$T/receipt.json" "$T/ca.crt")" "$(cat "$T/payload.json")" \
	"openssl and jq verify the receipt and give back what was signed"

# one letter of the payload altered
IFS=. read -r a b c <"$T/receipt.json" || true
printf '%s.%sX%s.%s' "$a" "${b:0:20}" "${b:21}" "$c" >"$T/altered.json"
exits 1 "an altered receipt is refused" verify "$T/altered.json" "$T/ca.crt"

# another authority
mkdir "$T/other"
"$SEAL" receipt "$T/other"
exits 1 "a receipt of another authority is refused" verify "$T/receipt.json" "$T/other/ca.crt"

# twenty more: r or s is shorter than 32 bytes now and then
bad=0
for _ in $(seq 20); do
	"$SEAL" receipt "$T/other"
	[ "$(verify "$T/other/receipt.json" "$T/other/ca.crt")" = "$(cat "$T/payload.json")" ] ||
		bad=$((bad + 1))
done
is "$bad" 0 "twenty receipts of twenty keys verify"
finish
