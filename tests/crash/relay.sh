#!/bin/bash
# relay - the real relay is killed at every state change and at random while
# messages come and go; see relay_crash.py. KILLS: how many kills at random.
# alone
# timeout: 900
# timeout (soak): 5400
exec python3 -B "$(dirname "$0")/relay_crash.py"
