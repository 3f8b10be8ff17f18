#!/bin/sh
# What the tests start beside Python: a browser, in which they look at pages, ffmpeg for films, tesseract for scans.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/.."

has() { command -v "$1" >/dev/null 2>&1; }

missing=
has chromium || has chromium-browser || has google-chrome || has google-chrome-stable ||
    missing="$missing chromium fonts-liberation"
has ffmpeg || missing="$missing ffmpeg"
has tesseract || missing="$missing tesseract-ocr"
# shellcheck disable=SC2086  # a list of words
if [ -n "$missing" ]; then sh scripts/debian.sh "What the tests start beside Python" $missing; fi
