# tap - the few words that a scenario is written in.
#
#   . "$(dirname "$0")/../support/tap.sh"
#   start_relay
#   check "an empty mailbox is no error" "$BUDSTIKKE" fetch -c "$(client oslo)" --out "$T/in"
#   is "$got" "$want" "the state is imported"
#   finish
#
# Prints TAP. Every scenario has a folder of its own ($T), and what it started
# is ended and removed when it leaves, however it leaves (KEEP=1 keeps $T).
# shellcheck shell=bash

set -u
export LC_ALL=C.UTF-8 TZ=UTC
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-$TOP/build/hooks}
BUDSTIKKED=${BUDSTIKKED:-$BUILD/budstikked}
BUDSTIKKE=${BUDSTIKKE:-$BUILD/budstikke}
SHARED=${SHARED:-$TOP/../shared}
T=$(mktemp -d "${TMPDIR:-/tmp}/budstikke.XXXXXX")
RELAY_DIR=$T/relay
tap_count=0
tap_failed=0
tap_pids=()

tap_leave() {
	local pid
	for pid in "${tap_pids[@]}"; do
		kill -CONT "$pid" 2>/dev/null
		kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	if [ -n "${KEEP:-}" ]; then
		echo "# kept $T"
	else
		rm -rf "$T"
	fi
}
trap tap_leave EXIT
trap 'exit 143' TERM INT

# ok SENTENCE: one more test that passed
ok() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1"
}

# not_ok SENTENCE [DIAGNOSTIC]: one more test that failed, and what was seen
not_ok() {
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $1"
	[ -z "${2:-}" ] || printf '%s\n' "$2" | sed 's/^/#   /'
}

# is GOT WANT SENTENCE: the two texts are the same
is() {
	if [ "$1" = "$2" ]; then
		ok "$3"
	else
		not_ok "$3" "$(printf 'got:  %s\nwant: %s' "$1" "$2")"
	fi
}

# like GOT PATTERN SENTENCE: the text matches an extended regular expression
like() {
	if [[ $1 =~ $2 ]]; then
		ok "$3"
	else
		not_ok "$3" "$(printf 'got:  %s\nwant a match of: %s' "$1" "$2")"
	fi
}

# check SENTENCE COMMAND...: the command succeeds. It runs in a subshell: wait
# and stop_relay are called outside, and their status given to is().
check() {
	local said=$1 out status
	shift
	out=$("$@" 2>&1) && ok "$said" && return 0
	status=$?
	not_ok "$said" "$(printf 'status %s of: %s\n%s' "$status" "$*" "$out")"
	return 1
}

# exits STATUS SENTENCE COMMAND...: the command ends with just that status.
# Its standard output is left in $T/out, its standard error in $T/err.
exits() {
	local want=$1 said=$2 status=0
	shift 2
	"$@" >"$T/out" 2>"$T/err" || status=$?
	if [ "$status" = "$want" ]; then
		ok "$said"
	else
		not_ok "$said" "$(printf 'status %s, want %s, of: %s\n' \
			"$status" "$want" "$*"; head -c 4000 "$T/out" "$T/err")"
	fi
}

# skip SENTENCE WHY: a test that cannot be done here, and why
skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count # SKIP $2 ($1)"
}

# need_tool NAME...: the whole scenario is skipped when a program is missing.
# The words "missing tool" make this a failure where CI=true.
need_tool() {
	local tool
	for tool in "$@"; do
		command -v "$tool" >/dev/null && continue
		skip "$(basename "$0")" "missing tool: $tool"
		finish
	done
}

# need_shared FILE...: the same for the reference data beside the repository
need_shared() {
	local file
	for file in "$@"; do
		[ -e "$SHARED/$file" ] && continue
		skip "$(basename "$0")" "no reference data: ../shared/$file"
		finish
	done
}

# finish: the plan, then leave. The last line of every scenario.
finish() {
	echo "1..$tap_count"
	[ "$tap_failed" = 0 ]
	exit
}

# wait_for SECONDS COMMAND...: until the command succeeds; false when it never did
wait_for() {
	local tries=$(($1 * 20))
	shift
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.05
	done
}

# background COMMAND...: started, and ended with the scenario; its id in $!
background() {
	"$@" &
	tap_pids+=("$!")
}

# init_relay [INIT-OPTION...]: a fresh demo directory in $RELAY_DIR
init_relay() {
	"$BUDSTIKKE" init "$RELAY_DIR" --demo "$@" >"$T/init.out" 2>&1 && return 0
	echo "Bail out! init failed"
	sed 's/^/# /' "$T/init.out"
	exit 1
}

# start_relay [BUDSTIKKED-OPTION...]: makes the directory if there is none, and
# waits until all listeners serve. Sets RELAY_PID, RELAY_URL and ADMIN_URL; the
# log is $RELAY_DIR/log (kept over restarts).
start_relay() {
	local from=0
	[ -e "$RELAY_DIR/relay.conf" ] || init_relay
	[ ! -e "$RELAY_DIR/log" ] || from=$(wc -l <"$RELAY_DIR/log")
	"$BUDSTIKKED" -c "$RELAY_DIR/relay.conf" "$@" 2>>"$RELAY_DIR/log" &
	RELAY_PID=$!
	tap_pids+=("$RELAY_PID")
	if ! wait_for "${READY_SECONDS:-30}" relay_is_ready "$from"; then
		echo "Bail out! the relay did not get ready"
		tail -n 40 "$RELAY_DIR/log" | sed 's/^/# /'
		exit 1
	fi
	RELAY_URL=$(tail -n +$((from + 1)) "$RELAY_DIR/log" |
		sed -n 's/^ready \(https:[^ ]*\)$/\1/p' | tail -n 1)
	ADMIN_URL=$(tail -n +$((from + 1)) "$RELAY_DIR/log" |
		sed -n 's/^ready admin \([^ ]*\)$/\1/p' | tail -n 1)
}

relay_is_ready() {
	kill -0 "$RELAY_PID" || return 1
	tail -n +$(($1 + 1)) "$RELAY_DIR/log" >"$T/since"
	grep -q '^ready https:' "$T/since" && grep -q '^ready admin ' "$T/since"
}

# stop_relay: asks it to finish and waits; false when it had to be killed
stop_relay() {
	kill -TERM "$RELAY_PID" 2>/dev/null
	if wait_for "${STOP_SECONDS:-45}" relay_is_gone; then
		wait "$RELAY_PID"
		return
	fi
	kill_relay
	return 1
}

relay_is_gone() {
	local state
	state=$(ps -o stat= -p "$RELAY_PID") || return 0
	[[ $state == Z* ]]
}

# kill_relay: SIGKILL to the parent; the roles end with it
kill_relay() {
	local roles
	roles=$(pgrep -P "$RELAY_PID" | tr '\n' ' ')
	kill -KILL "$RELAY_PID" 2>/dev/null
	wait "$RELAY_PID" 2>/dev/null
	# shellcheck disable=SC2086
	wait_for 10 none_alive $roles
}

none_alive() {
	local pid
	for pid in "$@"; do
		kill -0 "$pid" 2>/dev/null && return 1
	done
	return 0
}

# client NAME: the client file of nav, oslo, bergen, trondheim or operator
client() {
	echo "$RELAY_DIR/clients/$1.conf"
}

# orgnr NAME: the organisation number that the demo gave a name
orgnr() {
	sed -n 's/^organisation *= *"\{0,1\}\([0-9]*\).*/\1/p' "$(client "$1")"
}

# role_pid NAME: the process of a role (the newest, when one is being replaced)
role_pid() {
	pgrep -n -P "$RELAY_PID" -x "bud:$1"
}
