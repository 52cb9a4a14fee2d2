#!/bin/bash
# A character that no pinned font has: the message is accepted, the document
# shows U+FFFD, and log and receipt name the code point; never the text.
. "$(dirname "$0")/../support/tap.sh"
need_tool jq pdftotext
start_relay
minimal=$TOP/tests/formats/fixtures/digisos/gyldig-minimal.json
payload=$TOP/tests/formats/fixtures/digisos/tegn-uten-skrift.json
echo '{"vedlegg": []}' >"$T/vedlegg.json"
exits 0 "an application with signs that no font has is accepted" "$BUDSTIKKE" send \
	-c "$(client nav)" --to oslo --type digisos-soknad --json "$payload" "$T/vedlegg.json"
id=$(jq -r .id "$T/out")
line=$(grep message.accepted "$RELAY_DIR/log" | tail -1)
like "$line" 'U\+7533 U\+8ACB' "the log names the code points"
check "and nothing of the text" test "$(grep -cE '申|merkeord' "$RELAY_DIR/log")" = 0
receipt=$(jq -r .receipt "$T/out" | cut -d. -f2 | tr '_-' '/+')
while [ $((${#receipt} % 4)) -ne 0 ]; do receipt+="="; done
glyphs=$(base64 -d <<<"$receipt" | jq -c .missingGlyphs)
like "$glyphs" '^."U\+7533","U\+8ACB"' "so does the signed receipt"
exits 0 "the municipality fetches it" "$BUDSTIKKE" fetch -c "$(client oslo)" --out "$T/in"
like "$(pdftotext "$T/in/$id/document.pdf" - | tr -s '[:space:]' ' ')" 'Til �� og .* merkeord' \
	"the document shows them as replaced, and all else"
like "$(jq -r .data.begrunnelse.hvaSokesOm "$T/in/$id/payload.json")" '申請' \
	"the payload has the text itself"
exits 0 "an application without such signs" "$BUDSTIKKE" send -c "$(client nav)" --to oslo \
	--type digisos-soknad --json "$minimal" "$T/vedlegg.json"
receipt=$(jq -r .receipt "$T/out" | cut -d. -f2 | tr '_-' '/+')
while [ $((${#receipt} % 4)) -ne 0 ]; do receipt+="="; done
is "$(base64 -d <<<"$receipt" | jq -c .missingGlyphs)" null "has a receipt without such a list"
finish
