# gpt2-playground: everything happens in .venv, which the first target you call creates.
# Written for GNU make 3.81 and a POSIX shell, so that it works on Linux and macOS as they come.

VENV := .venv
BIN := $(VENV)/bin
SHELL := /bin/sh
.DEFAULT_GOAL := help
# Tests start some hundred processes: without bytecode each of them would compile the program anew.
TESTING := PYTHONDONTWRITEBYTECODE= HF_HUB_OFFLINE=1

.PHONY: help
help: ## Show this list
	@echo 'gpt2-playground: see how a language model decides'
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)$$/  make \1@\2/p' Makefile | \
		awk -F@ '{ printf "%-17s%s\n", $$1, $$2 }'
	@echo
	@echo 'ARGS="..." is handed on: make run ARGS="--preset beam", make test ARGS="-k presets".'

.PHONY: run
run: $(VENV)/.installed-run ## Open the playground
	@$(BIN)/gpt2-playground $(ARGS)

.PHONY: test
test: $(VENV)/.installed-test ## Run all tests; they need no network
	$(TESTING) $(BIN)/python -m pytest $(ARGS)

.PHONY: bench
bench: $(VENV)/.installed-run ## Measure the speed beside generate() and others
	@$(BIN)/python -m benchmarks.speed $(ARGS)

.PHONY: soak
soak: $(VENV)/.installed-test ## Half an hour of random use in a real terminal, then a hundred sudden ends
	@HF_HUB_OFFLINE=1 $(BIN)/python -m tests.around.soak $(ARGS)
	SIGNAL_MOMENTS=50 $(TESTING) $(BIN)/python -m pytest tests/around/test_signals.py

# A measured test takes longer: none of them is ended for that.
.PHONY: coverage
coverage: $(VENV)/.installed-coverage ## Run all tests and tell which branches of core they leave out
	$(BIN)/python -m coverage erase
	HF_HUB_OFFLINE=1 $(BIN)/python -m coverage run -m pytest --timeout 900 $(ARGS)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

.PHONY: mutants
mutants: $(VENV)/.installed-mutants ## Change code here and there for half an hour, and tell what no test notices
	HF_HUB_OFFLINE=1 $(BIN)/python -m tests.mutants $(ARGS)

.PHONY: lint
lint: $(VENV)/.installed-dev ## Check format, style, types and import rules
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports

.PHONY: check
check: lint test ## Everything that has to pass before a commit

# The program is installed editable, so that only a change of pyproject.toml needs a new install.
$(VENV)/.installed-run: pyproject.toml | $(BIN)/python
	@$(MAKE) --no-print-directory install PACKAGE=.
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	@$(MAKE) --no-print-directory install PACKAGE='.[test]'
	@touch $@ $(VENV)/.installed-run

$(VENV)/.installed-coverage: pyproject.toml | $(BIN)/python
	@$(MAKE) --no-print-directory install PACKAGE='.[coverage]'
	@touch $@ $(VENV)/.installed-run $(VENV)/.installed-test

$(VENV)/.installed-mutants: pyproject.toml | $(BIN)/python
	@$(MAKE) --no-print-directory install PACKAGE='.[mutants]'
	@touch $@ $(VENV)/.installed-run $(VENV)/.installed-test

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	@$(MAKE) --no-print-directory install PACKAGE='.[dev]'
	@touch $@ $(VENV)/.installed-run $(VENV)/.installed-test

.PHONY: install
install:
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null || { \
		echo 'make: $(VENV) has no pip; on Debian and Ubuntu install python3-venv,' \
			'remove $(VENV), then try again.' >&2; exit 1; }
	@echo 'Installing $(PACKAGE) into $(VENV); the first time this takes some minutes.'
	@$(BIN)/python -m pip install --disable-pip-version-check --editable '$(PACKAGE)'

$(BIN)/python:
	@rm -f $(VENV)/.installed-*; \
	for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "Creating $(VENV) with $$($$python --version)."; \
			$$python -m venv $(VENV); \
			exit $$?; \
		fi; \
	done; \
	echo 'make: gpt2-playground needs Python 3.11 or newer, and none was found;' \
		'install one, or name it: make PYTHON=/path/to/python3' >&2; \
	exit 1
