#!/bin/bash
# A message type that this test makes from nothing but data: a folder with a
# schema and a presentation, checked, given to a running relay, sent, refused,
# rendered in two languages, fetched and confirmed.
. "$(dirname "$0")/../support/tap.sh"
. "$TOP/tests/support/pdf.sh"
need_tool jq qpdf pdftotext xmllint
nav() { local verb=$1; shift; "$BUDSTIKKE" "$verb" -c "$(client nav)" "$@"; }
oslo() { local verb=$1; shift; "$BUDSTIKKE" "$verb" -c "$(client oslo)" "$@"; }
boss() { local verb=$1; shift; "$BUDSTIKKE" "$verb" -c "$(client operator)" "$@"; }
words() { pdftotext "$1/document.pdf" - | tr -s '[:space:]' ' '; }

type=$T/types/vannmaaler
mkdir -p "$type"
cat >"$type/profile.json" <<'END'
{
	"name": "vannmaaler",
	"version": "1.0.0",
	"title": "Avlesning av vannmåler",
	"language": "nb",
	"payload": {
		"kind": "json", "name": "payload.json", "mediaType": "application/json",
		"schema": "avlesning.schema.json", "presentation": "presentation.json"
	},
	"attachments": {"countMax": 1, "bytesMax": 1000000, "mediaTypes": ["application/pdf"]},
	"deadlines": [{"stage": "not-fetched", "severity": "notice", "afterSeconds": 86400}],
	"expirySeconds": 864000,
	"graceSeconds": 86400,
	"unproven": "refuse"
}
END
cat >"$type/avlesning.schema.json" <<'END'
{
	"$schema": "http://json-schema.org/draft-07/schema#",
	"type": "object",
	"required": ["adresse", "dato", "stand"],
	"properties": {
		"adresse": {"type": "string", "minLength": 1},
		"dato": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
		"stand": {"type": "integer", "minimum": 0},
		"lekkasje": {"type": "boolean"}
	}
}
END
cat >"$type/presentation.json" <<'END'
{
	"languages": ["nb", "en"],
	"title": {"nb": "Avlesning av vannmåler", "en": "Reading of a water meter"},
	"words": {
		"yes": {"nb": "Ja", "en": "Yes"}, "no": {"nb": "Nei", "en": "No"},
		"empty": {"nb": "(tomt)", "en": "(empty)"}, "none": {"nb": "(intet)", "en": "(none)"},
		"notAnswered": {"nb": "Ikke besvart", "en": "Not answered"},
		"unknownCode": {"nb": "ukjent kode", "en": "unknown code"},
		"other": {"nb": "Andre opplysninger", "en": "Other information"},
		"sender": {"nb": "Avsender", "en": "Sender"},
		"recipient": {"nb": "Mottaker", "en": "Recipient"},
		"received": {"nb": "Mottatt", "en": "Received"},
		"reference": {"nb": "Referanse", "en": "Reference"},
		"message": {"nb": "Melding", "en": "Message"},
		"fileName": {"nb": "Fil", "en": "File"}, "fileSize": {"nb": "Størrelse", "en": "Size"},
		"noFiles": {"nb": "Ingen filer.", "en": "No files."},
		"fallback": {"nb": "Språket finnes ikke.", "en": "The language is not there."}
	},
	"content": [
		{"row": {"nb": "Adresse", "en": "Address"}, "at": "/adresse"},
		{"row": {"nb": "Lest av", "en": "Read on"}, "at": "/dato", "form": "date"},
		{"row": {"nb": "Målerstand", "en": "Reading"}, "at": "/stand", "form": "number"},
		{"row": {"nb": "Lekkasje", "en": "Leak"}, "at": "/lekkasje"},
		{"files": {"nb": "Vedlegg", "en": "Attachments"}},
		{"envelope": {"nb": "Om meldingen", "en": "About this message"}}
	]
}
END
payload=$T/avlesning.json
echo '{"adresse": "Prøvegata 1, 0001 Oslo", "dato": "2026-11-20", "stand": 12345, "lekkasje": false}' \
	>"$payload"
make_pdf "$T/bilde.pdf" "bilde av maaleren"

# ---- the folder is looked at before any relay sees it ------------------------
exits 0 "the new type is sound" "$BUDSTIKKE" profile check "$type"
sed '/"lekkasje"/d; s/"minimum": 0},/"minimum": 0}/' "$type/avlesning.schema.json" >"$T/schema"
mkdir -p "$T/faulty" && cp -r "$type" "$T/faulty/vannmaaler"
cp "$T/schema" "$T/faulty/vannmaaler/avlesning.schema.json"
exits 3 "a row for what the schema does not have is a fault" \
	"$BUDSTIKKE" profile check "$T/faulty/vannmaaler"
line=$(grep -n /lekkasje "$type/presentation.json" | cut -d: -f1)
like "$(cat "$T/out")" "^presentation.json:$line:" "told with its line"
rm "$T/faulty/vannmaaler/avlesning.schema.json"
exits 3 "so is a schema that is not there" "$BUDSTIKKE" profile check "$T/faulty/vannmaaler"
like "$(cat "$T/out")" '^profile.json:8:3: /payload/schema: ' "told where profile.json names it"

cp "$type"/* "$T/faulty/vannmaaler/"
sed -i 's/"payload.json"/"avlesning.json"/' "$T/faulty/vannmaaler/profile.json"
exits 3 "and a payload of a name that no package has" "$BUDSTIKKE" profile check "$T/faulty/vannmaaler"
like "$(cat "$T/out")" '^profile.json:7:[0-9]+: /payload/name: ' "with its line"

# ---- a running relay takes it at a reload ------------------------------------
cp -r "$TOP/formats/profiles/." "$T/types-all"
start_relay -o "profiles=$T/types-all"
exits 3 "the relay does not know the type" nav send --to oslo --type vannmaaler --json "$payload"
is "$(jq -r .code "$T/out")" type-unknown "and says so"
cp -r "$type" "$T/types-all/"
kill -HUP "$RELAY_PID"
opened() { boss party set "$(orgnr oslo)" --types document,vannmaaler --json >"$T/out"; }
check "after a reload the operator can open a mailbox for it" wait_for 20 opened
sent() { nav send --to oslo --type vannmaaler --json --key reading-1 "$payload" "$T/bilde.pdf" >"$T/out"; }
check "and it is taken" wait_for 20 sent
id=$(jq -r .id "$T/out")
jq '.stand = -1' "$payload" >"$T/wrong.json"
exits 3 "what its schema refuses is refused" nav send --to oslo --type vannmaaler --json "$T/wrong.json"
is "$(jq -r '.errors[0].pointer' "$T/out")" /stand "with the pointer"
exits 3 "so is an attachment too many" nav send --to oslo --type vannmaaler --json "$payload" \
	"$T/bilde.pdf" "$T/bilde.pdf"
exits 0 "another is sent in English" nav send --to oslo --type vannmaaler --language en --json "$payload"
english=$(jq -r .id "$T/out")

# ---- and the recipient has it ------------------------------------------------
exits 0 "both are fetched and confirmed" oslo fetch --out "$T/in" --json
check "the payload is what was sent, byte for byte" cmp "$payload" "$T/in/$id/payload.json"
check "so is the attachment" cmp "$T/bilde.pdf" "$T/in/$id/attachments/bilde.pdf"
check "the PDF is whole" qpdf --check "$T/in/$id/document.pdf"
check "the XHTML is well-formed" xmllint --noout "$T/in/$id/document.xhtml"
text=$(words "$T/in/$id")
like "$text" 'Avlesning av vannmåler Adresse Prøvegata 1, 0001 Oslo Lest av 20.11.2026' \
	"the document has labels and values"
like "$text" 'Målerstand 12.345 Lekkasje Nei' "in their forms"
like "$(words "$T/in/$english")" 'Reading 12,345 Leak No' "and in the other language"
is "$(nav status --json "$id" 2>/dev/null | jq -r '.recipients[0].state')" imported \
	"it is stored, and proved"
finish
