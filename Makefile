# Each target does its own set-up: on a fresh machine, `make demo` or `make test` is all it takes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check-all lint format wheel torture fuzz clean

demo: $(READY)
	$(BIN)/lagrl demo --out demo

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 -m "not slow and not hardware"

check-all: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 -m "not hardware"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Kills commands at random moments and repeats them; KILLS=N kills over all kinds, see docs/reliability.md.
KILLS ?= 500
torture: $(READY)
	$(BIN)/python -m benchmarks.torture.run --kills $(KILLS) --out torture.jsonl
	$(BIN)/python -m benchmarks.torture.report --rows torture.jsonl

# With atheris (pip install atheris) coverage guides the mutations; see docs/reliability.md.
SECONDS ?= 60
fuzz: $(READY)
	$(BIN)/python -m benchmarks.fuzz.run --seconds $(SECONDS)

wheel: $(READY)
	$(BIN)/python -m build --wheel

clean:
	rm -rf $(VENV) build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Installed once, and again whenever what is installed changes. Written last, so that an interrupted set-up starts over.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "lagrl needs Python 3.11 or newer; say which with make PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[rl,quantum,bench,viz,dev]'
	touch $(READY)
