#!/bin/sh
# `sh scripts/debian.sh WHAT PACKAGE...` installs Debian packages where it may, and else says in one line what to type.
set -eu
what=$1
shift

as_root=
if ! command -v apt-get >/dev/null 2>&1; then
    printf '%s\n' "$what is missing. Install what Debian calls '$*', then type this again." >&2
    exit 1
elif [ "$(id -u)" != 0 ]; then
    if ! sudo -n true >/dev/null 2>&1; then
        printf '%s\n' "$what is missing. Type 'sudo apt-get install $*', then this again." >&2
        exit 1
    fi
    as_root='sudo -n'
fi

printf '%s\n' "$what is missing: installing $* with apt-get ..." >&2
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq >/dev/null || true # one stale source among several need not stop the others
$as_root apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null
