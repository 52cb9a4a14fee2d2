#!/bin/bash
# render - the rows of rendering, and of what others take for the same text.
#
# usage: tests/bench/render.sh FOLDER [--peers]
# A row: NAME, value, unit, with tabs between.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$1
mkdir -p "$folder"
build/bench_render
[ "${2:-}" = --peers ] || exit 0
build/bench_render --write "$folder"
printf 'Cairo and Pango, the same text\t%s\tus\n' "$(build/peer_pango "$folder/sample.txt")"
# a process for each document, as it is mostly run; the best of five
best=
for _ in 1 2 3 4 5; do
	took=$({ TIMEFORMAT='%U %S'; time weasyprint -q "$folder/sample.xhtml" \
		"$folder/sample.weasyprint.pdf" 2>/dev/null; } 2>&1 |
		awk '{ printf "%.0f", ($1 + $2) * 1e6 }')
	if [ -z "$best" ] || [ "$took" -lt "$best" ]; then best=$took; fi
done
printf 'WeasyPrint, the same XHTML, a process\t%s\tus\n' "$best"
