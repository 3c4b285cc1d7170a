# `make` lists what there is.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
READY  := $(VENV)/.ready
DEV    := $(VENV)/.ready-dev
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help search test test-slow lint types format bench bench-check examples docs notebooks clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 …" >&2; exit 2; }
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) --editable . --constraint constraints.txt
	@touch $@

$(DEV): $(READY)
	@echo "adding what the tests need (once)"
	@$(INSTALL) --editable '.[dev]' --constraint constraints.txt
	@touch $@

search: $(READY) ## the λ search, coarse to fine; ARGS="--data digits" passes flags on
	$(BIN)/python -m search.lambda_coarse_fine $(ARGS)

test: $(DEV) lint types ## lint, type check and the everyday tests
	$(BIN)/python -m pytest -m "not slow" --numprocesses 3 --dist loadfile $(ARGS)

# A job of Ray's joins the newest cluster on its machine, whosever it is: jobs are tested when no other
# test runs. And in a child of pytest's, so that one that dies ends the run with its test's name.
test-slow: $(DEV) ## the tests that take longer (CI runs both: .ci/run)
	$(BIN)/python -m pytest -m "slow and not jobs" --numprocesses 2 --dist loadfile $(ARGS)
	$(BIN)/python -m pytest -m "slow and jobs" --numprocesses 1 $(ARGS)

lint: $(DEV) ## ruff: lint and format check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV) ## mypy, strict
	$(BIN)/mypy

format: $(DEV) ## let ruff format and fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## steps, searches, empty trials beside other libraries, many cores: 20 minutes; writes docs/performance.md; needs CIFAR-10
	for name in step end_to_end edges overhead scale beyond service; do \
	  $(BIN)/python -m benchmarks.$$name --page docs/performance.md $(ARGS) || exit; done

bench-check: $(READY) ## which ratios moved since the results of docs/performance.md, in minutes; code 1 where one did
	$(BIN)/python -m benchmarks.check $(ARGS)

examples: $(READY) ## the reports under docs/examples, run again; needs CIFAR-10
	$(BIN)/python docs/examples/make.py

docs: $(DEV) ## the pages of docs/ as a site in site/, which asks no host for anything
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "site/index.html"

notebooks: $(READY) ## the notebooks of examples/, written again from their scripts
	$(BIN)/python examples/notebooks.py

clean: ## remove what make made (runs/ stays)
	rm -rf $(VENV) site .mypy_cache .pytest_cache .ruff_cache .hypothesis
