# Two commands on a fresh machine: make demo, make test. Everything else is for developers.
PYTHON ?= python3
VENV ?= .venv
DEMO_VENV ?= .venv-demo
BIN := $(VENV)/bin
PIP_QUIET := --quiet --disable-pip-version-check
SHARED ?= ../shared

.PHONY: demo test install lint types unit model data-report card bench bench-large fuzz matrix audit clean lock

demo: $(DEMO_VENV)/.installed  ## install as a user would, check a message, scan a LINE export
	$(DEMO_VENV)/bin/kanyu check "すごい人に会わせたいんだよね。詳しくは会ってから話すね"
	$(DEMO_VENV)/bin/kanyu scan tests/samples/line/demo-pitch.txt --out demo-report.html
	@echo "report: $(CURDIR)/demo-report.html"

$(DEMO_VENV)/.installed: pyproject.toml models/kanyu-ja.safetensors $(shell find src -name '*.py' -o -name '*.tsv' -o -name '*.html' -o -name '*.css' -o -name '*.js')
	$(PYTHON) -m venv $(DEMO_VENV)
	$(DEMO_VENV)/bin/pip install $(PIP_QUIET) --force-reinstall --no-deps .
	$(DEMO_VENV)/bin/pip install $(PIP_QUIET) .
	@touch $@

install: $(VENV)/.installed  ## the development environment

$(VENV)/.installed: pyproject.toml requirements/dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install $(PIP_QUIET) --require-hashes -r requirements/dev.txt
	$(BIN)/pip install $(PIP_QUIET) --no-deps --no-build-isolation -e .
	@touch $@

test: install  ## lint, types, every test (with a real browser)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	KANYU_BROWSER="$$($(BIN)/python scripts/find_browser.py)" $(BIN)/python -m pytest

unit: install  ## tests without the browser
	$(BIN)/python -m pytest -m "not browser"

model: install  ## rebuild the shipped model from data/ and models/ordinary-chat.json
	$(BIN)/kanyu train data/messages --conversations data --record models/ordinary-chat.json \
	  --name kanyu-ja --model-version "$$($(BIN)/python -c 'import kanyu; print(kanyu.__version__)')" \
	  --cache .cache/tokens --out models/kanyu-ja.safetensors

data-report: install  ## counts, agreement, duplicates and split checks of data/; fails where one is missed
	$(BIN)/python -m kanyu.training.data_report data

ablation: install  ## what each kind of term brings; writes models/ablation.json
	$(BIN)/python -m kanyu.training.rivals data models/ablation.json

card: install  ## measure the shipped model; writes models/figures.json and models/README.md
	$(BIN)/python -m kanyu.training.card data $(SHARED) models

bench: install  ## speed and memory, as ratios of one run; fails where one is missed
	set -e; for file in benchmarks/*.py; do echo "$$file"; $(BIN)/python $$file; done

bench-large: install  ## memory and time of millions of messages; takes long
	$(BIN)/python benchmarks/large/flat.py

fuzz: install  ## what tries to break it, with more than 100,000 generated cases; writes docs/reliability.md
	rm -f benchmarks/reliability.json
	KANYU_FUZZ=100000 KANYU_LEDGER=benchmarks/reliability.json $(BIN)/python -m pytest tests/test_fuzz.py \
	  tests/test_model_damage.py tests/test_hostile.py tests/test_privacy.py tests/test_distributed.py \
	  tests/test_install.py tests/test_batch.py tests/cli/test_score.py tests/cli/test_scan.py
	$(BIN)/python scripts/reliability.py benchmarks/reliability.json docs/reliability.md

matrix:  ## the tests on every Python here, with the lowest and the newest versions allowed; needs uv
	$(PYTHON) scripts/matrix.py

audit: install  ## known weaknesses of the locked versions; needs the network
	$(BIN)/pip-audit --requirement requirements/dev.txt --require-hashes --disable-pip

clean:
	rm -rf $(VENV) $(DEMO_VENV) .cache dist build demo-report.html

lock:  ## pin the development environment, with hashes, for every platform
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --extra all --group dev pyproject.toml -o requirements/dev.txt
