# 园企通: `make run` starts it, `make test` runs everything that must pass. Both make their own environment in .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test test-faults lint bench charts check clean

run: .venv/run.stamp  ## start the web chat (and Telegram where TELEGRAM_TOKEN is set)
	$(BIN)/python bot.py serve

test: .venv/dev.stamp  ## everything that must pass
	$(BIN)/python -m pytest

test-faults: .venv/dev.stamp  ## the fault suite in full; writes docs/reliability.md
	$(BIN)/python -m pytest tests/faults --faults docs/reliability.md

lint: .venv/dev.stamp  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/dev.stamp $(if $(PEERS),.venv/bench.stamp)  ## speed, size and understanding, printed as tables; PEERS=1 installs the peers to compare with
	$(BIN)/python -m bench.turns
	$(BIN)/python -m bench.understanding
	$(BIN)/python -m bench.loading
	$(BIN)/python -m bench.prechecks
	$(BIN)/python -m bench.workers
	$(BIN)/python -m bench.telegram
	$(BIN)/python -m bench.web
	$(BIN)/python -m bench.simulation

charts: .venv/dev.stamp  ## write docs/dialogs.md, fields.md, facts.md and settings.md from the scripts, vocabularies and settings
	$(BIN)/python docs/make_charts.py

check: .venv/run.stamp  ## check the knowledge base
	$(BIN)/python bot.py check

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "园企通需要 Python 3.11 或更新；现在是 %s。装好后运行 make run PYTHON=python3.12" % sys.version.split()[0])'
	$(PYTHON) -m venv .venv

.venv/run.stamp: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/dev.stamp: requirements-dev.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ .venv/run.stamp

.venv/bench.stamp: requirements-bench.txt | .venv/dev.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	@touch $@

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
