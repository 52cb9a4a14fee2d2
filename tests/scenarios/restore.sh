#!/bin/bash
# restore - a backup taken under load comes back as a new epoch, and a store of
# each format ever released is upgraded; see restore.py
# timeout: 120
exec python3 "$(dirname "$0")/../support/restore.py"
