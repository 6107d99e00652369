# Trivet. `make` alone lists what there is.
# Every target builds what it needs first; nothing but Python >= 3.11 (with venv) and make is expected.

.DEFAULT_GOAL := help
SHELL := /bin/sh

VENV     := .venv
BIN      := $(VENV)/bin
COMPILED := .venv-compiled
LIBRARIES := .venv-libraries
NODES    ?= 3
PORT     ?= 7001
DATA     ?= ./trivet-data
SEEDS    ?= 5000
COMMANDS ?= 200000
JOBS     ?= 2
PYTEST_ARGS ?=

.PHONY: help setup run test check soak mutants bench fuzz scenarios cap commands compiled test-compiled lock tools libraries format clean

help:  ## this list
	@echo "Trivet: a distributed data store that speaks the Redis protocol."
	@echo
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/.done libraries  ## build .venv with the locked requirements and trivet in it

run: $(VENV)/.done  ## start a cluster of three nodes on this machine (NODES, PORT, DATA)
	@exec $(BIN)/trivet up --nodes $(NODES) --port $(PORT) --data $(DATA)

# One worker more than cores: one waits for real processes most of the time.
test: JOBS := 3
test: $(VENV)/.done libraries tools check  ## gates, then the tests but the long ones (some minutes)
	$(BIN)/pytest -n $(JOBS) --dist loadgroup -m "not soak" $(PYTEST_ARGS)

check: $(VENV)/.done  ## the gates: ruff, mypy --strict, imports, sizes, mirrored tests
	$(BIN)/python tools/check.py

soak: $(VENV)/.done libraries tools  ## the long runs: SEEDS=5000 lab seeds (hours), COMMANDS=200000 against redis-server, the other planted bugs, failover for minutes
	$(BIN)/trivet lab run --seed 1 --seeds $$(( $(SEEDS) * 4 / 5 )) --nodes 3 --ops 300 --jobs $(JOBS) --out soak-failures
	$(BIN)/trivet lab run --seed 1 --seeds $$(( $(SEEDS) / 5 + 1 )) --nodes 5 --ops 300 --jobs $(JOBS) --out soak-failures
	$(BIN)/trivet lab run --seed 1 --seeds $$(( $(SEEDS) * 2 / 5 + 1 )) --nodes 3 --ops 300 --jobs $(JOBS) --out soak-failures --set register_rate=0.8
	$(BIN)/trivet lab run --seed 1 --seeds $$(( $(SEEDS) * 2 / 5 + 1 )) --nodes 3 --ops 300 --jobs $(JOBS) --out soak-failures --set eventual_rate=1
	$(BIN)/trivet lab run --seed 1 --seeds $$(( $(SEEDS) * 2 / 5 )) --nodes 3 --ops 200 --jobs $(JOBS) --out soak-failures --workload append
	TRIVET_DIFFERENTIAL_COMMANDS=$(COMMANDS) $(BIN)/pytest -n $(JOBS) tests/differential $(PYTEST_ARGS)
	$(BIN)/pytest -m soak $(PYTEST_ARGS)

mutants: $(VENV)/.done  ## plant the bugs of other systems into copies of the code: which judge notices? (MUTANTS_ARGS="--rows R1,R5 --json")
	$(BIN)/python tools/mutants.py --jobs $(JOBS) $(MUTANTS_ARGS)

bench: $(VENV)/.done tools $(COMPILED)/.done  ## measure against Redis and etcd; rewrites the tables of docs/performance.md
	$(BIN)/python -m bench.run $(BENCH_ARGS)
	$(BIN)/python -m bench.apply

fuzz: $(VENV)/.done  ## the decoders against random input, longer than in `make test`
	TRIVET_FUZZ_EXAMPLES=$${TRIVET_FUZZ_EXAMPLES:-20000} $(BIN)/pytest -n $(JOBS) -q -k "fuzz or split or random or property" tests/core/wire tests/fuzz $(PYTEST_ARGS)

scenarios: $(VENV)/.done  ## play the lab's stories and write docs/scenarios anew (text and pictures)
	$(BIN)/python -m trivet.lab.scenarios.pages docs/scenarios

cap: $(VENV)/.done  ## play the CAP report card and write docs/cap anew (tables, charts, pictures)
	$(BIN)/python -m trivet lab cap --seed 1 --out docs/cap

commands: $(VENV)/.done  ## write docs/commands.md anew from the command table
	$(BIN)/python -m tools.commands_page

compiled: $(COMPILED)/.done  ## build .venv-compiled: trivet with its core compiled by mypyc

test-compiled: $(COMPILED)/.done  ## the tests of core/ and the lab against the compiled build
	$(COMPILED)/bin/pytest -n $(JOBS) -o pythonpath=. tests/core tests/lab -m "not soak" $(PYTEST_ARGS)

lock: ## resolve the requirements files anew (needs uv)
	sh tools/lock.sh

format: $(VENV)/.done  ## let ruff format the code and sort the imports
	$(BIN)/ruff check --fix-only --select I -q . || true
	$(BIN)/ruff format -q .

tools:  ## install the peers that tests and benchmarks compare with (root on Debian only; else it goes on without)
	@sh tools/peers.sh

libraries: $(LIBRARIES)/.done  ## install the libraries of others that tests/libraries runs (those for node only with npm)
	@sh tools/node_libraries.sh $(LIBRARIES)/node

clean:  ## remove what was built (not your data)
	rm -rf $(VENV) $(COMPILED) $(LIBRARIES) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# ---------------------------------------------------------------------------------------------------------------------

$(VENV)/.done: requirements-dev.txt requirements-redis5.txt pyproject.toml tools/venv.sh
	@sh tools/venv.sh $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --upgrade --target $(VENV)/redis5 -r requirements-redis5.txt
	@touch $@

$(LIBRARIES)/.done: requirements-libraries.txt tools/venv.sh
	@sh tools/venv.sh $(LIBRARIES)
	@echo "installing the libraries that tests run into $(LIBRARIES)"
	$(LIBRARIES)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-libraries.txt
	@touch $@

CORE := $(shell find src/trivet/core -name '*.py' 2>/dev/null)

$(COMPILED)/.done: requirements-dev.txt pyproject.toml tools/hatch_build.py tools/venv.sh $(CORE)
	@sh tools/venv.sh $(COMPILED)
	$(COMPILED)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	TRIVET_COMPILE=1 $(COMPILED)/bin/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation --force-reinstall .
	@$(COMPILED)/bin/trivet --version
	@touch $@
