# Each target does its own set-up: on a fresh machine, `make demo` or `make test` is all it takes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# What a new user does first, run under the newest and the lowest versions that pyproject.toml allows.
COMMANDS := arguments bad_files bound demo doctor doubts eval fetch generate solve
SMOKE := $(wildcard tests/test_front_door*.py) tests/test_tasks.py tests/test_highs.py tests/test_signatures.py tests/cli/test_cli.py \
	$(COMMANDS:%=tests/cli/test_cli_%.py)

.PHONY: demo test kernels test-newest test-lowest check-all lint format docs docs-version wheel release bill torture fuzz checkpoints clean

demo: $(READY)
	$(BIN)/lagrl demo --out demo

test: $(READY)
	$(MAKE) -j 2 lint kernels  # each keeps one core busy
	$(BIN)/pytest -n 2 -m "not slow and not hardware"

# Once, not in each test process.
kernels: $(READY)
	$(BIN)/python -c 'from lagrl.compilation import compile_kernels; compile_kernels()'

# Without constraints.txt, and without torch: its newest version pulls several GB of CUDA packages.
# The lowest numba has a cache of its own, so that it does not empty that of the others.
test-lowest: export NUMBA_CACHE_DIR = $(CURDIR)/$(VENV)-lowest/numba
test-newest test-lowest: test-%:
	$(PYTHON) -m venv --clear $(VENV)-$*
	grep -oE '"[A-Za-z_-]+>=[0-9.]+' pyproject.toml | sed 's/"//; s/>=/==/' >$(VENV)-$*/lowest.txt
	$(VENV)-$*/bin/python -m pip install --quiet $(if $(filter lowest,$*),-c $(VENV)-$*/lowest.txt) \
		-e '.[quantum,viz]' pytest pytest-xdist hypothesis
	$(VENV)-$*/bin/python -m pip list --format=freeze | grep -iE '^(highspy|numba|numpy|pyvrp|qiskit|tyro)'
	$(VENV)-$*/bin/python -c 'from lagrl.compilation import compile_kernels; compile_kernels()'
	$(VENV)-$*/bin/python -m pytest -q -n 2 -p no:cacheprovider $(SMOKE) -k 'not each_line and not doubts'

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

# Trains the shipped policies again and evaluates them, some CPU hours, in the folder shipped; a second call continues.
# DATA is the folder of the CVRPLIB instances; docs/results/training.md says what then replaces the repository's files.
checkpoints: $(READY)
	$(BIN)/python -m benchmarks.shipped_policies.run $(if $(DATA),--data $(DATA))

# Builds the site into the folder site; broken links are errors. `make test` builds it too.
docs: export NO_MKDOCS_2_WARNING=1
docs: $(READY)
	$(BIN)/mkdocs build

# Adds this version's pages to the local branch `gh-pages`, beside those of earlier versions, with a switch on every page.
docs-version: export NO_MKDOCS_2_WARNING=1
docs-version: export SITE_VERSIONS=mike
docs-version: export PATH := $(CURDIR)/$(BIN):$(PATH)  # mike calls mkdocs by its name
docs-version: $(READY)
	version=$$($(BIN)/python -c 'import lagrl; print(lagrl.__version__)') && \
		$(BIN)/mike deploy --update-aliases $$version latest
	$(BIN)/mike set-default latest

wheel: $(READY)
	$(BIN)/python -m build --wheel

# Builds wheel and sdist, and installs each into an empty environment of each Python: it must solve there.
PYTHONS ?= python3.11 python3.12 python3.13
release: $(READY)
	rm -rf dist
	$(BIN)/python -m build
	set -e; for python in $(PYTHONS); do for file in dist/*.whl dist/*.tar.gz; do \
		echo "$$python $$file"; \
		$$python -m venv --clear $(VENV)-release; \
		$(VENV)-release/bin/python -m pip install --quiet -c constraints.txt ./$$file; \
		$(VENV)-release/bin/lagrl solve G-n16-k3; \
	done; done

# What an installation with all extras consists of: a CycloneDX list of its packages, and their licences.
bill: $(READY)
	$(PYTHON) -m venv --clear $(VENV)-bill
	$(VENV)-bill/bin/python -m pip install --quiet -c constraints.txt '.[all]'
	$(PYTHON) -m venv --clear $(VENV)-tools
	$(VENV)-tools/bin/python -m pip install --quiet cyclonedx-bom pip-licenses
	mkdir -p dist
	$(VENV)-tools/bin/cyclonedx-py environment $(VENV)-bill/bin/python --pyproject pyproject.toml \
		--output-reproducible --output-file dist/lagrl.cdx.json
	$(VENV)-tools/bin/pip-licenses --python $(VENV)-bill/bin/python --format=markdown --ignore-packages lagrl pip \
		>dist/licences.md

clean:
	rm -rf $(VENV) $(VENV)-newest $(VENV)-lowest $(VENV)-release $(VENV)-bill $(VENV)-tools build dist demo site .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Installed once, and again whenever what is installed changes. Written last, so that an interrupted set-up starts over.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "lagrl needs Python 3.11 or newer; say which with make PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[rl,quantum,bench,viz,carbon,ray,docs,dev]'
	touch $(READY)
