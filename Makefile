# musegen from a checkout. Everything is installed into .venv; a second run starts at once.
#
#   make jam                           play on from a seed phrase, in real time
#   make jam ARGS='--key "D dorian"'   the same with options: see  .venv/bin/musegen jam --help
#   make test                          run the tests (ARGS='tests/cli -x' runs some of them)
#   make lint                          ruff and mypy
#   make page                          build the studio's page (needs Node 20.19 or newer)
#   make bench                         what this machine does, in ten minutes: bench/performance.md
#
# PYTHON=/path/to/python3 chooses the Python to make .venv with.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
NEEDS := pyproject.toml constraints.txt
ARGS ?=

.PHONY: jam test lint page bench clean

jam: $(VENV)/.player
	@$(BIN)/musegen jam $(ARGS)

test: $(VENV)/.all
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# What musegen/studio/web is built to lies in git, so that nobody needs Node who does not change it.
page:
	cd musegen/studio/web && npm ci --silent && npm run --silent check && npm test --silent && npm run --silent build

bench: $(VENV)/.all
	@mkdir -p bench
	$(BIN)/python -m benchmarks.startup --rounds 3 --json bench/startup.json
	$(BIN)/python -m benchmarks.tokenise --rounds 3 --many 1000 --json bench/tokenise.json
	$(BIN)/python -m benchmarks.decode --notes 100 --rounds 1 --sizes 5 --json bench/decode.json
	$(BIN)/python -m benchmarks.batches --files 64 --rounds 1 --json bench/batches.json
	$(BIN)/python -m benchmarks.training_speed --rounds 2 --json bench/training_speed.json
	$(BIN)/python -m benchmarks.performance bench/*.json --out bench > bench/performance.md
	@echo 'bench/performance.md has the tables and pictures.'

clean:
	rm -rf $(VENV) build dist bench *.egg-info

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'musegen needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=/path/to/python3'; exit 1; }
	@echo 'Making $(VENV) ...'
	@$(PYTHON) -m venv $(VENV) || { echo 'This Python has no venv module: on Debian, apt-get install python3-venv'; exit 1; }
	@touch $@

$(VENV)/.player: $(VENV)/.made $(NEEDS)
	@echo 'Installing the player into $(VENV) ...'
	@$(PIP) install --editable . --constraint constraints.txt
	@touch $@

$(VENV)/.all: $(VENV)/.made $(NEEDS)
	@echo 'Installing everything into $(VENV); PyTorch takes a few minutes ...'
	@$(PIP) install --editable '.[all]' --constraint constraints.txt
	@touch $@ $(VENV)/.player
