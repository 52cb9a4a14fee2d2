#!/bin/bash
# lasting - messages and receipts outlive rotated keys, a clock that jumps, odd
# time zones and a store that comes back from a backup.
. "$(dirname "$0")/../support/python.sh"
run_python lasting_drive.py
