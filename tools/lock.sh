#!/bin/sh
# Resolves requirements*.txt anew: exact versions with hashes for every wheel, no registry address. Needs uv.
set -eu
cd "$(dirname "$0")/.."
compile="uv pip compile -q --upgrade --generate-hashes --no-emit-index-url --no-annotate --no-header --universal --python-version 3.11"
$compile pyproject.toml -o requirements.txt
$compile pyproject.toml --group pyproject.toml:dev -c requirements.txt -o requirements-dev.txt
$compile --group pyproject.toml:redis5 -o requirements-redis5.txt
$compile --group pyproject.toml:libraries -o requirements-libraries.txt
