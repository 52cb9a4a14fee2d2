#!/bin/bash
# deaths-work - what the death of each role means for the work it had, and
# how long it takes; see deaths_work.py
# alone
# timeout: 240
exec python3 "$(dirname "$0")/../support/deaths_work.py"
