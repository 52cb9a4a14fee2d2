#!/bin/bash
# Every document as its readers open it: real messages of all types and
# languages, fetched from a relay, in headless Chromium. axe-core finds no
# barrier, and on a page of 320 px (WCAG 2.1, 1.4.10) nothing moves sideways.
. "$(dirname "$0")/../support/tap.sh"
need_tool jq node npm chromium
fixtures=$TOP/tests/formats/fixtures
modules=$TOP/build/browser

# as the lock file pins them, with their digests; nothing of them is run now
install_modules() {
	cmp -s "$TOP/tests/browser/package-lock.json" "$modules/package-lock.json" &&
		[ -d "$modules/node_modules/axe-core" ] && return 0
	mkdir -p "$modules" && cp "$TOP"/tests/browser/package*.json "$modules/" || return 1
	npm ci --prefix "$modules" --ignore-scripts --no-audit --no-fund >"$T/npm" 2>&1 ||
		{ rm -f "$modules/package-lock.json"; return 1; }
}
if ! install_modules; then
	skip "accessible.sh" "missing tool: axe-core and playwright-core, which npm could not install"
	finish
fi

start_relay
sent=0
# send_all TYPE FOLDER LANGUAGE...: each valid example in each language
send_all() {
	local type=$1 folder=$2 language example
	shift 2
	for example in "$fixtures/$folder"/gyldig-*; do
		case $example in */vedlegg-*) continue ;; esac
		for language in "$@"; do
			mkdir -p "$T/files"
			"$BUDSTIKKE" send -c "$(client nav)" --to oslo --type "$type" \
				--language "$language" --json "$example" >"$T/sent" 2>"$T/err" ||
				{ not_ok "$example is sent" "$(cat "$T/sent" "$T/err")"; continue; }
			id=$(jq -r .id "$T/sent")
			printf '%s %s-%s-%s\n' "$id" "$type" "$language" \
				"$(basename "${example%.*}")" >>"$T/names"
			sent=$((sent + 1))
		done
	done
}
send_all digisos-soknad digisos nb
send_all digisos-soker digisos-soker en
send_all bekymringsmelding bekymringsmelding nb nn
send_all arkivbrev arkivbrev nb
"$BUDSTIKKE" fetch -c "$(client oslo)" --out "$T/in" --reference 2026/1 --json >"$T/out" 2>"$T/err"
mkdir "$T/pages"
# a page that is wrong both ways, so that looking is known to see
cat >"$T/wrong.xhtml" <<'END'
<html xmlns="http://www.w3.org/1999/xhtml" lang="nb"><head><title>Feil</title></head><body><main>
<h1>Feil</h1><p>Et bilde uten tekst og en bred linje.</p><ul><li>en</li></ul><a href="#x">lenke</a>
<img src="data:," /><div style="width:900px">bred</div></main></body></html>
END
while read -r id name; do
	cp "$T/in/$id/document.xhtml" "$T/pages/$name.xhtml"
done <"$T/names"
is "$(find "$T/pages" -name '*.xhtml' | wc -l)" "$sent" "all documents have come"
check "there are many" test "$sent" -ge 12

look() { node "$TOP/tests/browser/look.mjs" "$modules" "$(command -v chromium)" "$@" 2>"$T/err"; }
look "$T/wrong.xhtml" >"$T/seen" || not_ok "Chromium looks at a wrong page" "$(cat "$T/err")"
like "$(grep axe "$T/seen")" 'image-alt: <img' "a picture without a text would be seen"
like "$(grep narrow "$T/seen")" '[0-9]+ px: <div' "and what is too wide"
look "$T"/pages/*.xhtml >"$T/looked" || not_ok "Chromium looks at them" "$(cat "$T/err")"
is "$(wc -l <"$T/looked")" $((2 * sent)) "it has looked at all, twice"
while IFS=$'\t' read -r name what found; do
	case $what in
	axe) said="axe finds nothing in $name" ;;
	*) said="at 320 px nothing of $name moves sideways" ;;
	esac
	is "$found" "" "$said"
done <"$T/looked"
finish
