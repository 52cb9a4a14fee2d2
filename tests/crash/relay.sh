#!/bin/bash
# relay - the real relay is killed at every state change and at random while
# messages come and go; see relay_crash.py. KILLS: how many kills at random.
# alone
# timeout: 900
exec python3 "$(dirname "$0")/relay_crash.py"
