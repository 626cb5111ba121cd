# Everything runs in .venv, made from the locked requirements; settings of the checks are in pyproject.toml.
PYTHON ?= python3
BIN = .venv/bin
ARGS ?=

.PHONY: install demo test lint bench real chaos schemas

install: .venv/installed

demo: install
	$(BIN)/redcat demo $(ARGS)

test: install
	$(BIN)/pytest $(ARGS)

lint: install
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: install
	$(BIN)/python -m bench $(ARGS)

real: install
	$(BIN)/python -m bench.real $(ARGS)

chaos: install
	$(BIN)/python -m tests.chaos $(ARGS)

schemas: install
	$(BIN)/redcat schemas --write docs/schemas

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@
