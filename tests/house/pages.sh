#!/bin/bash
# The man pages are clean, and no file carries what does not belong in it.
. "$(dirname "$0")/../support/tap.sh"
need_tool mandoc git
cd "$TOP" || exit 1

for page in */*.[1578]; do
	[ -e "$page" ] || continue
	# STYLE: the base system's own names are not ours to judge
	out=$(mandoc -T lint -W warning "$page" 2>&1)
	is "$out" "" "mandoc has nothing to say about $page"
done

files() {
	if git rev-parse --git-dir >/dev/null 2>&1; then
		git ls-files
	else
		find . -type f -not -path './build/*' -not -path './.git/*'
	fi
}
out=$(files | grep -E '\.([ch]|sh|mk)$|Makefile$' | grep -v '^tests/house/pages.sh$' |
	xargs grep -nE '\b(TODO|FIXME|XXX)\b')
is "$out" "" "nothing is left to do later in a comment"
out=$(files | grep -E '(^|/)(util|utils|common|misc|helpers)\.[ch]$')
is "$out" "" "no file is a drawer for everything"
out=$(files | grep -E '\.[ch]$' | xargs awk 'END { } FNR == 1 { if (f && n > 1000) print f, n; f = FILENAME } { n = FNR } ' )
is "$out" "" "no source file is over 1000 lines"
finish
