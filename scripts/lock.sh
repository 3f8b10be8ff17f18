#!/bin/sh
# Writes the three locks anew: every requirement pinned, with the hash of each of its files, and no word of where they
# were found. A release younger than a week is passed over: a stolen one is mostly noticed within days.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/.."

lock() {
    .venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --exclude-newer '7 days' \
        --generate-hashes --no-header --annotation-style line --output-file "$@"
}

# Not `transformers`: PyTorch for Linux brings gigabytes for graphics cards.
lock requirements/dev.lock pyproject.toml --extra all --extra demo --extra bench --group dev
lock requirements/demo.lock pyproject.toml --extra demo --constraint requirements/dev.lock
lock requirements/build.lock requirements/build.in --constraint requirements/dev.lock
