#!/bin/bash
# bounds - big messages in bounded memory, idle long-polls for little; see
# bounds.py. MIB: size of the big attachment (SOAK=1: 2048, else 128).
# alone
# timeout: 600
exec python3 "$(dirname "$0")/../support/bounds.py"
