#!/bin/bash
# The render role keeps nothing of a message: when it has answered, no word of the
# payload is in its memory, in whatever form a library may have copied it.
. "$(dirname "$0")/../support/tap.sh"
need_tool jq python3
start_relay
fixtures=$TOP/tests/formats/fixtures
words=(Zqvxnavnor "Kjøttqvzeta" "ŋávdnáqz" "Привідzq" "مرحباقظ" "申請qz")
jq --arg text "${words[*]:1} hjelp" \
	'.data.personalia.navn.etternavn = "Zqvxnavnor" | .data.begrunnelse.hvaSokesOm = $text' \
	"$fixtures/digisos/gyldig-kort.json" >"$T/good.json"
jq '.data.soknadstype = "annet"' "$T/good.json" >"$T/bad.json"
sed "s/<tittel>[^<]*/<tittel>${words[*]}/" "$fixtures/arkivbrev/gyldig-vedtak.xml" >"$T/letter.xml"
sed 's/<journalpost>/<journalpost><feil>Zqvxnavnor<\/feil>/' "$T/letter.xml" >"$T/bad.xml"
send() { "$BUDSTIKKE" send -c "$(client nav)" --to oslo --json "$@"; }

# in_memory WORD: where it stands in the process; fails when that cannot be read
in_memory() { python3 "$TOP/tests/support/memory_has.py" "$(role_pid render)" "$1"; }
in_memory Zqvxnavnor >"$T/memory" 2>&1 || {
	skip "the memory of the render role" "needs the right to read /proc/PID/mem"
	finish
}
# words of a message type are kept: so the search finds what is there
in_memory "Personopplysninger" >"$T/memory"
check "a heading of the message type is in memory" grep -q utf-8: "$T/memory"

nothing_is_left() {
	local word found
	for word in "${words[@]}"; do
		found=$(in_memory "$word")
		like "$found" '^bytes [0-9]{6,}$' "$1: nothing of $word is left"
	done
}
exits 0 "an application is accepted" send --type digisos-soknad "$T/good.json"
nothing_is_left "accepted"
exits 3 "one that breaks the schema is refused" send --type digisos-soknad "$T/bad.json"
nothing_is_left "refused"
exits 0 "a letter in XML is accepted" send --type arkivbrev "$T/letter.xml"
nothing_is_left "accepted XML"
exits 3 "one that breaks its schema is refused" send --type arkivbrev "$T/bad.xml"
nothing_is_left "refused XML"
is "$(grep -c role.dead "$RELAY_DIR/log")" 0 "and it is the same process all the time"
finish
