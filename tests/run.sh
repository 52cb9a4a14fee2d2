#!/bin/bash
# run - every test there is, or those named; ends with "N passed, N failed, N skipped".
#
# usage: tests/run.sh [-t SECONDS] [-j JOBS] [-l] [PATTERN...]
#   -t  seconds for each fuzzer (default 10; 0 leaves them out)
#   -j  suites at a time (default: the processors); a suite with a line
#       "# alone" in its head runs with nothing beside it
#   -l  only list the suites
# A PATTERN is part of a suite's name, e.g. spool/ or scenarios/mail.
#
# Module tests run from build/san, scenarios and crash tests with the programs
# of build/hooks, fuzzers from build/fuzz: whoever calls has built them.
# With CI=true a test skipped for a missing tool has failed.

set -u
cd "$(dirname "$0")/.." || exit 1
export CMOCKA_MESSAGE_OUTPUT=TAP LC_ALL=C.UTF-8
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
fuzz_seconds=10
jobs=$(nproc)
list=
while getopts t:j:l option; do
	case $option in
	t) fuzz_seconds=$OPTARG ;;
	j) jobs=$OPTARG ;;
	l) list=1 ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
work=$(mktemp -d "${TMPDIR:-/tmp}/budstikke-run.XXXXXX")
trap 'rm -rf "$work"' EXIT

wanted() {
	local pattern
	[ $# -gt 1 ] || return 0
	for pattern in "${@:2}"; do
		[[ $1 == *"$pattern"* ]] && return 0
	done
	return 1
}

suites=()
for file in tests/house/*.sh build/san/tests/*/test_* tests/scenarios/*.sh \
	tests/interop/*.sh tests/crash/*.sh build/fuzz/fuzz_*; do
	case $file in
	*.d | *.o) continue ;;
	build/fuzz/*) [ "$fuzz_seconds" -gt 0 ] || continue ;;
	esac
	[ -f "$file" ] && wanted "$file" "$@" && suites+=("$file")
done
if [ -n "$list" ]; then
	printf '%s\n' "${suites[@]}"
	exit 0
fi

# a source without its program would be a test silently left out
for file in tests/*/test_*.c tests/fuzz/fuzz_*.c; do
	[ -e "$file" ] || continue
	case $file in
	tests/fuzz/*)
		[ "$fuzz_seconds" -gt 0 ] || continue
		program=build/fuzz/$(basename "$file" .c)
		;;
	*) program=build/san/${file%.c} ;;
	esac
	wanted "$program" "$@" || continue
	[ -x "$program" ] && continue
	echo "run.sh: $program is not built (make check builds it)" >&2
	exit 1
done

# a script may have a line "# timeout: SECONDS" in its head, and another with
# "timeout (soak)" for SOAK=1; a program has five minutes, then four hours
limit_of() {
	local limit='' soak=''
	[[ $1 == *.sh ]] || [ -z "${SOAK:-}" ] || soak=14400
	if [[ $1 == *.sh ]]; then
		limit=$(sed -n '1,30s/^# timeout: *\([0-9]*\).*/\1/p' "$1" | head -n 1)
		[ -z "${SOAK:-}" ] ||
			soak=$(sed -n '1,30s/^# timeout (soak): *\([0-9]*\).*/\1/p' "$1" | head -n 1)
	fi
	echo "${soak:-${limit:-300}}"
}

run_fuzzer() {
	local name=${1##*/} corpus status=0 file
	corpus=$work/corpus.$name
	mkdir -p "$corpus"
	timeout -k 10 $((fuzz_seconds + 120)) "$1" -max_total_time="$fuzz_seconds" \
		-timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$work/" "$corpus" \
		"tests/fuzz/corpus/${name#fuzz_}" 2>&1 | tail -n 60 |
		tr -d '\000' | sed 's/^/# /'
	status=${PIPESTATUS[0]}
	if [ "$status" = 0 ]; then
		echo "ok 1 - $name holds for $fuzz_seconds s"
	else
		echo "not ok 1 - $name holds for $fuzz_seconds s (status $status)"
		for file in "$work"/crash-* "$work"/timeout-* "$work"/oom-* "$work"/leak-*; do
			[ -f "$file" ] || continue
			mkdir -p build/fuzz/found
			cp "$file" build/fuzz/found/
			echo "# kept build/fuzz/found/${file##*/}"
		done
	fi
	echo 1..1
}

# One suite: its TAP in $work/N.tap, its counts and time in $work/N.sum
run_suite() {
	local number=$1 file=$2 start end status=0 tap=$work/$1.tap
	start=$(date +%s%N)
	case $file in
	*.sh) timeout -k 10 "$(limit_of "$file")" bash "$file" >"$tap" 2>"$tap.err" </dev/null || status=$? ;;
	build/fuzz/*) run_fuzzer "$file" >"$tap" 2>"$tap.err" </dev/null ;;
	*) timeout -k 10 "$(limit_of "$file")" "$file" >"$tap" 2>"$tap.err" </dev/null || status=$? ;;
	esac
	end=$(date +%s%N)
	# an error of the shell itself leaves out what stood behind it
	grep -E '\.sh: line [0-9]+: ' "$tap.err" 2>/dev/null |
		grep -vE 'line [0-9]+: +[0-9]+ [A-Z]' | sed 's/^/not ok - the shell: /' >>"$tap"
	# a failure takes its own diagnostic lines along: whoever sees only the
	# beginning of what is printed shall see what was wrong
	awk -v status="$status" -v ci="${CI:-}" \
		-v ms=$(((end - start) / 1000000)) -v failures="$work/$number.bad" \
		-v skips="$work/$number.skip" '
	/^#/ { if (told && --told >= 0) print $0 >failures; next }
	{ told = 0 }
	/^(not )?ok / && toupper($0) ~ /# SKIP/ { # cmocka says "not ok" of them
		ran++
		if (ci == "true" && tolower($0) ~ /missing tool/) {
			failed++; print $0 >failures
		} else {
			skipped++; print $0 >skips
		}
		next
	}
	/^ok / { ran++; passed++; next }
	/^not ok - the shell/ { failed++; print $0 >failures; next }
	/^not ok / { ran++; failed++; told = 12; print $0 >failures; next }
	/^1\.\./ { planned += substr($0, 4); plans++; next }
	/^Bail out!/ { failed++; bailed = 1; told = 12; print $0 >failures; next }
	END {
		if (!plans && !bailed) {
			failed++; print "not ok - no plan: it did not reach its end (status " status ")" >failures
		} else if (plans && planned != ran) {
			failed++; print "not ok - " planned " tests planned, " ran " ran" >failures
		} else if (status != 0 && !failed) {
			failed++; print "not ok - all passed, but the exit status is " status >failures
		}
		printf "%d %d %d %d\n", passed, failed, skipped, ms
	}' "$tap" >"$work/$number.sum"
	local p f s ms
	read -r p f s ms <"$work/$number.sum"
	# one that did not come to its end says why on its standard error, if at all
	if grep -qsE '^(not ok - (no plan|all passed)|Bail out!)' "$work/$number.bad"; then
		{
			grep -E 'ERROR: |SUMMARY: |runtime error: ' "$tap.err" | head -n 4
			tail -n 8 "$tap.err"
		} | cut -c 1-300 | sed 's/^/! /' >>"$work/$number.bad"
	fi
	printf '%-4s %-44s %4d passed %3d failed %3d skipped %5d.%02d s\n' \
		"$([ "$f" = 0 ] && echo ok || echo FAIL)" "${file#build/san/}" "$p" "$f" "$s" \
		$((ms / 1000)) $((ms % 1000 / 10))
}

is_alone() {
	[[ $1 == *.sh ]] && sed -n 1,30p "$1" | grep -q '^# alone'
}

number=0
began=$(date +%s)
alone=()
for file in "${suites[@]}"; do
	number=$((number + 1))
	if is_alone "$file"; then
		alone+=("$number:$file")
		continue
	fi
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
		wait -n
	done
	run_suite "$number" "$file" &
done
wait
for pair in "${alone[@]}"; do
	run_suite "${pair%%:*}" "${pair#*:}"
done

passed=0 failed=0 skipped=0
for i in $(seq 1 "$number"); do
	read -r p f s _ <"$work/$i.sum"
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
if [ "$skipped" -gt 0 ]; then
	echo
	echo "skipped:"
	for i in $(seq 1 "$number"); do
		[ -e "$work/$i.skip" ] && sed "s|^|  ${suites[i - 1]}: |" "$work/$i.skip"
	done
fi
for i in $(seq 1 "$number"); do
	[ -e "$work/$i.bad" ] || continue
	echo
	echo "FAILED ${suites[i - 1]}"
	sed 's/^/  /' "$work/$i.bad"
done
for i in $(seq 1 "$number"); do
	[ -e "$work/$i.bad" ] || continue
	echo
	echo "-- ${suites[i - 1]}: its output (the last 80 lines)"
	tail -n 80 "$work/$i.tap" | grep -v '^ok ' | sed 's/^/  | /'
	tail -n 60 "$work/$i.tap.err" 2>/dev/null | sed 's/^/  ! /'
done
echo
echo "$number suites in $(($(date +%s) - began)) s"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$number" -gt 0 ]
