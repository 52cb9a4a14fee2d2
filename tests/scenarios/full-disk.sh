#!/bin/bash
# full-disk - a file system and a map that run full, and what still goes on;
# see full_disk.py. Needs root for its 128 MiB file system.
# alone
# timeout: 240
exec python3 "$(dirname "$0")/../support/full_disk.py"
