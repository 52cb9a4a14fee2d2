#!/bin/bash
# api - every operation of the OpenAPI document is driven to every documented
# status of the real relay, and every answer is held against the document.
. "$(dirname "$0")/../support/python.sh"
run_python api_drive.py
