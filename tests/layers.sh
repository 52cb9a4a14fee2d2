#!/bin/bash
# layers - who may include whom, and which folder a library is at home in.
#
# usage: tests/layers.sh [TREE]   prints each violation; status 1 when there is one
#
# The rules are DESIGN's "rooms": base calls nobody, formats only base, keys and
# spool never each other, nobody below calls up; one library, one folder.
set -u
cd "${1:-$(dirname "$0")/..}" || exit 2
found=0

# room: the rooms it may include
allowed() {
	case $1 in
	base) echo base ;;
	formats) echo base formats ;;
	keys) echo base formats keys ;;
	spool) echo base formats spool ;;
	relay) echo base formats keys spool relay ;;
	tools) echo base formats keys spool relay tools ;;
	esac
}

# header pattern, then the files (as patterns) that may include it
libraries='
lmdb\.h                            spool/*
curl/.*                            relay/courier* tools/*
cmark\.h|hb(-[a-z]+)?\.h|fribidi.* formats/*
libdeflate\.h|zlib\.h|pcre2\.h     formats/*
png\.h                             formats/*
archive(_entry)?\.h|libxml/.*      formats/*
uni(str|norm|case|ctype|conv|lbrk|wbrk|gbrk)\.h formats/*
openssl/.*                         keys/* relay/* tools/*
event2/.*|seccomp\.h|http_parser\.h|linux/(landlock|seccomp)\.h relay/*
libconfig\.h                       relay/* tools/*
cjose/.*                           relay/*
jansson\.h                         formats/* relay/* tools/*
'

say() {
	echo "$1"
	found=1
}

for room in base formats keys spool relay tools; do
	[ -d "$room" ] || continue
	may=$(allowed "$room" | tr ' ' '|')
	while IFS=: read -r file line text; do
		[[ $text =~ [\<\"](base|formats|keys|spool|relay|tools|tests)/ ]] || continue
		from=${BASH_REMATCH[1]}
		[[ $from =~ ^($may)$ ]] ||
			say "$file:$line: $room must not include from $from/"
	done < <(grep -rHnE '^[[:space:]]*#[[:space:]]*include' "$room" --include='*.[ch]')
done

while read -r header homes; do
	[ -n "$header" ] || continue
	while IFS=: read -r file line _; do
		ours=
		for home in $homes; do
			# shellcheck disable=SC2053
			[[ $file == $home ]] && ours=1
		done
		[ -n "$ours" ] || say "$file:$line: this library is at home in $homes only"
	done < <(grep -HnrE "^[[:space:]]*#[[:space:]]*include[[:space:]]*<($header)>" \
		base formats keys spool relay tools --include='*.[ch]' 2>/dev/null)
done < <(set -f; echo "$libraries" | sed 's/\*/*/g')

exit $found
