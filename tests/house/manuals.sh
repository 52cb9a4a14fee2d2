#!/bin/bash
# manuals - what the program logs and reads is what its manuals say.
. "$(dirname "$0")/../support/tap.sh"
need_tool perl
cd "$TOP" || exit 1

# NAME FIELD... of every row of events.h
perl -0777 -ne 's/"\s*\\\n\s*"//g;
	print "$1 $2\n" while /X\("([^"]*)",[\s\\]*"([^"]*)"/g' \
	relay/events.h >"$T/events"
check "the table of events is not empty" test -s "$T/events"
is "$(cut -d' ' -f1 "$T/events")" "$(cut -d' ' -f1 "$T/events" | LC_ALL=C sort -u)" \
	"the table of events is sorted, and none stands twice"

# NAME FIELD... of every log_event() of relay/; names behind a ?: count both
perl -0777 -ne 'while (/\blog_event\((.*?)\);/gs) {
	my $call = $1;
	my ($head) = split /LOG[SN]\(/, $call;
	my @names = $head =~ /"([a-z]+\.[a-z-]+)"/g;
	my @fields = $call =~ /LOG[SN]\(\s*"(\w+)"/g;
	print "$_ @fields\n" for (@names ? @names : "UNNAMED:$ARGV");
}' relay/*.c >"$T/logged"
missing=$(
	while read -r name fields; do
		row=$(grep -E "^$name( |$)" "$T/events") || { echo "$name"; continue; }
		for field in $fields; do
			[[ " ${row#* } " == *" $field "* ]] || echo "$name: $field"
		done
	done <"$T/logged"
)
is "$missing" "" "every event that is logged is in events.h, with its fields"
unused=$(cut -d' ' -f1 "$T/events" | grep -vxFf <(cut -d' ' -f1 "$T/logged"))
is "$unused" "" "every event in events.h is logged somewhere"

awk '/^\.It Sy / { name = $3; getline; line = name
	if ($1 == ".Ar") { sub(/^\.Ar /, ""); sub(/ \.$/, ""); line = line " " $0 }
	print line }' relay/budstikked.8 | sed 's/ *$//' >"$T/manual"
is "$(cat "$T/manual")" "$(sed 's/ *$//' "$T/events")" \
	"budstikked.8 lists each event with its fields"

# the sentences, without macros, case and marks
perl -0777 -ne 's/"\s*\\\n\s*"//g;
	print "$1 \L$2\n" while /X\("([^"]*)",[\s\\]*"[^"]*",[\s\\]*"([^"]*)"/g' \
	relay/events.h | tr -cd 'a-z0-9. \n-' >"$T/meant"
awk '/^\.It Sy / { if (name) print name text; name = $3; text = ""; next }
	/^\.El/ { if (name) print name text; name = "" }
	/^\.Ar / || !name { next }
	{ sub(/^\.Dv /, ""); text = text " " tolower($0) }' relay/budstikked.8 |
	tr -cd 'a-z0-9. \n-' | sed -E 's/ ?\.$//' >"$T/told"
is "$(cat "$T/told")" "$(cat "$T/meant")" "and says of it what events.h says"

# every reference is to a page that is here
lost=$(for page in */*.[1-8]; do
	sed -n 's/^\.Xr \([a-z.]*\) \([1-8]\).*/\1.\2/p' "$page" | while read -r to; do
		compgen -G "*/$to" >/dev/null || echo "$page: $to"
	done
done)
is "$lost" "" "every page that a page refers to is in the tree"
lost=$(grep -ohE '`[a-z.]+\([1-8]\)`' README.md guide/*.md | tr -d '`)' | tr '(' . | sort -u |
	while read -r to; do compgen -G "*/$to" >/dev/null || echo "$to"; done)
is "$lost" "" "and every page that the guides name"

# every option that a verb of the client tells of
verbs=$("$BUDSTIKKE" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
check "the client lists its verbs" test -n "$verbs"
lost=$(for verb in $verbs; do
	"$BUDSTIKKE" "$verb" --help | grep -oE -- '--[a-z-]+' | sort -u | while read -r option; do
		grep -qE "Fl Fl ${option#--}( |$)" tools/budstikke.1 || echo "$verb $option"
	done
done)
is "$lost" "" "budstikke.1 has every option of every verb"

"$BUDSTIKKED" --print-config >"$T/settings"
sed -n 's/^\([a-z0-9_]*\) = .*/\1/p' "$T/settings" | sort >"$T/names"
sed -n 's/^\.It Cm //p' relay/relay.conf.5 | sort >"$T/described"
is "$(cat "$T/described")" "$(cat "$T/names")" \
	"relay.conf.5 describes every setting and no other"
wrong=$(
	sed -n 's/^\([a-z0-9_]*\) = "\{0,1\}\([^"]*[^"L]\)"\{0,1\}L\{0,1\};$/\1 \2/p' "$T/settings" |
		while read -r name value; do
			[ "$value" = '[ ]' ] && continue
			grep -A1 -xF ".It Cm $name" relay/relay.conf.5 |
				grep -qE "^Default $value[.,]" || echo "$name = $value"
		done
)
is "$wrong" "" "with its default"
exits 0 "what --print-config prints is a configuration" \
	sh -c "sed 's/^organisation = .*/organisation = \"900000057\";/' \
		'$T/settings' >'$T/relay.conf' &&
		'$BUDSTIKKED' -c '$T/relay.conf' --check"
finish
