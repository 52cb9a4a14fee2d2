#!/bin/bash
# limits - every limit of base/limits.h has a row: at, under and over, or where
# it is tested instead; see limits.py
# timeout: 200
exec python3 "$(dirname "$0")/../support/limits.py"
