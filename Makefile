# Seven verbs; each sets up what it needs. `make setup PYTHON=python3.12` takes another Python.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check install -c constraints.txt

# Every process the tests start reads the bytecode that the first one kept, wherever keeping it is switched off too.
TRY := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/pytest -q

# Those that need no argument and a minute; others by name: make bench BENCH='train ngram'. Each says in its head what it does.
BENCH ?= startup agreement first_screen

.PHONY: setup demo test lint types bench docs

setup: $(VENV)/.with-dev

demo: $(VENV)/.installed
	$(BIN)/sayso demo || [ $$? -ge 3 ]  # refused (3) and unsure (4) are answers, not failures

test: lint types
	$(TRY) -n 2
	$(TRY) -n 2 -m slow

lint: $(VENV)/.with-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/python tools/size.py
	$(BIN)/python tools/messages.py --check
	$(BIN)/python tools/reference.py --check

types: $(VENV)/.with-dev
	$(BIN)/mypy

bench: $(VENV)/.with-dev
	@for name in $(BENCH); do echo "$$name"; $(BIN)/python "benchmarks/$$name.py" || exit 1; done

docs: $(VENV)/.with-dev
	$(BIN)/python tools/messages.py
	$(BIN)/python tools/performance.py
	$(BIN)/python tools/reference.py

# torch goes first and alone: its pin decides what everything after it is resolved against.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "sayso needs Python 3.11 or newer; try make PYTHON=python3.12")'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "setting up $(VENV) (once; a few minutes on a slow line)"
	@$(PIP) torch
	@$(PIP) -e '$(1)'
endef

$(VENV)/.with-dev: pyproject.toml constraints.txt tools/debian.sh
	@sh tools/debian.sh
	$(call install,.[dev])
	@touch $(VENV)/.installed $@

$(VENV)/.installed: pyproject.toml constraints.txt
	$(call install,.)
	@touch $@
