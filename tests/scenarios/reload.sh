#!/bin/bash
# reload - SIGHUP and SIGTERM while messages come and go: no request that was
# taken is dropped, and a recipient that was away for three weeks lost nothing.
# timeout: 300
. "$(dirname "$0")/../support/python.sh"
run_python reload.py
