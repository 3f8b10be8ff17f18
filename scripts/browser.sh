#!/bin/sh
# The tests look at the report in a real browser: one of these, or Debian's.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/.."
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
sh scripts/debian.sh "Chromium, which the tests look at reports with," chromium fonts-liberation
