#!/bin/bash
# A 2 GiB attachment goes in and out, and no process grows with it.
# alone
# timeout: 900
. "$(dirname "$0")/../support/tap.sh"
. "$TOP/tests/support/pdf.sh"
need_tool jq openssl
limit_kib=65536
free_kib=$(df -k --output=avail "$T" | tail -n 1)
if [ "$free_kib" -lt $((14 << 20)) ]; then
	skip "2 GiB in and out" "less than 14 GiB free in $T"
	finish
fi
start_relay
make_pdf "$T/letter.pdf" "a letter with much beside it"
# a hole would be read faster than a file is: write real bytes, quickly made
openssl enc -aes-128-ctr -pass pass:big -nosalt -md sha256 </dev/zero 2>/dev/null |
	head -c $((2 << 30)) >"$T/big.bin"

# watch NAME PID: keeps the highest RssAnon (KiB) of a process in $T/most.NAME
watch() {
	local most=0 now
	while now=$(sed -n 's/^RssAnon:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$2/status" 2>/dev/null) &&
		[ -n "$now" ]; do
		[ "$now" -le "$most" ] || most=$now
		echo "$most" >"$T/most.$1.new"
		mv "$T/most.$1.new" "$T/most.$1"
		sleep 0.1
	done
}
watch_roles() {
	local role
	watch parent "$RELAY_PID" &
	tap_pids+=("$!")
	for role in net spool keys render scan courier; do
		watch "$role" "$(role_pid "$role")" &
		tap_pids+=("$!")
	done
}
# run NAME COMMAND...: watched, in the background, then waited for
run() {
	local name=$1 status=0
	shift
	"$@" >"$T/$name.out" 2>"$T/$name.err" &
	local pid=$!
	watch "$name" "$pid" &
	wait "$pid" || status=$?
	[ "$status" = 0 ] || sed 's/^/# /' "$T/$name.err"
	return $status
}

watch_roles
SECONDS=0
run send "$BUDSTIKKE" send -c "$(client nav)" --to oslo --type document --json \
	"$T/letter.pdf" "$T/big.bin"
is "$?" 0 "2 GiB are sent"
echo "# in $SECONDS s"
id=$(jq -r .id "$T/send.out")
SECONDS=0
run fetch "$BUDSTIKKE" fetch -c "$(client oslo)" --out "$T/in" --json
is "$?" 0 "and fetched, opened, verified and confirmed"
echo "# in $SECONDS s"
check "they are what was sent" cmp "$T/big.bin" "$T/in/$id/attachments/big.bin"
for name in send fetch parent net spool keys render scan courier; do
	most=$(cat "$T/most.$name" 2>/dev/null || echo 999999999)
	echo "# RssAnon of $name: at most $((most / 1024)) MiB"
	if [ "$most" -le $limit_kib ]; then
		ok "$name stays under 64 MiB"
	else
		not_ok "$name stays under 64 MiB" "it had $most KiB"
	fi
done
check "the store is clean" "$BUDSTIKKE" spool check "$RELAY_DIR"
finish
