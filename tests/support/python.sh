# python - the interpreter that has python3-jsonschema: Debian's packages live
# where /usr/bin/python3 looks, whatever python3 is first in PATH.
#
#   . "$(dirname "$0")/../support/python.sh"
#   run_python api_drive.py
# shellcheck shell=bash

# run_python PROGRAM: of tests/support; takes the place of the script
run_python() {
	local interpreter
	for interpreter in /usr/bin/python3 python3; do
		"$interpreter" -W ignore -c 'import jsonschema' 2>/dev/null || continue
		exec "$interpreter" -W ignore "$(dirname "$0")/../support/$1"
	done
	echo "ok 1 # SKIP missing tool: python3-jsonschema ($1)"
	echo "1..1"
}
