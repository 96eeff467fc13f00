# Everything that people and CI type. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON := .venv/bin/python
PALIER := .venv/bin/palier
# Each worker has servers and a world of its own; the tests of one file share them. Two are what two cores bear.
WORKERS ?= 2
CODE := pipeline smoke_tests tests

.PHONY: help setup demo demo-down test unit integration test-real smoke lint types format check bench docs release lock clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what is missing: system packages, virtual environment, WordPress, a browser
	@.ci/setup

demo: setup ## Show the whole job on a shop on this machine [JSON=FILE] [ORDERS=N]
	@$(PALIER) demo $(if $(JSON),--json "$(JSON)") $(if $(ORDERS),--orders "$(ORDERS)")

demo-down: ## Take the demo away: no process and no file of it is left
	@if [ -x $(PALIER) ]; then $(PALIER) demo --down; else echo "There is no demo: nothing was set up."; fi

test: setup ## Run all tests
	@mkdir -p build
	@$(PYTHON) -m pytest tests/unit tests/integration -n $(WORKERS) --dist loadfile --junit-xml build/tests.xml $(ARGS)

unit: setup ## Run the unit tests, which need no server
	@mkdir -p build
	@$(PYTHON) -m pytest tests/unit -n $(WORKERS) --junit-xml build/unit.xml $(ARGS)

integration: setup ## Run the tests on real servers of this machine
	@mkdir -p build
	@$(PYTHON) -m pytest tests/integration -n $(WORKERS) --dist loadfile --junit-xml build/integration.xml $(ARGS)

test-real: ## Run the whole job on shops of your releases: PRESTASHOP= PRESTASHOP_NEW= WOOCOMMERCE= WOOCOMMERCE_NEW=
	@test -n "$(PRESTASHOP)$(WOOCOMMERCE)" || { echo "usage: make test-real PRESTASHOP=<release tree> [PRESTASHOP_NEW=<newer>] [PRESTASHOP_PHP=7.4] WOOCOMMERCE=<tree> WOOCOMMERCE_NEW=<newer>" >&2; exit 2; }
	@.ci/setup real
	@mkdir -p build
	@PRESTASHOP="$(PRESTASHOP)" PRESTASHOP_NEW="$(PRESTASHOP_NEW)" PRESTASHOP_PHP="$(PRESTASHOP_PHP)" WOOCOMMERCE="$(WOOCOMMERCE)" WOOCOMMERCE_NEW="$(WOOCOMMERCE_NEW)" \
	    $(PYTHON) -m pytest tests/real --timeout 7200 --junit-xml build/real.xml $(ARGS)

smoke: setup ## Run the smoke suites against any shop: URL=https://... [SUITE=checkout]
	@test -n "$(URL)" || { echo "usage: make smoke URL=https://shop.example [SUITE=home|category|search|product|checkout|contact|login]" >&2; exit 2; }
	@mkdir -p build
	@$(PYTHON) -m pytest smoke_tests$(if $(SUITE),/test_$(SUITE).py) --base-url "$(URL)" --junit-xml build/smoke.xml $(ARGS)

lint: setup ## Check style and the rules of imports between layers
	@.venv/bin/ruff check $(CODE)
	@.venv/bin/ruff format --check $(CODE)
	@.venv/bin/lint-imports

types: setup ## Check types
	@.venv/bin/mypy

format: setup ## Rewrite the code in the house's format
	@.venv/bin/ruff check --fix --quiet $(CODE) || true
	@.venv/bin/ruff format $(CODE)

check: lint types ## Everything that is checked without running the code, and that the reference is up to date
	@$(PYTHON) -m pipeline.config.reference --check

bench: setup ## Measure the figures of the docs on this machine
	@$(PYTHON) -m tests.bench $(ARGS)

docs: setup ## Write the reference of inventory and playbook from the models
	@$(PYTHON) -m pipeline.config.reference

release: setup ## Build the packages into dist/, once version, changelog and tree agree
	@.ci/release

lock: ## Write .ci/requirements.lock anew (needs uv)
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra dev --no-annotate \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	    $(if $(UPGRADE),--upgrade) --output-file .ci/requirements.lock pyproject.toml

clean: ## Remove what was built; the virtual environment and WordPress stay
	@rm -rf build dist test-results *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
