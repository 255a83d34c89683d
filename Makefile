# Everything that a developer or a pipeline runs. `make help` lists it.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
PY := .venv/bin/python
SOURCES := operator hack tests bench
OUT ?= build/bench

# Runs one step, and says how long it took.
define timed
@started=$$SECONDS; $(2); echo "== $(1): $$((SECONDS - started)) s"
endef

.PHONY: help setup packages lock generate verify lint types imports format test test-unit test-rules test-api test-e2e test-attacks \
	bench train-guard eval-guard eval-public conformance-netpol demo up down images clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.ready ## Make the virtual environment from the hash-pinned lock

.venv/.ready: requirements/dev.txt pyproject.toml hack/setup.sh
	@hack/setup.sh $(PYTHON)
	@touch $@

packages: setup ## Install the Debian packages that tests and the enclave need (root)
	@$(PY) -m enclave.debian

lock: setup ## Resolve the locks anew: versions at least a week old, with hashes, no addresses
	@hack/lock.sh

generate: setup ## Write CRDs, reference docs, rules and dashboard from the types
	@$(PY) -m generate

verify: setup ## Fail if anything generated differs from what is committed
	@$(PY) -m generate --check
	@PYTHONPATH=hack OPENBLAS_NUM_THREADS=1 $(PY) -m guardtrain verify

format: setup ## Format the code
	@.venv/bin/ruff format $(SOURCES)

lint: setup ## Check style
	@.venv/bin/ruff check $(SOURCES)
	@.venv/bin/ruff format --check $(SOURCES)

types: setup ## Check types
	@.venv/bin/mypy $(SOURCES)

imports: setup ## Check the import rules
	@.venv/bin/lint-imports

test: packages test-unit test-rules test-api test-e2e ## Run all tests (root; brings up its own enclave)

test-unit: setup ## Pure tests, in seconds
	$(call timed,test-unit,.venv/bin/pytest tests/unit --numprocesses auto --dist worksteal)

test-rules: packages ## Alerts and dashboard, by the real promtool
	$(call timed,test-rules,.venv/bin/pytest tests/rules)

test-api: setup ## Tests on a real etcd and kube-apiserver
	$(call timed,test-api,.venv/bin/pytest tests/api)

test-e2e: packages ## Tests on a real node (root)
	$(call timed,test-e2e,.venv/bin/pytest tests/e2e)

test-attacks: packages ## The attack suite alone: every way round that docs/security.md lists (root)
	$(call timed,test-attacks,CASEMATE_STARTS=200 .venv/bin/pytest tests/e2e/attacks tests/e2e/model/test_starts.py)

bench: packages ## Measure operator, gateway, audit log and guard beside their references; one JSON object per figure
	@mkdir -p $(OUT)
	@$(PY) -m enclave.debian nginx-light
	$(call timed,bench operator,$(PY) bench/operator_bench.py --out $(OUT))
	$(call timed,bench gateway,$(PY) bench/gateway.py --out $(OUT))
	$(call timed,bench audit,$(PY) bench/audit_append.py --out $(OUT))
	$(call timed,bench guard,$(PY) bench/guard_views.py --out $(OUT) --cases 2000)
	$(call timed,bench inspection,$(PY) bench/audit_verify.py --out $(OUT))
	@echo "figures: $(OUT)"

train-guard: setup ## Train the guard's bundle from guard/data (twenty minutes); to the bit
	@PYTHONPATH=hack OPENBLAS_NUM_THREADS=1 $(PY) -m guardtrain train

eval-guard: setup ## Measure the guard on the frozen holdout, and write docs/model-card.md
	@PYTHONPATH=hack OPENBLAS_NUM_THREADS=1 $(PY) -m guardtrain eval

eval-public: setup ## Measure the guard on public sets, and write docs/public-sets.md
	@PYTHONPATH=hack OPENBLAS_NUM_THREADS=1 $(PY) -m guardtrain.public

conformance-netpol: setup ## Run upstream's NetworkPolicy specs on an enclave of their own (root)
	@$(PY) -m conformance netpol

images: packages ## Build all images into the cache
	@$(PY) -m images build

demo: setup ## Bring up the enclave, deploy a model, ask it, show what is blocked (root)
	@$(PY) -m demo

up: setup ## Bring up the enclave alone (root)
	@$(PY) -m enclave up

down: setup ## Take the enclave down and leave nothing behind (root)
	@$(PY) -m enclave down

clean: ## Remove build results and the virtual environment (the cache stays)
	@rm -rf .venv build dist
