#!/bin/sh
# Installs the libraries for node that tests/libraries runs into the folder $1. Without npm or network it goes on without: the
# tests that need them are skipped. Never fails.
from="$(dirname "$0")/../tests/libraries/programs/js"
into="$1"
lock="$from/package-lock.json"
if [ -e "$into/node_modules/.done" ] && cmp -s "$lock" "$into/package-lock.json"; then
    exit 0
fi
if ! command -v npm >/dev/null 2>&1 || ! command -v node >/dev/null 2>&1; then
    echo "node and npm are not installed, going on without: tests of BullMQ and ioredis are skipped"
    exit 0
fi
echo "installing the libraries for node that tests run"
mkdir -p "$into"
rm -rf "$into/node_modules"
cp "$from/package.json" "$lock" "$into/"
quiet="--ignore-scripts --no-audit --no-fund --loglevel=silent --fetch-retries=1 --fetch-retry-mintimeout=1000"
if (cd "$into" && timeout 120 npm ci $quiet >/dev/null); then
    touch "$into/node_modules/.done"
else
    echo "could not install them, going on without: tests of BullMQ and ioredis are skipped"
    rm -rf "$into"
fi
exit 0
