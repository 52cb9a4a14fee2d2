#!/bin/bash
# fairness - one organisation's many submissions do not hold up another's one.
. "$(dirname "$0")/../support/python.sh"
run_python fairness.py
