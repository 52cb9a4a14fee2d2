#!/bin/bash
# A message type that wants its JSON as XML and as plain text, too, through the
# real relay: the XML is sealed, fits the one schema by another program, and says
# what the JSON says; the text is CommonMark.
. "$(dirname "$0")/../support/tap.sh"
need_tool jq xmllint openssl unzip
fixtures=$TOP/tests/formats/fixtures/digisos
schema=$TOP/formats/json_xml.rng
# init takes the message types that lie beside its program
mkdir -p "$T/share/budstikke/profiles" "$T/bin"
ln -s "$T/share/budstikke/profiles" "$T/profiles"
cp "$BUDSTIKKE" "$T/bin/"
BUDSTIKKE=$T/bin/$(basename "$BUDSTIKKE")
cp -r "$TOP/formats/profiles/digisos-soknad" "$T/profiles/"
cp -r "$TOP/formats/profiles/digisos-soknad" "$T/profiles/soknad-xml"
jq '.name = "soknad-xml" | .payload.xml = true | .payload.text = true' \
	"$TOP/formats/profiles/digisos-soknad/profile.json" >"$T/profiles/soknad-xml/profile.json"
check "the profile is good" "$BUDSTIKKE" profile check "$T/profiles/soknad-xml"
start_relay
nav() { local verb=$1; shift; "$BUDSTIKKE" "$verb" -c "$(client nav)" "$@"; }
oslo() { local verb=$1; shift; "$BUDSTIKKE" "$verb" -c "$(client oslo)" "$@"; }

names=(gyldig-minimal gyldig-familie gyldig-arabisk)
ids=()
for name in "${names[@]}"; do
	exits 0 "$name is sent" nav send --to oslo --type soknad-xml --json "$fixtures/$name.json"
	ids+=("$(jq -r .id "$T/out")")
done
exits 0 "one of the plain type is sent" nav send --to oslo --type digisos-soknad --json \
	"$fixtures/gyldig-minimal.json"
plain=$(jq -r .id "$T/out")
exits 0 "Oslo fetches" oslo fetch --out "$T/in" --json --reference arkiv/9
is "$(jq -r '.fetched | length' "$T/out")" 4 "all of them"

# what an XML reader that knows nothing of us finds, as jq prints the same
texts() {
	xmllint --nonet --xpath '//*[local-name() = "string" and . != ""]/text()' "$1" 2>/dev/null |
		sed 's/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g' | LC_ALL=C sort
}
for i in "${!names[@]}"; do
	folder=$T/in/${ids[i]}
	check "${names[i]}: the payload is what was sent" \
		cmp "$fixtures/${names[i]}.json" "$folder/payload.json"
	check "${names[i]}: its XML fits the schema" \
		xmllint --nonet --noout --relaxng "$schema" "$folder/document.xml"
	jq -r '.. | strings | select(. != "")' "$folder/payload.json" | LC_ALL=C sort >"$T/want"
	texts "$folder/document.xml" >"$T/got"
	is "$(cmp "$T/got" "$T/want" 2>&1)" "" "${names[i]}: an XML reader finds the same texts"
	is "$(xmllint --nonet --xpath 'count(//*[local-name() = "number"])' "$folder/document.xml")" \
		"$(jq '[.. | numbers] | length' "$folder/payload.json")" \
		"${names[i]}: and as many numbers"
	is "$(grep -v '^$' "$folder/document.md" | sed -n 2p | head -c 2)" "# " \
		"${names[i]}: the text begins with what the logo shows and its heading"
	check "${names[i]}: and names values" grep -q '^\* \*\*.*:\*\* ' "$folder/document.md"
done
check "who does not want it does not get it" \
	test ! -e "$T/in/$plain/document.xml" -a ! -e "$T/in/$plain/document.md"
is "$(grep -c role.dead "$RELAY_DIR/log")" 0 "no role died"
finish
