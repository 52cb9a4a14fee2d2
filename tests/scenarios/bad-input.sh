#!/bin/bash
# bad-input - what is wrong gets a clear error and loses nothing.
. "$(dirname "$0")/../support/python.sh"
run_python bad_input.py
