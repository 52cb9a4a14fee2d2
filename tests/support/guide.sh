# guide - runs the commands of a guide as a reader would, one block after the
# other in one shell, so that the guide cannot rot.
#
#   guide_run FILE
#
# A block begins with ```sh; ```sh fails must not succeed. What cannot be done in
# a test, ```sh where, is replaced by the argument of the next guide_where, in
# their order; ```sh root is left out. Each block is a test that bears the
# heading above it. The shell works in $T/guide; what it printed
# stays in $T/guide.out. A block that fails is the last one.
# shellcheck shell=bash

guide_wheres=0
# guide_where COMMANDS: what stands for the next ```sh where
guide_where() {
	guide_wheres=$((guide_wheres + 1))
	printf '%s\n' "$1" >"$T/where.$guide_wheres"
}

# guide_script FILE: the blocks as one script that prints TAP on descriptor 3
guide_script() {
	awk -v folder="$T" '
	function begin_block() {
		number++
		printf "echo \"--- %d, line %d\"\n", number, FNR
		printf "block=%d said=\"%s (line %d)\"\n", number, heading, FNR
	}
	/^#+ / { heading = $0; sub(/^#+ /, "", heading); gsub(/["`$\\]/, "", heading) }
	/^```/ && inside {
		if (kind == "fails")
			print "); then exit 1; fi"
		if (kind != "where" && kind != "root")
			print "echo \"ok $block - $said\" >&3"
		inside = 0
		next
	}
	/^```sh/ {
		inside = 1
		kind = $2
		if (kind == "where") {
			file = folder "/where." ++wheres
			while ((getline line < file) > 0)
				print line
		}
		if (kind == "where" || kind == "root")
			next
		begin_block()
		if (kind == "fails")
			print "if (set +e"
		next
	}
	/^```/ { inside = 1; kind = "where"; next }
	inside && kind != "where" && kind != "root"
	END { print "blocks=done" }
	' "$1"
}

guide_run() {
	local status=0
	mkdir -p "$T/guide"
	{
		printf 'set -eE -o pipefail\n'
		printf 'leave() { [ "$blocks" = done ] || echo "not ok $block - $said" >&3\n'
		printf '\tkill $(jobs -p) 2>/dev/null; wait; }\n'
		printf 'trap leave EXIT\n'
		printf 'blocks= block=0 said=\n'
		printf 'cd %q\ntree=%q\nexport PATH=%q:$PATH\n' "$T/guide" "$TOP" "$BUILD"
		guide_script "$1"
	} >"$T/guide.sh"
	bash "$T/guide.sh" 3>"$T/guide.tap" >"$T/guide.out" 2>&1 </dev/null || status=$?
	while read -r line; do
		case $line in
		'ok '*) ok "${line#ok * - }" ;;
		*) not_ok "${line#not ok * - }" "$(tail -n 30 "$T/guide.out")" ;;
		esac
	done <"$T/guide.tap"
	is "$status" 0 "$(basename "$1") was run to its end"
}
