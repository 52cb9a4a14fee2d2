#!/bin/bash
# The message types that are data alone, through a real relay: sent, fetched,
# confirmed; their documents in the language that was asked for; profile check.
. "$(dirname "$0")/../support/tap.sh"
. "$TOP/tests/support/pdf.sh"
need_tool jq qpdf pdftotext
start_relay
fixtures=$TOP/tests/formats/fixtures
nav() { local verb=$1; shift; "$BUDSTIKKE" "$verb" -c "$(client nav)" "$@"; }
oslo() { local verb=$1; shift; "$BUDSTIKKE" "$verb" -c "$(client oslo)" "$@"; }
# never TEXT PATTERN SENTENCE: the text does not match
never() { if grep -qE -- "$2" <<<"$1"; then not_ok "$3" "a match of $2"; else ok "$3"; fi; }
# unlike_state STATE ID SENTENCE: the first recipient's is another
unlike_state() { never "$(nav status --json "$2" 2>/dev/null | jq -r '.recipients[0].state')" "$1" "$3"; }
# words DIR: the text of a fetched document, spaces squeezed
words() { pdftotext "$1/document.pdf" - | tr -s '[:space:]' ' '; }

# ---- later attachments --------------------------------------------------------
mkdir "$T/files"
make_pdf "$T/files/lonnsslipp-oktober.pdf" oktober
make_pdf "$T/files/lonnsslipp-november.pdf" november
make_pdf "$T/files/kontrakt.pdf" kontrakt
files=("$T/files/lonnsslipp-oktober.pdf" "$T/files/lonnsslipp-november.pdf" "$T/files/kontrakt.pdf")
later=$fixtures/digisos-ettersendelse/gyldig-to-krav.json
sum=$(sha512sum "$T/files/kontrakt.pdf" | cut -d' ' -f1)
jq --arg sum "$sum" '.vedlegg[1].filer[0].sha512 = $sum' "$later" >"$T/later.json"
exits 0 "later attachments are sent, in Sámi" nav send --to oslo --type digisos-ettersendelse \
	--language se-NO --json "$T/later.json" "${files[@]}"
id=$(jq -r .id "$T/out")
exits 0 "and fetched" oslo fetch --out "$T/in" --json
check "the list is what was sent, byte for byte" cmp "$T/later.json" "$T/in/$id/payload.json"
check "so are the files" cmp "$T/files/kontrakt.pdf" "$T/in/$id/attachments/kontrakt.pdf"
like "$(words "$T/in/$id")" "Maŋŋil sáddejuvvon duođaštusat" "the document is in Sámi"
like "$(words "$T/in/$id")" "lonnsslipp-november.pdf" "and names each file"
check "qpdf finds it whole" qpdf --check "$T/in/$id/document.pdf"
exits 3 "a file that is not listed is refused" nav send --to oslo --type digisos-ettersendelse \
	--json "$T/later.json" "${files[@]}" "$T/files/../later.json"
exits 3 "a listed file that did not come is refused" nav send --to oslo \
	--type digisos-ettersendelse --json "$T/later.json" "${files[@]:0:2}"
is "$(jq -r '.errors[0].pointer' "$T/out")" /vedlegg/1/filer/0/filnavn "with its pointer"
jq '.vedlegg[1].filer[0].sha512 = ("0" * 128)' "$later" >"$T/wrong.json"
exits 3 "a digest that is another's is refused" nav send --to oslo --type digisos-ettersendelse \
	--json "$T/wrong.json" "${files[@]}"
is "$(jq -r '.errors[0].pointer' "$T/out")" /vedlegg/1/filer/0/sha512 "with its pointer"
never "$(cat "$T/out")" "${sum:0:16}" "and no digest in the answer"

# ---- status back to the citizen ---------------------------------------------------
exits 0 "a status is sent, in a language that it does not have" nav send --to oslo \
	--type digisos-soker --language uk --json "$fixtures/digisos-soker/gyldig-komplett.json"
id=$(jq -r .id "$T/out")
like "$(grep message.accepted "$RELAY_DIR/log" | tail -1)" 'language_fallback[":= ]*1' \
	"the log tells of the language"
exits 0 "and fetched" oslo fetch --out "$T/in" --json
like "$(words "$T/in/$id")" "språket som ble ønsket, finnes ikke" "the document says so"
like "$(words "$T/in/$id")" "Delvis innvilget" "and is in the type's own"
exits 0 "a dry run tells too" nav send --to oslo --type digisos-soker --language uk --dry-run \
	--json "$fixtures/digisos-soker/gyldig-minimal.json"
is "$(jq .notes.languageFallback "$T/out")" true "in its notes"
exits 0 "English is there" nav send --to oslo --type digisos-soker --language en --dry-run \
	--json "$fixtures/digisos-soker/gyldig-minimal.json"
is "$(jq .notes.languageFallback "$T/out")" false "and nothing to tell"
exits 3 "what is no language is refused" nav send --to oslo --type digisos-soker \
	--language 'nb_NO' --json "$fixtures/digisos-soker/gyldig-minimal.json"
is "$(jq -r '.errors[0].pointer' "$T/out")" /language "with its pointer"
exits 3 "an event that is not known is refused" nav send --to oslo --type digisos-soker \
	--json "$fixtures/digisos-soker/ugyldig-ukjent-type.json"
is "$(jq -r '.errors[0].pointer' "$T/out")" /hendelser/0/type "with its pointer"

# ---- reports of concern -------------------------------------------------------------
for kind in privat offentlig; do
	exits 0 "a report of concern is sent ($kind)" nav send --to oslo --type bekymringsmelding \
		--language nn --json "$fixtures/bekymringsmelding/gyldig-$kind.json"
	id=$(jq -r .id "$T/out")
	exits 6 "without a case number it cannot be confirmed" oslo fetch --out "$T/in" --json
	unlike_state imported "$id" "so it is not delivered"
	exits 0 "with a case number it is imported" oslo fetch --out "$T/in" --json --reference 2026/77
	is "$(nav status --json "$id" 2>/dev/null | jq -r '.recipients[0].state')" imported \
		"it is stored, and proved"
	like "$(words "$T/in/$id")" "Uroa" "it is in Nynorsk ($kind)"
done
exits 3 "two kinds of reporter at once are refused" nav send --to oslo --type bekymringsmelding \
	--json "$fixtures/bekymringsmelding/ugyldig-begge-meldere.json"
is "$(jq -r '.errors[0].pointer' "$T/out")" /privatMelder "with its pointer"
never "$(cat "$RELAY_DIR/log")" "Prøve" "no name stands in the log"

# ---- data that should not pass ----------------------------------------------------------
support=$fixtures/minimise/bostotte.json
# accepted ID: what the evidence of acceptance says of minimisation
accepted() {
	nav status --evidence --json "$1" 2>/dev/null >"$T/evidence.json"
	"$BUDSTIKKE" verify --ca "$RELAY_DIR/ca.crt" --json "$T/evidence.json" 2>/dev/null |
		jq -c '.receipts[] | select(.evidence.level == "accepted") | .evidence.minimised'
}
exits 0 "an application with too much is sent" nav send --to oslo --type digisos-soknad-minimal \
	--json "$support"
id=$(jq -r .id "$T/out")
exits 0 "and fetched" oslo fetch --out "$T/in" --json
got=$T/in/$id/payload.json
check "what is left is JSON" jq -e . "$got"
is "$(jq -c '[.data.okonomi.opplysninger.utbetaling[].netto]' "$got")" "[2500,99123,2600]" \
	"old, undated and others' payments are out"
is "$(jq -c '.data.okonomi.opplysninger.bostotte.saker' "$got")" "[]" "so are the cases"
is "$(jq -c '.data.personalia | has("folkeregistrertAdresse")' "$got")" false \
	"and the address at which a protected child may live"
never "$(cat "$got" "$T/in/$id/document.xhtml"; words "$T/in/$id")" \
	'1111111|2222222|3333333|HEMMELIG|skjultgata' "none of it stands anywhere"
accepted "$id" >"$T/minimised.json"
is "$(jq -r .received "$T/minimised.json")" "$(sha256sum "$support" | cut -d' ' -f1)" \
	"evidence has the digest of what came"
is "$(jq -r .kept "$T/minimised.json")" "$(sha256sum "$got" | cut -d' ' -f1)" \
	"and of what was passed on"
like "$(cat "$T/minimised.json")" '/data/okonomi/opplysninger/utbetaling/1' "it has pointers"
never "$(cat "$T/minimised.json")" '1111111|2222222|HEMMELIG|skjultgata' "and no value"
never "$(cat "$RELAY_DIR/log")" '1111111|2222222|HEMMELIG|skjultgata' "nor has the log"
exits 0 "the full type takes the same" nav send --to oslo --type digisos-soknad --json "$support"
id=$(jq -r .id "$T/out")
exits 0 "and it is fetched" oslo fetch --out "$T/in" --json
check "untouched" cmp "$support" "$T/in/$id/payload.json"
accepted "$id" >"$T/minimised.json"
is "$(jq -r '.received == .kept' "$T/minimised.json")" true "the digests are the same"
is "$(jq -r '[.rules[].effect] | unique | join(" ")' "$T/minimised.json")" report \
	"and evidence reports what the rules found"
exits 0 "an application with nothing too much" nav send --to oslo --type digisos-soknad-minimal \
	--json "$fixtures/digisos/gyldig-minimal.json"
id=$(jq -r .id "$T/out")
is "$(accepted "$id")" null "has nothing in its evidence"
exits 0 "a dry run counts" nav send --to oslo --type digisos-soknad-minimal --dry-run --json "$support"
check "what would be taken out" jq -e '.notes.minimised >= 8' "$T/out"
stop_relay
cp -r "$TOP/formats/profiles" "$T/profiles"
sed -i 's/"effect": "strip"/"effect": "refuse"/' "$T/profiles/digisos-soknad-minimal/profile.json"
sed -i "s|^profiles = .*|profiles = \"$T/profiles\";|" "$RELAY_DIR/relay.conf"
grep -q "^profiles = \"$T/profiles\"" "$RELAY_DIR/relay.conf" ||
	echo "profiles = \"$T/profiles\";" >>"$RELAY_DIR/relay.conf"
start_relay
exits 3 "with refuse, it is refused" nav send --to oslo --type digisos-soknad-minimal --json "$support"
like "$(cat "$T/out")" '/data/okonomi/opplysninger/utbetaling/1' "with pointers"
never "$(cat "$T/out")" '1111111|2222222|HEMMELIG|skjultgata' "and no value"

# ---- values that a type does not know, and such as the applicant overrode ------------------
unknown=$fixtures/digisos/gyldig-ukjente-felter.json
exits 0 "an application with fields that nobody has heard of is taken" nav send --to oslo \
	--type digisos-soknad --key unheard --json "$unknown"
id=$(jq -r .id "$T/out")
notice=$(grep message.unknown-values "$RELAY_DIR/log" | tail -1)
like "$notice" "warning .*$id.*type=\"?digisos-soknad\"? values=[1-9]" \
	"the operator is told, of message, type and how many"
exits 0 "the same again" nav send --to oslo --type digisos-soknad --key unheard --json "$unknown"
is "$(grep -c "message.unknown-values.*$id" "$RELAY_DIR/log")" 1 "is told once"
exits 0 "it is fetched" oslo fetch --out "$T/in" --json
like "$(words "$T/in/$id")" "Andre opplysninger" "the document has them under a heading of their own"
jq '.data.okonomi.oversikt.inntekt = [
	{kilde: "system", type: "jobb", tittel: "Fra registeret", netto: 11111, overstyrtAvBruker: true},
	{kilde: "bruker", type: "jobb", tittel: "Fra søkeren", netto: 22222, overstyrtAvBruker: false}]' \
	"$fixtures/digisos/gyldig-minimal.json" >"$T/overridden.json"
exits 0 "an application in which the applicant corrects the register" nav send --to oslo \
	--type digisos-soknad --json "$T/overridden.json"
id=$(jq -r .id "$T/out")
exits 0 "and it is fetched" oslo fetch --out "$T/in" --json
page=$(tr -s '[:space:]' ' ' <"$T/in/$id/document.xhtml")
like "$page" '<s[^>]*>11.111' "what the register said is struck through"
like "$page" '22.222' "what the applicant says stands beside it"
never "$page" '<s[^>]*>22.222' "and is not struck through"
like "$(words "$T/in/$id")" '11.111.*22.222' "the PDF has both"
check "and says which is struck, to those who listen" \
	grep -q LineThrough <(qpdf --qdf --object-streams=disable "$T/in/$id/document.pdf" -)

# ---- profile check ------------------------------------------------------------------
for folder in "$TOP"/formats/profiles/*/; do
	exits 0 "$(basename "$folder") is sound" "$BUDSTIKKE" profile check "$folder"
done
cp -r "$TOP/formats/profiles/digisos-soker" "$T/digisos-soker"
exits 0 "a copy elsewhere is sound" "$BUDSTIKKE" profile check "$T/digisos-soker"
exits 0 "so it is from within" env -C "$T/digisos-soker" "$BUDSTIKKE" profile check .
sed -i 's|"at": "/navKontor"|"at": "/navkontor"|' "$T/digisos-soker/presentation.json"
exits 3 "a field that is forgotten is a fault" "$BUDSTIKKE" profile check "$T/digisos-soker"
like "$(cat "$T/out")" '^presentation.json:[0-9]+:[0-9]+: /content/1/content/2/at: ' \
	"told as file, line, column and pointer"
like "$(cat "$T/out")" 'hendelse.schema.json:[0-9]+:[0-9]+: /definitions/tildeltNavKontor' \
	"and where the schema has it"
line=$(grep -n navkontor "$T/digisos-soker/presentation.json" | cut -d: -f1)
like "$(cat "$T/out")" "^presentation.json:$line:" "the line is right"
sed -i '3s/,/,,/' "$T/digisos-soker/profile.json"
exits 3 "what is no JSON is a fault" "$BUDSTIKKE" profile check "$T/digisos-soker"
like "$(cat "$T/out")" '^profile.json:3:[0-9]+: ' "told with its line"
exits 3 "so is a folder of another name" "$BUDSTIKKE" profile check "$T/files"
finish
