# Needs make and Python 3.11 to 3.13; everything else is installed into .venv from requirements.lock.

SHELL := /bin/sh
PYTHON ?= python3.13 python3.12 python3.11 python3
PYTEST_ARGS ?= -n 4 --dist loadscope --no-loadscope-reorder
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
FOLDERS := perennial flows tasks data_checks

# Else every process of ours compiles the same modules again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo up down test test-all check lint types imports docs install lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

demo: $(READY) ## replay the year 2013 in twelve batches, one per month
	@$(BIN)/perennial demo

up: $(READY) ## start Prefect, MLflow, service and pages; Ctrl-C stops them
	@$(BIN)/perennial up

down: ## stop what the demo or `make up` left running
	@if [ -x $(BIN)/perennial ]; then $(BIN)/perennial down; else echo "nothing is installed, so nothing runs"; fi

test: $(READY) ## run the tests; PYTEST_ARGS="-k ledger -x" selects some
	@$(BIN)/python -m pytest -rfEs $(PYTEST_ARGS)

test-all: $(READY) ## run all tests; installs PostgreSQL and Chromium for some
	@missing=; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || missing="postgresql"; \
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null || missing="$$missing chromium"; \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing $$missing ..."; apt-get update -qq && apt-get install -y -qq $$missing >/dev/null; \
		else \
			echo "The extended tests need: $$missing. Install them with your system's packages." >&2; exit 1; \
		fi; \
	fi; \
	PERENNIAL_TEST_ALL=1 $(BIN)/python -m pytest -rfEs $(PYTEST_ARGS)

check: lint types imports ## run lint, types and imports

lint: $(READY) ## check style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(READY) ## check types
	@$(BIN)/mypy

imports: $(READY) ## check which folder may import which
	@$(BIN)/lint-imports

docs: $(READY) ## write the generated pages and build the docs into site/
	@$(BIN)/python docs/reference.py
	@$(BIN)/zensical build --strict

install: $(READY) ## create .venv and install the pinned packages, if needed

lock: $(READY) ## resolve the dependencies and write requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-annotate --no-header --python-version 3.11 --all-extras --group dev --group service --group stack pyproject.toml -o requirements.lock
	@echo "requirements.lock is written; the next make installs it"

clean: ## remove everything installed and generated; .perennial stays
	-@$(MAKE) --no-print-directory down
	rm -rf $(VENV) build site .cache *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(FOLDERS) tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is written last, so that the next make continues an interrupted installation.
$(READY): requirements.lock pyproject.toml
	@set -e; \
	fits='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'; \
	if ! $(BIN)/python -c "$$fits" 2>/dev/null || ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
		python=; bare=; \
		for candidate in $(PYTHON); do \
			"$$candidate" -c "$$fits" 2>/dev/null || continue; \
			if "$$candidate" -c 'import ensurepip, venv' 2>/dev/null; then python=$$candidate; break; fi; \
			bare=$${bare:-$$candidate}; \
		done; \
		if [ -z "$$python" ] && [ -n "$$bare" ]; then \
			version=$$("$$bare" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
			echo "$$bare cannot make a virtual environment: its venv or ensurepip module is missing." >&2; \
			echo "  On Debian and Ubuntu: apt install python$$version-venv" >&2; \
			echo "  or name another Python: make PYTHON=/path/to/python3.12" >&2; \
			exit 1; \
		fi; \
		if [ -z "$$python" ]; then \
			echo "No Python from 3.11 to 3.13 was found (tried: $(PYTHON))." >&2; \
			echo "  Install one, or name it: make PYTHON=/path/to/python3.12" >&2; \
			exit 1; \
		fi; \
		echo "Making $(VENV) with $$("$$python" --version 2>&1) ..."; \
		"$$python" -m venv --clear $(VENV); \
	fi; \
	export PIP_DISABLE_PIP_VERSION_CHECK=1 VIRTUAL_ENV="$(CURDIR)/$(VENV)"; \
	awk '/^[a-z]/ { wanted = /^uv==/ } wanted' requirements.lock >$(VENV)/uv.txt; \
	echo "Installing uv, which installs the rest quickly ..."; \
	$(BIN)/python -m pip install --quiet --require-hashes -r $(VENV)/uv.txt; \
	echo "Installing $$(grep -c '^[a-z]' requirements.lock) pinned packages (about 1 GB; half a minute to some minutes) ..."; \
	$(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r requirements.lock || { \
		echo "uv could not; trying pip, which takes longer ..."; \
		$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock; \
	}; \
	echo "Installing Perennial itself ..."; \
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .; \
	touch $@; \
	echo "Installed."
