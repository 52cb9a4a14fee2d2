#!/bin/bash
# jail - every role of the real budstikked tries what it must not do. The
# program judges and prints TAP itself; this only counts it among the tests.
# alone
. "$(dirname "$0")/../support/tap.sh"

init_relay
"$BUDSTIKKED" -c "$RELAY_DIR/relay.conf" -o jail_required=true --probe-jail \
	>"$T/probe" 2>"$T/log"
status=$?
like "$(tail -n 1 "$T/probe")" '^1\.\.[0-9]+$' "the probe came to its end"
while read -r line; do
	case $line in
	'ok '*'# SKIP'*)
		skip "$(sed 's/^ok [0-9]* - \(.*\) # SKIP .*/\1/' <<<"$line")" \
			"${line##*# SKIP }"
		;;
	'ok '*) ok "${line#ok * - }" ;;
	'not ok '*) not_ok "${line#not ok * - }" ;;
	esac
done <"$T/probe"
is "$status" 0 "the probe found the jail whole"
for role in net render scan keys spool courier; do
	check "$role was judged" grep -q "^ok .* - $role: layer seccomp" \
		"$T/probe"
done

# nothing of this is in the program that is installed
exits 2 "the program without test hooks knows no probe" \
	"$TOP/build/budstikked" -c "$RELAY_DIR/relay.conf" --probe-jail

# a layer that is missing is fatal, unless the configuration says otherwise;
# a kernel without Landlock is played by a filter that hides it
if "$BUDSTIKKED" -c "$RELAY_DIR/relay.conf" -o jail_required=true \
	--hide-landlock --probe-jail >"$T/probe" 2>"$T/log"; then
	not_ok "without Landlock the relay does not start"
else
	ok "without Landlock the relay does not start"
fi
check "and says which layer is missing" \
	grep -q 'role.layer-missing layer=landlock' "$T/log"
check "with jail_required = false it starts" \
	"$BUDSTIKKED" -c "$RELAY_DIR/relay.conf" -o jail_required=false \
	--hide-landlock --probe-jail
"$BUDSTIKKED" -c "$RELAY_DIR/relay.conf" -o jail_required=false \
	--hide-landlock --probe-jail >"$T/probe" 2>"$T/log"
check "and Landlock is reported as absent, not as passed" \
	grep -q '^ok .*net: Landlock is in force # SKIP' "$T/probe"
finish
