#!/bin/bash
# An XML letter through the real relay: checked by RELAX NG in the jailed render
# role, rendered, sealed, fetched and confirmed; bad ones are told by element.
. "$(dirname "$0")/../support/tap.sh"
. "$TOP/tests/support/pdf.sh"
need_tool jq qpdf pdftotext xmllint
fixtures=$TOP/tests/formats/fixtures/arkivbrev
# a second type: the same letter by a schema in XML Schema; init takes the types
# that lie beside its program
mkdir -p "$T/share/budstikke" "$T/bin"
cp "$BUDSTIKKE" "$T/bin/"
BUDSTIKKE=$T/bin/$(basename "$BUDSTIKKE")
cp -r "$TOP/formats/profiles" "$T/share/budstikke/profiles"
brev=$T/share/budstikke/profiles/brev-xsd
cp -r "$TOP/formats/profiles/arkivbrev" "$brev"
cp "$fixtures/arkivbrev.xsd" "$brev/"
rm "$brev/arkivbrev.rng"
jq '.name = "brev-xsd" | .payload.schema = "arkivbrev.xsd" | .payload.text = true' \
	"$TOP/formats/profiles/arkivbrev/profile.json" >"$brev/profile.json"
start_relay
schema=$TOP/formats/profiles/arkivbrev/arkivbrev.rng
letter=$fixtures/gyldig-vedtak.xml
make_pdf "$T/husleiekontrakt.pdf" "a lease"
nav() { local verb=$1; shift; "$BUDSTIKKE" "$verb" -c "$(client nav)" "$@"; }
oslo() { local verb=$1; shift; "$BUDSTIKKE" "$verb" -c "$(client oslo)" "$@"; }

# refused FILE POINTER PATTERN SENTENCE
refused() {
	exits 3 "$4" nav send --to oslo --type arkivbrev --json "$1"
	is "$(jq -r '.code' "$T/out")" payload-invalid "with its code"
	is "$(jq -r '.errors[0].pointer' "$T/out")" "$2" "and the element"
	like "$(jq -r '.errors[0].expected' "$T/out")" "$3" "and the line"
	is "$(grep -c Hemmelig "$T/out" "$T/err" | grep -v ':0$')" "" "and no value"
}

check "xmllint finds our letter good, by the same schema" \
	xmllint --nonet --noout --relaxng "$schema" "$letter"
check "the profile is good" "$BUDSTIKKE" profile check "$TOP/formats/profiles/arkivbrev"

exits 0 "a letter with an attachment is sent" nav send --to oslo --type arkivbrev --json \
	"$letter" "$T/husleiekontrakt.pdf"
first=$(jq -r .id "$T/out")
exits 0 "the shortest letter is sent" nav send --to oslo --type arkivbrev --json \
	"$fixtures/gyldig-kort.xml"
second=$(jq -r .id "$T/out")

sed 's/2026-11-19/19.11.Hemmelig/' "$letter" >"$T/date.xml"
refused "$T/date.xml" /arkivbrev/journalpost/dokumentetsDato "^line 17: .*type date" \
	"a wrong date is refused"
sed 's/<hilsen>/<Hemmelig\/><hilsen>/; s/Hemmelig/ukjent/' "$letter" >"$T/element.xml"
refused "$T/element.xml" /arkivbrev/brev/ukjent "^line 53: " "an unknown element is refused"
sed '1a <!DOCTYPE a [<!ENTITY Hemmelig SYSTEM "file:///etc/passwd">]>' "$letter" >"$T/dtd.xml"
refused "$T/dtd.xml" "" "^line 2: a document type declaration" "other files are refused"
sed 's/<hilsen>/<!-- Hemmelig --><hilsen>/' "$letter" >"$T/comment.xml"
refused "$T/comment.xml" "" "^line 53: a comment" "what nobody would see is refused"
sed 's/<hilsen>/<hilsen/' "$letter" >"$T/broken.xml"
refused "$T/broken.xml" "" "^line 53: " "a broken text is refused"
jq -n '{}' >"$T/json.xml"
refused "$T/json.xml" "" "^line 1: " "JSON is no letter"
{
	echo '<arkivbrev xmlns="urn:budstikke:arkivbrev:1">'
	for _ in $(seq 100); do printf '<a>'; done
} >"$T/deep.xml"
refused "$T/deep.xml" "" "^line 2: .*xml_depth" "deep nesting is refused by the limit's name"

check "a type with an XML Schema is good" "$BUDSTIKKE" profile check "$brev"
check "xmllint finds our letter good by it, too" \
	xmllint --nonet --noout --schema "$brev/arkivbrev.xsd" "$letter"
exits 0 "the shortest letter is good by it" nav send --to oslo --type brev-xsd --json \
	"$fixtures/gyldig-kort.xml"
third=$(jq -r .id "$T/out")
exits 3 "a wrong date is refused by it" nav send --to oslo --type brev-xsd --json "$T/date.xml"
is "$(jq -r '.errors[0].pointer' "$T/out")" /arkivbrev/journalpost/dokumentetsDato "at its element"
is "$(grep -c Hemmelig "$T/out" "$T/err" | grep -v ':0$')" "" "without its value"
sed -i 's/<xs:element name="hilsen"/<xs:element name="ny" type="a:linje" minOccurs="0"\/>&/' \
	"$brev/arkivbrev.xsd"
exits 3 "what it knows and nobody shows is a fault" "$BUDSTIKKE" profile check "$brev"
like "$(cat "$T/out" "$T/err")" 'arkivbrev.xsd:[0-9]+.*/brev/ny' "told with its line"

exits 0 "Oslo fetches" oslo fetch --out "$T/in" --json --reference arkiv/9
is "$(jq -r '.fetched | length' "$T/out")" 3 "three letters, and none of the refused"
check "the letter is what was sent" cmp "$letter" "$T/in/$first/payload.xml"
check "so is its attachment" cmp "$T/husleiekontrakt.pdf" \
	"$T/in/$first/attachments/husleiekontrakt.pdf"
check "so is the shortest one" cmp "$fixtures/gyldig-kort.xml" "$T/in/$second/payload.xml"
check "and the one of the other type" cmp "$fixtures/gyldig-kort.xml" "$T/in/$third/payload.xml"
check "whose text has its heading" grep -q '^# ' "$T/in/$third/document.md"
check "the PDF is whole" qpdf --check "$T/in/$first/document.pdf"
check "the XHTML is well-formed" xmllint --nonet --noout "$T/in/$first/document.xhtml"
pdftotext -layout "$T/in/$first/document.pdf" "$T/letter.txt"
for words in "Oversendelse av opplysninger om bostøtte & husleie" "Kárášjoga gielda" \
	"Hva vi har funnet" "inntekt < utgifter" "Олена Шевченко" "19.11.2026" "husleiekontrakt.pdf"; do
	check "the PDF says: $words" grep -qF "$words" "$T/letter.txt"
done
is "$(grep -c "Andre opplysninger" "$T/letter.txt")" 0 "the presentation knows every value"
nav status --json "$first" >"$T/out"
is "$(jq -r '.recipients[0].state' "$T/out")" imported "the sender sees that it is stored"
is "$(grep -c 'role.dead\|Hemmelig' "$RELAY_DIR/log")" 0 "no role died, no value is in the log"
finish
