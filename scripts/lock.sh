#!/bin/sh
# Writes the locks anew: every requirement pinned, with the hash of each of its files, and no word of where they
# were found. A release younger than a week is passed over: a stolen one is mostly noticed within days.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/.."

lock() {
    .venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --exclude-newer '7 days' \
        --generate-hashes --no-header --annotation-style line --output-file "$@"
}

# Not `transformers`: PyTorch is in a lock of its own.
lock requirements/dev.lock pyproject.toml --extra all --extra demo --extra bench --group dev
lock requirements/demo.lock pyproject.toml --extra demo --constraint requirements/dev.lock
lock requirements/build.lock requirements/build.in --constraint requirements/dev.lock

# The index has PyTorch for Linux with CUDA only. The build without, of the same release, comes from where pip finds it.
found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT
release=$(sed -n 's/^torch==\([0-9.]*\).*/\1/p' requirements/torch.in)
if ! .venv/bin/python -m pip download -qq --no-deps --dest "$found" "torch==$release+cpu"; then
    echo "pip finds no build of PyTorch $release without CUDA here, so requirements/torch.lock is left as it was." >&2
    exit 1
fi
lock requirements/torch.lock requirements/torch.in --constraint requirements/dev.lock --constraint requirements/build.lock
hash=$(.venv/bin/python -m pip hash "$found"/torch-*.whl | sed -n 's/^--hash=//p')
sed -i "s/^torch==$release .*/&\n    --hash=$hash \\\\/" requirements/torch.lock
lock requirements/oracles.lock --group oracles --constraint requirements/dev.lock --constraint requirements/torch.lock
