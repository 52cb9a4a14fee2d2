#!/bin/bash
# alarms - silence, refusals and wrong proofs reach somebody, told apart, once,
# and with an all-clear.
. "$(dirname "$0")/../support/python.sh"
run_python alarm_drive.py
