#!/bin/sh
# Makes .venv hold what a lock names, every file checked by its hash, and the project itself:
#
#     sh scripts/environment.sh demo      what the demo study needs
#     sh scripts/environment.sh dev       what the tests and checks need too
#     sh scripts/environment.sh build     only what makes the locks
#
# Nothing is done where nothing changed: .venv/ready-LEVEL keeps a checksum of what it was made from.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/.."
level=$1
python=.venv/bin/python

say() { printf '%s\n' "$*" >&2; }

suits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

candidates() {
    for name in python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if suits "$name"; then echo "$name"; fi
    done
}

try_each() {
    for name in $(candidates); do
        rm -rf .venv
        if "$name" -m venv .venv >/dev/null 2>&1; then return; fi
    done
    rm -rf .venv
    command -v uv >/dev/null 2>&1 && uv venv --quiet --python '>=3.11' .venv 2>/dev/null
}

make_venv() {
    if [ -z "$(candidates)" ]; then
        say "buttermilk needs Python 3.11 or later, and this machine has $(python3 -V 2>/dev/null || echo none). Install one, then type this again."
        exit 1
    fi
    try_each && return
    sh scripts/debian.sh "Python's venv module" python3-venv
    try_each && return
    say "'python3 -m venv .venv' does not work on this machine. Install Python's venv module, then type this again."
    exit 1
}

wanted() {
    {
        "$python" -V
        cat pyproject.toml scripts/environment.sh requirements/build.lock
        case $1 in build) ;; *) cat "requirements/$1.lock" ;; esac
    } | cksum
}

is_ready() { [ -f ".venv/ready-$1" ] && [ "$(cat ".venv/ready-$1")" = "$(wanted "$1")" ]; }

# uv is quick. Where it finds no index (it reads none of pip's configuration), pip does the same, slowly.
fetch() {
    .venv/bin/uv --system-certs pip install --quiet --python "$python" "$@" 2>/dev/null && return
    say "uv finds no package index here; pip takes over, which takes longer ..."
    "$python" -m pip install -qq --disable-pip-version-check "$@"
}

bootstrap() {
    if "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/build.lock
    else # a .venv that uv made has no pip
        uv pip install --quiet --python "$python" --require-hashes -r requirements/build.lock
    fi
}

# The commands in .venv know the folder they were made in: a copied or renamed one is made anew.
stayed() { [ ! -f .venv/made-in ] || [ "$(cat .venv/made-in)" = "$(pwd)" ]; }

{ suits "$python" && stayed; } || make_venv
if is_ready "$level" || { [ "$level" = demo ] && is_ready dev; }; then exit 0; fi

say "Setting up .venv for '$level': half a minute the first time ..."
rm -f .venv/ready-*
bootstrap
if [ "$level" != build ]; then
    fetch --no-build-isolation --require-hashes -r "requirements/$level.lock"
    fetch --no-build-isolation --no-deps --editable .
fi
pwd >.venv/made-in
wanted "$level" >".venv/ready-$level"
