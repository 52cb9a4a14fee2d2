#!/bin/bash
# deaths - roles that die come back, and all end when and in the order they
# should. Kills real roles of the real budstikked.
# alone
. "$(dirname "$0")/../support/tap.sh"

# started ROLE: the process id of the newest process of a role
started() {
	sed -n "s/.* role\.started role=$1 slot=[0-9]* pid=\([0-9]*\).*/\1/p" \
		"$RELAY_DIR/log" | tail -n 1
}

# events PATTERN: how many lines of the log match
events() {
	grep -cE "$1" "$RELAY_DIR/log"
}

# more_than COUNT PATTERN
more_than() {
	[ "$(events "$2")" -gt "$1" ]
}

# line_of PATTERN: the number of the last matching line of the log since $from
line_of() {
	tail -n +"$((from + 1))" "$RELAY_DIR/log" | grep -nE "$1" |
		tail -n 1 | cut -d: -f1
}

# ended PID...: none runs; one that nobody has reaped yet is no process any more
ended() {
	local pid state
	for pid in "$@"; do
		state=$(ps -o stat= -p "$pid") || continue
		[[ $state == Z* ]] || return 1
	done
}

# settled: the six roles are there and nobody is on the way out
settled() {
	[ $(($(events 'role\.started ') - $(events 'role\.(left|dead) '))) = 6 ]
}

answers() {
	local port
	port=$(cat "$RELAY_DIR/relay.port") &&
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null
}

now_ms() {
	date +%s%3N
}

roles="keys spool render scan courier net"

start_relay
is "$(cat "$RELAY_DIR/relay.port")" "${RELAY_URL##*:}" \
	"relay.port holds the port of the ready line"
is "$(cat "$RELAY_DIR/admin.port")" "${ADMIN_URL##*:}" \
	"admin.port holds the port of the ready line"
check "the relay can be connected to" answers
for role in $roles; do
	is "$(ps -o pgid= -p "$(started "$role")" | tr -d ' ')" \
		"$(ps -o pgid= -p "$RELAY_PID" | tr -d ' ')" \
		"$role is in the parent's process group"
done

# ---- each death, and how long until the role serves again ------------------
for role in $roles; do
	old=$(started "$role")
	ready=$(events "role\.ready role=$role ")
	begin=$(now_ms)
	kill -KILL "$old"
	if wait_for 5 more_than "$ready" "role\.ready role=$role "; then
		took=$(($(now_ms) - begin))
		echo "# $role is back after $took ms"
		if [ "$took" -le 1000 ]; then
			ok "$role is back within a second of its death"
		else
			not_ok "$role is back within a second of its death" \
				"$took ms"
		fi
	else
		not_ok "$role is back within a second of its death" "not in 5 s"
	fi
	check "$role's death is in the log with its signal" grep -qE \
		"role\.dead role=$role slot=0 pid=$old status=0 signal=9" \
		"$RELAY_DIR/log"
	others=
	for other in $roles; do
		[ "$other" = "$role" ] ||
			kill -0 "$(started "$other")" || others="$others $other"
	done
	is "$others" "" "no other role dies with $role"
	check "the relay can be connected to after $role's death" answers
done

# ---- a signal to a role alone changes nothing ------------------------------
for signal in TERM INT HUP; do
	kill -"$signal" "$(started net)" "$(started spool)"
done
sleep 0.3
check "net ignores signals that are the parent's to judge" \
	kill -0 "$(started net)"
check "spool ignores them too" kill -0 "$(started spool)"

# ---- a role that dies again and again --------------------------------------
for _ in 1 2 3 4 5; do
	ready=$(events "role\.ready role=scan ")
	kill -KILL "$(started scan)" 2>/dev/null
	wait_for 5 more_than "$ready" "role\.ready role=scan "
done
check "five deaths in ten seconds are an event" \
	wait_for 3 more_than 0 "role\.deaths role=scan count=[56]"
ready=$(events "role\.ready role=scan ")
begin=$(now_ms)
kill -KILL "$(started scan)"
check "the role comes back all the same" \
	wait_for 10 more_than "$ready" "role\.ready role=scan "
took=$(($(now_ms) - begin))
if [ "$took" -ge 900 ]; then
	ok "but restarts are slowed now"
else
	not_ok "but restarts are slowed now" "$took ms"
fi
is "$(events 'role\.deaths ')" 1 "the event is raised once"

check "and spool raises an alarm of it" \
	wait_for 5 more_than 0 "alarm\.changed .*cause=relay-fault"

# ---- reload ----------------------------------------------------------------
for role in $roles; do
	declare "old_$role=$(started "$role")"
done
from=$(wc -l <"$RELAY_DIR/log")
kill -HUP "$RELAY_PID"
check "SIGHUP loads the configuration again" \
	wait_for 10 more_than 0 "conf\.loaded reload=1"
same=
for role in $roles; do
	old=old_$role
	[ "$(started "$role")" != "${!old}" ] || same="$same $role"
done
is "$same" "" "every role is replaced"
# shellcheck disable=SC2154
check "the old ones finish and leave" wait_for 10 ended "$old_keys" \
	"$old_spool" "$old_render" "$old_scan" "$old_courier" "$old_net"
for role in $roles; do
	old=old_$role
	check "$role left as it was told" grep -qE \
		"role\.left role=$role slot=0 pid=${!old}" "$RELAY_DIR/log"
done
# shellcheck disable=SC2154
if [ "$(line_of "role.left role=spool .*pid=$old_spool")" -lt \
	"$(line_of 'role.started role=spool')" ]; then
	ok "the old spool has left before the new one starts"
else
	not_ok "the old spool has left before the new one starts"
fi
# shellcheck disable=SC2154
if [ "$(line_of 'role.ready role=net')" -lt \
	"$(line_of "role.left role=net .*pid=$old_net")" ]; then
	ok "the new net serves before the old one leaves"
else
	not_ok "the new net serves before the old one leaves"
fi
is "$(kill -0 "$RELAY_PID" && cat "$RELAY_DIR/relay.port")" \
	"${RELAY_URL##*:}" "the port stays the same"
check "the relay can be connected to after a reload" answers

cp "$RELAY_DIR/relay.conf" "$T/good.conf"
net=$(started net)
echo 'no_such_setting = 1;' >>"$RELAY_DIR/relay.conf"
kill -HUP "$RELAY_PID"
check "a bad configuration is refused by name and line" wait_for 5 more_than 0 \
	'conf\.refused error="relay\.conf:[0-9]+: no_such_setting: is no setting'
is "$(started net)" "$net" "and nothing changes"
cp "$T/good.conf" "$RELAY_DIR/relay.conf"
sed -i 's/^profiles = .*/profiles = "no-such-folder";/' "$RELAY_DIR/relay.conf"
ready=$(events 'role\.ready role=net')
kill -HUP "$RELAY_PID"
check "a configuration that a role cannot start with is refused" \
	wait_for 10 more_than 0 'conf\.refused error="render cannot'
check "and all go back to the old one" \
	wait_for 10 more_than "$ready" 'role\.ready role=net'
check "with which they serve" answers
sleep 0.5
check "render too" kill -0 "$(started render)"
grep -v '^user' "$T/good.conf" >"$RELAY_DIR/relay.conf"
echo 'user = "daemon";' >>"$RELAY_DIR/relay.conf"
kill -HUP "$RELAY_PID"
check "a setting that needs a restart is named" wait_for 5 more_than 0 \
	'conf\.restart-needed settings=user'
check "and the rest is reloaded" \
	wait_for 10 more_than 1 "conf\.loaded reload=1"
cp "$T/good.conf" "$RELAY_DIR/relay.conf"
check "in the end six roles are there" wait_for 35 settled

# ---- ending ----------------------------------------------------------------
from=$(wc -l <"$RELAY_DIR/log")
stop_relay
is "$?" 0 "SIGTERM ends the relay with success"
order=$(tail -n +$((from + 1)) "$RELAY_DIR/log" |
	sed -n 's/.* role\.left role=\([a-z]*\) .*/\1/p' |
	sed 's/courier\|render\|scan/worker/' | tr '\n' ' ')
is "$order" "net worker worker worker spool keys " \
	"net leaves first, then those it asks, then spool, keys last"
check "the port files are gone" \
	[ ! -e "$RELAY_DIR/relay.port" -a ! -e "$RELAY_DIR/admin.port" ]

start_relay
pids=$(for role in $roles; do started "$role"; done | tr '\n' ' ')
begin=$(now_ms)
kill -KILL "$RELAY_PID"
# shellcheck disable=SC2086
check "every role ends when the parent is killed" wait_for 2 ended $pids
echo "# after $(($(now_ms) - begin)) ms"
wait "$RELAY_PID" 2>/dev/null

# ---- roles that do not leave -------------------------------------------------
start_relay -o drain_seconds=1
kill -STOP "$(started scan)"
stop_relay
is "$?" 0 "a role that hangs does not keep the relay from ending"
check "it is killed after drain_seconds" grep -q \
	'role\.killed role=scan .*reason=late' "$RELAY_DIR/log"

start_relay -o drain_seconds=600
kill -STOP "$(started spool)"
kill -TERM "$RELAY_PID"
sleep 0.5
check "the relay waits for a role as long as it is told to" \
	kill -0 "$RELAY_PID"
begin=$(now_ms)
kill -TERM "$RELAY_PID"
wait "$RELAY_PID"
is "$?" 0 "a second SIGTERM ends it"
if [ $(($(now_ms) - begin)) -le 2000 ]; then
	ok "at once"
else
	not_ok "at once" "after $(($(now_ms) - begin)) ms"
fi

exits 1 "a bad file is found by --check" \
	"$BUDSTIKKED" -c "$RELAY_DIR/relay.conf" -o tls_minimum=1.0 --check
like "$(cat "$T/err")" "tls_minimum: expected 1.3 or 1.2" \
	"and the sentence says what was expected"
exits 0 "a good file is called good" \
	"$BUDSTIKKED" -c "$RELAY_DIR/relay.conf" --check
exits 1 "a relay whose user does not exist does not start" \
	timeout 20 "$BUDSTIKKED" -c "$RELAY_DIR/relay.conf" -o user=no-such-user
finish
