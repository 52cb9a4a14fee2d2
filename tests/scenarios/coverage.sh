#!/bin/bash
# coverage - every organisation number of a municipality has an open mailbox, or
# the operator is told: against documents as Enhetsregisteret's open API answers.
. "$(dirname "$0")/../support/tap.sh"
need_tool jq python3
init_relay
start_relay
boss() { "$BUDSTIKKE" party -c "$(client operator)" coverage "$@"; }
corpus=$TOP/tests/fuzz/corpus/unit_register

exits 0 "a municipality with an open mailbox is covered" boss "$corpus/municipality" --json
exits 0 "so are its units that have one" boss "$corpus/municipality" "$corpus/page" "$corpus/gone" --json
is "$(jq -c '[(.units | length), .lacking, .gone]' "$T/out")" '[3,0,1]' \
	"one that was struck off needs none"
exits 2 "parents in a circle are refused" boss "$corpus/circle"
like "$(cat "$T/err")" 'belongs, over others, to itself' "and it says why"

# ---- a municipality with 600 units ------------------------------------------
python3 - "$T/units.json" <<'PY'
import json, sys
def number(base):
    rest = sum(int(d) * w for d, w in zip(f"{base:08}", (3, 2, 7, 6, 5, 4, 3, 2))) % 11
    return None if rest == 1 else f"{base:08}{(11 - rest) % 11}"
numbers = [n for n in map(number, range(81000000, 81000700)) if n][:600]
json.dump({"_embedded": {"underenheter": [
    {"organisasjonsnummer": n, "navn": f"ENHET {i}", "organisasjonsform": {"kode": "BEDR"},
     "overordnetEnhet": "900000014"} for i, n in enumerate(numbers)]}}, open(sys.argv[1], "w"))
PY
exits 6 "units without a mailbox are told" boss "$corpus/municipality" "$T/units.json" --json
is "$(jq -c '[(.units | length), .lacking]' "$T/out")" '[601,600]' "each of the 600"
first=$(jq -r '._embedded.underenheter[0].organisasjonsnummer' "$T/units.json")
"$BUDSTIKKE" party -c "$(client operator)" set "$first" --types document >/dev/null 2>&1
exits 6 "a mailbox that is not open yet does not cover" boss "$T/units.json" --json
is "$(jq -r --arg o "$first" '.units[] | select(.organisation == $o) | .state' "$T/out")" proving \
	"its state is told"
exits 3 "others may not ask" "$BUDSTIKKE" party -c "$(client nav)" coverage "$corpus/municipality"
stop_relay
finish
