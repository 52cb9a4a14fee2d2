#!/bin/bash
# demo - the whole main job with real parts, told step by step.
#
# usage: tests/demo.sh [--once]     --once: stop everything at the end
# What it makes lies in build/demo; every command it shows can be repeated.
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C.UTF-8
once=
[ "${1:-}" = --once ] && once=1
demo=build/demo
say=build/budstikke
. tests/support/pdf.sh

if [ -t 1 ]; then
	bold=$'\033[1m' green=$'\033[32m' dim=$'\033[2m' plain=$'\033[0m'
else
	bold='' green='' dim='' plain=''
fi
step() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
note() { printf '  %s\n' "$*"; }
good() { printf '  %sok%s  %s\n' "$green" "$plain" "$*"; }
shown() {
	printf '  %s$ %s%s\n' "$dim" "$*" "$plain" >&2
	"$@"
}
fail() {
	printf '\nThe demo failed: %s\n' "$*" >&2
	[ ! -e $demo/relay.log ] || tail -n 25 $demo/relay.log >&2
	exit 1
}
wait_for() {
	local tries=$(($1 * 10))
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}
relay_pid='' sink_pid=''
stop_all() {
	[ -z "$relay_pid" ] || kill -TERM "$relay_pid" 2>/dev/null || true
	[ -z "$relay_pid" ] || wait "$relay_pid" 2>/dev/null || true
	[ -z "$sink_pid" ] || kill -TERM "$sink_pid" 2>/dev/null || true
	relay_pid='' sink_pid=''
}
trap stop_all EXIT
trap 'exit 130' INT TERM

# an earlier demo that was left running, if it is still ours
if [ -e $demo/pids ]; then
	while read -r pid name; do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "$name" ] || kill -TERM "$pid"
	done <$demo/pids
fi
rm -rf $demo

step "1. A relay, its keys and five synthetic organisations"
mkdir -p build
rm -f build/demo.alarms
build/sink build/demo.alarms >build/demo.sink 2>&1 &
sink_pid=$!
wait_for 10 grep -q ready build/demo.sink || fail "the webhook receiver did not start"
webhook=$(sed -n 's/^ready //p' build/demo.sink)
shown $say init $demo --demo --webhook "$webhook"
mkdir -p $demo/files
build/budstikked -c $demo/relay.conf >/dev/null 2>$demo/relay.log &
relay_pid=$!
ready() { grep -q '^ready https:' $demo/relay.log && kill -0 "$relay_pid"; }
wait_for 30 ready || fail "the relay did not get ready"
url=$(sed -n 's/^ready \(https:.*\)/\1/p' $demo/relay.log)
good "the relay serves $url; its processes:"
ps -o pid=,comm= --ppid "$relay_pid" | sed 's/^/      /'
printf '%s budstikked\n%s sink\n' "$relay_pid" "$sink_pid" >$demo/pids

# vedlegg NAME...: the attachment list for PDF files in the files folder
vedlegg() {
	local name
	for name in "$@"; do
		jq -n --arg name "$name" \
			--arg sha "$(sha512sum "$demo/files/$name" | cut -d' ' -f1)" \
			'{type: "annet", tilleggsinfo: "annet", status: "LastetOpp",
			  filer: [{filnavn: $name, sha512: $sha}]}'
	done | jq -s '{vedlegg: .}'
}
send() { # NAME TO PAYLOAD ATTACHMENT...
	local name=$1 to=$2 payload=$3 answer
	shift 3
	mkdir -p "$demo/files/$name"
	vedlegg "$@" >"$demo/files/$name/vedlegg.json"
	answer=$(shown $say send -c $demo/clients/nav.conf --to "$to" \
		--type digisos-soknad --json "$payload" \
		"$demo/files/$name/vedlegg.json" "${@/#/$demo/files/}") ||
		fail "NAV could not send"
	id=$(jq -r .id <<<"$answer")
	good "accepted: $id"
}

step "2. NAV sends applications for social assistance, with attachments"
fixtures=tests/formats/fixtures/digisos
make_pdf $demo/files/lonnsslipp.pdf "Lonnsslipp oktober 2026, 12 345 kroner"
make_pdf $demo/files/husleie.pdf "Husleiekontrakt, 9 800 kroner i maneden"
send first oslo $fixtures/gyldig-familie.json lonnsslipp.pdf husleie.pdf
first=$id
note "and three that were written in other languages:"
declare -A written=([norsk]=$first)
for language in samisk ukrainsk arabisk; do
	send $language oslo $fixtures/gyldig-$language.json husleie.pdf
	written[$language]=$id
done

step "3. Kill -9: the process that writes the store dies"
spool=$(pgrep -n -P "$relay_pid" -x bud:spool) || fail "no spool process"
shown kill -KILL "$spool"
send second oslo $fixtures/gyldig-kort.json lonnsslipp.pdf
second=$id
shown $say spool check $demo >/dev/null || fail "the store is not clean"
good "the store is clean, and the first message is still there:"
shown $say status -c $demo/clients/nav.conf "$first" | sed 's/^/      /'

step "4. Oslo fetches, opens, checks and confirms"
shown $say fetch -c $demo/clients/oslo.conf --out $demo/oslo --keep-sealed \
	--reference "2026/1234" | sed 's/^/      /'
mkdir $demo/documents
for language in norsk samisk ukrainsk arabisk; do
	for kind in pdf xhtml; do
		[ -s "$demo/oslo/${written[$language]}/document.$kind" ] ||
			fail "message ${written[$language]} has no document.$kind"
		ln -s "../oslo/${written[$language]}/document.$kind" \
			$demo/documents/soknad-$language.$kind
	done
done
good "what the case worker reads, in Norwegian, Sámi, Ukrainian and Arabic:"
ls $demo/documents/*.pdf | sed 's/^/      /'
for id in "$first" "$second"; do
	[ -s "$demo/oslo/$id/document.pdf" ] || fail "message $id is not there"
	cmp -s "$demo/files/lonnsslipp.pdf" \
		"$demo/oslo/$id/attachments/lonnsslipp.pdf" || fail "an attachment differs"
done
good "all are in $demo/oslo; the files of the first:"
(cd "$demo/oslo/$first" && find . -type f | sort | sed 's|^\./|      |')
proof=$(openssl cms -decrypt -inform DER -in "$demo/oslo/$first/sealed.cms" \
	-inkey $demo/clients/oslo.seal.key -recip $demo/clients/oslo.seal.crt 2>/dev/null |
	sha256sum | cut -d' ' -f1)
[ "$proof" = "$(jq -r .proof "$demo/oslo/$first/envelope.json")" ] ||
	fail "the proof is not what openssl finds"
good "openssl opens the sealed message too; its SHA-256 is the proof"

step "5. The receipts, verified twice"
receipts=()
for id in "$first" "$second"; do
	receipts+=("$demo/clients/receipts/$id.json" "$demo/oslo/$id/receipt.json")
done
shown $say verify --ca $demo/ca.crt "${receipts[@]}" | sed 's/^/      /'
for receipt in "${receipts[@]}"; do
	tests/support/jws_verify.sh $demo/ca.crt "$receipt" >/dev/null ||
		fail "openssl does not verify $receipt"
done
good "openssl and jq alone verify all ${#receipts[@]} too"
shown $say status -c $demo/clients/nav.conf "$first" | sed 's/^/      /'

step "6. What a stranger needs, to check it without us"
mkdir $demo/proof
shown $say log -c $demo/clients/nav.conf bundle "$first" >$demo/proof/bundle
$say log -c $demo/clients/nav.conf key >$demo/proof/log.key
$say log -c $demo/clients/nav.conf checkpoint >$demo/proof/checkpoint
shown $say verify --ca $demo/ca.crt --log-key $demo/proof/log.key $demo/proof/bundle |
	sed 's/^/      /'
if command -v python3 >/dev/null; then
	! python3 tests/interop/verify_bundle.py $demo/ca.crt $demo/proof/log.key \
		$demo/proof/bundle | grep -v '^good' ||
		fail "the second verifier does not believe a bundle"
	good "a second verifier, in Python, believes them too"
fi
good "guide/proof.md says how to check $demo/proof by hand"

step "7. Trondheim stays silent, and somebody is told"
send third trondheim $fixtures/gyldig-kort.json lonnsslipp.pdf
note "waiting for an alarm at the webhook $webhook ..."
trondheim=$(sed -n 's/^organisation = //p' $demo/clients/trondheim.conf)
alarm_came() { grep -q "$trondheim" build/demo.alarms; }
wait_for 60 alarm_came || fail "no alarm came"
good "the webhook got:"
grep -m 1 "$trondheim" build/demo.alarms | jq . | sed 's/^/      /'
shown $say alarms -c $demo/clients/operator.conf | sed 's/^/      /'

if [ -n "$once" ]; then
	stop_all
	step "Done: sent, survived, fetched, proven, and the silence was heard."
	exit 0
fi
trap - EXIT
disown -a
step "The relay goes on running at $url. Try:"
cat <<END
  $say fetch -c $demo/clients/trondheim.conf --out $demo/trondheim   # the alarm ends
  $say status -c $demo/clients/nav.conf $id
  $say top -c $demo/clients/operator.conf
  $say doctor -c $demo/clients/oslo.conf
  curl -sS --cacert $demo/ca.crt --cert $demo/clients/oslo.crt \\
    --key $demo/clients/oslo.key \\
    $url/v1/mailbox/$(sed -n 's/^organisation = //p' $demo/clients/oslo.conf)/messages
  curl $(sed -n 's/^ready admin //p' $demo/relay.log)/metrics
  less $demo/relay.log; tail -f build/demo.alarms
Stop it with: kill $relay_pid $sink_pid
END
