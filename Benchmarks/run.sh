#!/usr/bin/env bash
# run.sh PARLEY [--languages | OPTIONS of kernelbench]: makes what a run needs, once, under .cache/bench, and measures.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=$here/../.cache/bench
parley=$(realpath "$1")
shift
mkdir -p "$cache" "$here/results"

# environment NAME PACKAGE...: a virtual environment of its own, made anew only when the list changes
environment() {
    local folder=$cache/$1
    shift
    [ "$(cat "$folder/.packages" 2>/dev/null)" != "$*" ] || return 0
    python3 -m venv --clear "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check "$@"
    echo "$*" >"$folder/.packages"
}
environment client $(cat "$here/requirements.txt")
environment ipykernel ipykernel
environment bash bash_kernel
if [ ! -e "$cache/akt/.ready" ]; then
    environment akt allthekernels ipykernel bash_kernel
    "$cache/akt/bin/python" -m bash_kernel.install --sys-prefix >/dev/null
    touch "$cache/akt/.ready"
fi

if [ "$here/floor_kernel.c" -nt "$cache/floor_kernel" ]; then
    "${CC:-cc}" -O2 -o "$cache/floor_kernel" "$here/floor_kernel.c" -lzmq -lcrypto
fi

if [ "${1:-}" = --languages ]; then
    PYTHONPATH=$here exec "$cache/client/bin/python" -m kernelbench.languages "$parley" "$cache/ipykernel/bin/python"
fi

PYTHONPATH=$here exec "$cache/client/bin/python" -m kernelbench --parley "$parley" --peers "$cache" \
    --out "$here/results/$(date +%Y-%m-%d-%H%M)" "$@"
