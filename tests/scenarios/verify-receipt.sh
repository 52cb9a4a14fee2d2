#!/bin/bash
# A receipt is verified with tools that are not ours: openssl, jq and the shell.
# tests/support/jws_verify.sh has the steps.

. "$(dirname "$0")/../support/tap.sh"
need_tool openssl jq
cd "$TOP" || exit 1
SEAL=$T/seal_file
check "the sample program compiles" ${CC:-gcc} -std=gnu17 -D_GNU_SOURCE -I. \
	tests/keys/seal_file.c "$BUILD/libkeys.a" "$BUILD/libbase.a" -lcrypto -o "$SEAL" || finish
check "a receipt is signed" "$SEAL" receipt "$T" || finish

# The payload as compact JSON with its members in order, when all holds
verify() {
	local text
	text=$(tests/support/jws_verify.sh "$2" "$1") || return 1
	jq -cS . <<<"$text"
}

is "$(verify "$T/receipt.json" "$T/ca.crt")" "$(jq -cS . "$T/payload.json")" \
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
	[ "$(verify "$T/other/receipt.json" "$T/other/ca.crt")" = "$(jq -cS . "$T/payload.json")" ] ||
		bad=$((bad + 1))
done
is "$bad" 0 "twenty receipts of twenty keys verify"
finish
