#!/bin/bash
# fetch against a relay and messages that misbehave: it stays in its folder, it
# confirms only what it has, and what fails stops nothing else.
. "$(dirname "$0")/../support/tap.sh"
. "$TOP/tests/support/pdf.sh"
need_tool python3 openssl jq
init_relay
oslo=$(orgnr oslo)
clients=$RELAY_DIR/clients
in=$T/in
make_pdf "$T/a.pdf" "first"
make_pdf "$T/b.pdf" "second"
head -c 3000000 /dev/urandom >"$T/big.bin"

# id NUMBER: a UUIDv7
id() { printf '01900000-0000-7000-8000-%012d' "$1"; }

# message NUMBER RECIPIENT-CERTIFICATE PACKAGE-ARGUMENT...
message() {
	local number=$1 certificate=$2
	shift 2
	python3 "$TOP/tests/support/package.py" "$T/$number.zip" "$(id "$number")" "$oslo" "$@" &&
		openssl cms -encrypt -binary -stream -aes-256-cbc -outform DER \
			-in "$T/$number.zip" -out "$T/$number.cms" -recip "$certificate" \
			-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256 || exit 1
}
# plan JQ-OBJECT...: what the relay lists
plan() { printf '%s\n' "$@" | jq -s '{messages: .}' >"$T/plan.new" && mv "$T/plan.new" "$T/plan.json"; }
entry() { jq -cn --arg id "$(id "$1")" --arg file "$T/$1.cms" "{id: \$id, file: \$file} + ${2:-{\}}"; }
requests() { jq -c "$1" "$T/requests" | wc -l; }
said() { jq -r "select(.method == \"POST\" and (.path | contains(\"$(id "$1")\"))) | .body.$2" "$T/requests"; }
fetch() { "$BUDSTIKKE" fetch -c "$clients/oslo.conf" --out "$in" --patience 20 --json "$@"; }

message 1 "$clients/oslo.seal.crt" payload.pdf="$T/a.pdf" attachments/b.pdf="$T/b.pdf"
message 2 "$clients/bergen.seal.crt" payload.pdf="$T/a.pdf"
message 3 "$clients/oslo.seal.crt" payload.pdf="$T/a.pdf" attachments/../../evil="$T/b.pdf"
message 4 "$clients/oslo.seal.crt" payload.pdf="$T/a.pdf" attachments/b.pdf="$T/b.pdf" --wrong-digest
message 5 "$clients/oslo.seal.crt" payload.pdf="$T/a.pdf" attachments/b.pdf="$T/b.pdf" --link
message 6 "$clients/oslo.seal.crt" payload.pdf="$T/a.pdf" attachments/big.bin="$T/big.bin"
message 7 "$clients/oslo.seal.crt" payload.pdf="$T/a.pdf" /etc/evil="$T/b.pdf"
cp "$T/1.cms" "$T/8.cms" # the relay gives another message than was asked for
head -c 2000 "$T/1.cms" >"$T/9.cms"
message 10 "$clients/oslo.seal.crt" payload.pdf="$T/b.pdf"
message 11 "$clients/oslo.seal.crt" payload.pdf="$T/b.pdf"
head -c 100000 /dev/urandom >"$T/12.cms"

plan "$(entry 1)"
background python3 "$TOP/tests/support/fake_relay.py" "$RELAY_DIR" "$T/plan.json" "$T/requests"
wait_for 20 test -s "$RELAY_DIR/relay.port" || { echo "Bail out! no fake relay"; exit 1; }

exits 0 "a good message is fetched" fetch
is "$(jq -r '.fetched[].id' "$T/out")" "$(id 1)" "and named"
check "its payload is what was sent" cmp "$T/a.pdf" "$in/$(id 1)/payload.pdf"
check "so is its attachment" cmp "$T/b.pdf" "$in/$(id 1)/attachments/b.pdf"
is "$(said 1 proof)" "$(sha256sum <"$T/1.zip" | cut -d' ' -f1)" "it was confirmed with its proof"
check "the receipt is kept and genuine" \
	"$BUDSTIKKE" verify -c "$clients/oslo.conf" "$in/$(id 1)/receipt.json"
is "$(ls -A "$in/.part" | wc -l)" 0 "nothing unfinished is left"
exits 0 "a message listed again is confirmed again" fetch
is "$(said 1 proof | sort -u | wc -l)" 1 "with the same proof"

plan '{"id": "'"$(id 13)"'", "file": "/etc/hostname", "recalled": true}' "$(entry 1)"
exits 0 "what its sender took back after it was listed is no failure" fetch
like "$(cat "$T/err")" "$(id 13): the sender has taken it back" "and is told"
is "$(ls -A "$in/.part" | wc -l)" 0 "nothing of it is left"

plan '{"id": "../../evil", "file": "/etc/hostname"}' "$(entry 2)" "$(entry 3)" "$(entry 4)" \
	"$(entry 7)" "$(entry 8)" "$(entry 9)" "$(entry 12)" "$(entry 10)"
exits 6 "what fails does not stop what is good" fetch
is "$(jq -r '.fetched[].id' "$T/out")" "$(id 10)" "the good one at the end is there"
is "$(jq '.failed | length' "$T/out")" 8 "the eight others are named"
is "$(find "$T" -name 'evil*' ! -path "$T/*.zip")" "" "no file is written outside"
is "$(ls "$in" | sort | tr '\n' ' ')" "$(id 1) $(id 10) " "only whole messages appear"
is "$(said 2 reason)" no-key "a message sealed for others is reported so"
is "$(said 2 permanent)" false "as something that may pass"
is "$(said 4 reason)" decryption-failed "a wrong digest is reported"
like "$(said 12 reason)" "package-invalid|decryption-failed" "garbage is reported"
for number in 2 3 4 7 8 9 12; do
	like "$(said "$number" status)" "^rejected" "message $number is never confirmed"
done

plan "$(entry 5)"
fetch >/dev/null 2>&1
is "$(find "$in" -type l)" "" "a link in a package never becomes a link here"

plan "$(entry 6 '{cut: 700000}')"
: >"$T/requests"
exits 0 "a download that breaks off again and again gets to its end" fetch
check "and is whole" cmp "$T/big.bin" "$in/$(id 6)/attachments/big.bin"
like "$(requests 'select(.range != null)')" "^[4-9]$" "by asking for what is missing"

plan "$(entry 11 '{receipt: "forged"}')"
exits 6 "a forged receipt is noticed" fetch
check "though the message is there" cmp "$T/b.pdf" "$in/$(id 11)/payload.pdf"

message 13 "$clients/oslo.seal.crt" payload.pdf="$T/a.pdf" attachments/big.bin="$T/big.bin"
plan "$(entry 13 '{cut: 500000}')"
exits 6 "an impatient fetch gives up" fetch --patience 0
like "$(stat -c %s "$in/.part/$(id 13)/sealed.cms")" "^[1-9]" "and keeps what it has"
printf 'x' | dd of="$in/.part/$(id 13)/sealed.cms" bs=1 seek=70000 conv=notrunc 2>/dev/null
plan "$(entry 13)"
exits 0 "what a break has spoilt is fetched anew" fetch
check "and is whole then" cmp "$T/big.bin" "$in/$(id 13)/attachments/big.bin"

message 14 "$clients/oslo.seal.crt" payload.pdf="$T/a.pdf"
plan "$(entry 14)"
exits 6 "a reference command that fails leaves the message unconfirmed" \
	fetch --reference-command 'exit 3'
is "$(said 14 status)" "" "nothing was told"
# shellcheck disable=SC2016
exits 0 "the next run confirms it" fetch --keep-sealed \
	--reference-command 'test -s "$BUDSTIKKE_FOLDER/payload.pdf" && echo "case $BUDSTIKKE_ID"'
is "$(said 14 reference)" "case $(id 14)" "with the reference of the command"

message 15 "$clients/oslo.seal.crt" payload.pdf="$T/a.pdf"
plan "$(entry 15)"
exits 0 "--keep-sealed keeps what openssl opens" fetch --keep-sealed --reference a/1
is "$(openssl cms -decrypt -inform DER -in "$in/$(id 15)/sealed.cms" \
	-inkey "$clients/oslo.seal.key" -recip "$clients/oslo.seal.crt" | sha256sum | cut -d' ' -f1)" \
	"$(said 15 proof)" "its digest is the proof"
check "and package.zip is the package" cmp "$T/15.zip" "$in/$(id 15)/package.zip"

mkdir "$T/other"
flock "$T/other" true
exec 9<"$in/.part"
flock 9
exits 4 "two fetches do not work in one folder" fetch
exec 9<&-
ln -s "$T/other" "$T/linked"
mkdir "$T/in2"
ln -s "$T/other" "$T/in2/.part"
exits 2 "a link laid for .part is not followed" \
	"$BUDSTIKKE" fetch -c "$clients/oslo.conf" --out "$T/in2"
chmod 644 "$clients/oslo.seal.key"
exits 2 "a private key that others can read is refused" fetch
finish
