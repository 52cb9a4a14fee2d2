#!/bin/bash
# storm - many connections that break off anywhere, while roles are killed: no
# sanitizer report, no lost acknowledgement. Uses the sanitizer build when there
# is one: a build without it finds only what crashes.
# alone
TOP=$(cd "$(dirname "$0")/../.." && pwd)
[ -n "${BUILD:-}" ] || ! [ -x "$TOP/build/san/budstikked" ] || export BUILD=$TOP/build/san
. "$(dirname "$0")/../support/python.sh"
run_python storm.py
