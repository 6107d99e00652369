#!/bin/sh
# Makes the virtual environment $1 with a Python that is new enough, unless it is there already.
set -eu
venv="$1"

new_enough() {
    "$1" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if [ -x "$venv/bin/python" ] && new_enough "$venv/bin/python" && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    exit 0
fi

python=""
for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null 2>&1 && new_enough "$candidate"; then
        python="$candidate"
        break
    fi
done
if [ -z "$python" ]; then
    echo "Trivet needs Python 3.11 or newer; python3 here is $(python3 --version 2>&1 || true)." >&2
    echo "Install one, or name it: make PYTHON=/path/to/python3.12 setup" >&2
    exit 1
fi

make_it() {
    rm -rf "$venv"
    "$python" -m venv "$venv"
}

if ! make_it 2>/dev/null; then
    # Debian keeps the venv module in a package of its own.
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        apt-get update -qq >/dev/null 2>&1 || true
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null 2>&1 || true
    fi
    if ! make_it; then
        echo "python3 -m venv does not work here; on Debian or Ubuntu: apt-get install python3-venv" >&2
        exit 1
    fi
fi
