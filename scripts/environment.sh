#!/bin/sh
# Makes .venv hold what a lock names, every file checked by its hash, and the project itself:
#
#     sh scripts/environment.sh demo      what the demo study needs
#     sh scripts/environment.sh dev       what the tests and checks need too
#     sh scripts/environment.sh torch     PyTorch on top of dev, for the tests that run a model on this machine
#     sh scripts/environment.sh oracles   what the statistics are held to, in .venv-oracles: nothing of ours is there
#     sh scripts/environment.sh build     only what makes the locks
#
# Nothing is done where nothing changed: .venv/ready-LEVEL keeps a checksum of what it was made from.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/.."
level=$1
python=.venv/bin/python
without="'BUTTERMILK_WITHOUT_TORCH=1 make test' tests all but models on this machine."

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

# From the index, PyTorch for Linux brings CUDA, which is gigabytes. A build without is taken where pip, as it is set up
# here, knows one: its hash is in the lock too. (In pip's own choice a hash that the index tells beats a later build.)
fetch_torch() {
    awk '/^[a-z]/ { cuda = /^(cuda|nvidia|triton)/ } !cuda { sub(/^torch==[0-9.]+/, "&+cpu"); print }' \
        requirements/torch.lock >.venv/without-cuda.lock
    "$python" -m pip install -qq --no-compile --disable-pip-version-check --require-hashes \
        -r .venv/without-cuda.lock 2>/dev/null && return
    [ "$(uname)" != Linux ] || say "pip knows no PyTorch without CUDA for this Python: it is gigabytes. $without"
    fetch --require-hashes -r requirements/torch.lock && return
    say "There is no PyTorch for $("$python" -V) to be had here. $without"
    exit 1
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
if [ "$level" = oracles ]; then
    mark=.venv-oracles/ready
    [ -f "$mark" ] && [ "$(cat "$mark")" = "$(wanted oracles)" ] && exit 0
    say "Setting up .venv-oracles: a minute the first time ..."
    rm -rf .venv-oracles
    "$python" -m venv --without-pip .venv-oracles
    ours=$python python=.venv-oracles/bin/python
    .venv/bin/uv --system-certs pip install --quiet --python "$python" --require-hashes -r requirements/oracles.lock \
        2>/dev/null || "$ours" -m pip --python "$python" install -qq --disable-pip-version-check --require-hashes \
        -r requirements/oracles.lock
    python=$ours
    wanted oracles >"$mark"
    exit 0
fi
if [ "$level" = torch ] && [ -n "${BUTTERMILK_WITHOUT_TORCH:-}" ]; then
    say "Without PyTorch: 'transformers', and 'similarity' by a model on this machine, are not tested."
    exit 0
fi
if is_ready "$level" || { [ "$level" = demo ] && is_ready dev; }; then exit 0; fi

say "Setting up .venv for '$level': half a minute the first time ..."
if [ "$level" = torch ]; then
    fetch_torch
else
    rm -f .venv/ready-*
    bootstrap
fi
case $level in demo | dev)
    fetch --no-build-isolation --require-hashes -r "requirements/$level.lock"
    fetch --no-build-isolation --no-deps --editable .
    ;;
esac
pwd >.venv/made-in
wanted "$level" >".venv/ready-$level"
