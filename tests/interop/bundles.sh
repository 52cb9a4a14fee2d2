#!/bin/bash
# Receipt bundles, right ones and wrong ones: a verifier in Python and openssl
# that knows only the specifications says of each what we say.
#
# SOAK=1: ten thousand, else one thousand. SEED=N repeats a run.

. "$(dirname "$0")/../support/tap.sh"
need_tool python3 openssl
cd "$TOP" || exit 1
count=1000
[ -z "${SOAK:-}" ] || count=10000
seed=${SEED:-$RANDOM}
verifier=tests/interop/verify_bundle.py

check "the program that makes bundles compiles" ${CC:-gcc} -std=gnu17 -D_GNU_SOURCE -I. \
	tests/interop/make_bundles.c -Wl,--start-group "$BUILD"/lib{tools,spool,keys,formats,base}.a \
	-Wl,--end-group -lcurl -ljansson -lcrypto -larchive -ldeflate -lunistring -lpcre2-8 -lz \
	-o "$T/make_bundles" || finish
check "$count bundles are made (seed $seed)" "$T/make_bundles" "$T" "$count" "$seed" || finish
python3 "$verifier" "$T/ca.crt" "$T/log.key" "$T/bundles" >"$T/second"
is "$(wc -l <"$T/second")" "$count" "the second verifier judges each"
is "$(paste -d' ' <(cut -d' ' -f1 "$T/verdicts") "$T/second" |
	awk '{ sub(":", "", $2) } $1 != $2 { print NR ": " $0 }')" "" "and as we do"

# a test in which all is good, or all is bad, would say nothing
for change in $(seq 1 20); do
	grep -q " $change\$" "$T/verdicts" || not_ok "change $change is made" "not in $T/verdicts"
done
good=$(grep -c '^good' "$T/verdicts")
check "among them are many of both" test "$((good * 3))" -gt "$count" -a "$((good * 3))" -lt \
	"$((count * 2))"
check "the second verifier is short enough to be read" test "$(wc -l <"$verifier")" -lt 150

# ---- who is not trusted ----------------------------------------------------
grep -n '^good' "$T/verdicts" | head -1 | cut -d: -f1 >"$T/first"
sed -n "$(cat "$T/first")p" "$T/bundles" >"$T/one"
exits 0 "one bundle alone is good" python3 "$verifier" "$T/ca.crt" "$T/log.key" "$T/one"
openssl req -x509 -newkey ed25519 -nodes -keyout "$T/other.key" -out "$T/other.crt" \
	-subj /CN=other -days 1 2>"$T/req.err"
exits 1 "under another authority it is not" python3 "$verifier" "$T/other.crt" "$T/log.key" "$T/one"
finish
