#!/bin/bash
# hostile - what one organisation may not do to the others.
# alone
. "$(dirname "$0")/../support/python.sh"
run_python hostile.py
