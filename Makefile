# The commands of this project; `make` alone prints them. Each sets up what it needs, and does nothing twice.

SHELL := /bin/sh
VENV_PYTHON := .venv/bin/python
# A sparse environment may have no PATH at all.
export PATH := $(or $(PATH),/usr/local/bin:/usr/bin:/bin)

.DEFAULT_GOAL := help
.PHONY: help setup programs test-programs control-plane chart-tools monitoring demo test test-fast prove check fresh format lock clean

help: ## print this list
	@echo 'Stagekeeper: make TARGET'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'

setup: ## the Python environment in .venv, from hashed locks
	@scripts/setup

programs: setup ## what the demo starts, Prometheus and Alertmanager: found, or fetched from Debian's packages
	@$(VENV_PYTHON) -m scripts.programs demo

test-programs: setup ## what the tests start: the same and promtool, etcd, Chromium ...
	@$(VENV_PYTHON) -m scripts.programs tests

control-plane: setup ## a real kube-apiserver for the tests: found, or built (about 8 minutes once)
	@$(VENV_PYTHON) -m scripts.go_tools control-plane

chart-tools: setup ## helm and kubeconform: found, or built (about 2 minutes once)
	@$(VENV_PYTHON) -m scripts.go_tools helm kubeconform

monitoring: setup ## today's Prometheus and Alertmanager for make test-node: found, or built (about 10 minutes once)
	@$(VENV_PYTHON) -m scripts.go_tools prometheus alertmanager

demo: setup programs ## watch a stager die and be restarted; FAULT=certificate for another fault, KEEP=1 to keep it up
	@PATH="$$PATH:$$($(VENV_PYTHON) -m scripts.programs --folder)" \
		$(VENV_PYTHON) -m simulator.demo $(if $(FAULT),--fault '$(FAULT)') $(if $(KEEP),--keep)

test: check test-programs control-plane chart-tools ## everything: check, then all tests (about 10 minutes on two cores once set up)
	@scripts/test

test-fast: setup ## only the tests that need nothing but Python
	@scripts/test fast

prove: setup ## the exhaustive searches that take too long for every run (minutes; CI runs them)
	@scripts/test prove

check: setup ## lint, format, types, import rules; prints how large everything is
	@echo '==> Lint (ruff)'
	@.venv/bin/ruff check
	@echo '==> Format (ruff)'
	@.venv/bin/ruff format --check
	@echo '==> Types (mypy)'
	@.venv/bin/mypy
	@echo '==> Imports (import-linter)'
	@.venv/bin/lint-imports
	@echo '==> Size'
	@$(VENV_PYTHON) -m scripts.size

fresh: ## DO='make demo' on a machine that has never seen the project; SUITE=trixie, AS=root (needs root, debootstrap)
	@scripts/fresh $(if $(SUITE),--suite '$(SUITE)') $(if $(filter root,$(AS)),--root) -- $(or $(DO),make demo)

format: setup ## let ruff format and sort what it can
	@.venv/bin/ruff check --fix-only
	@.venv/bin/ruff format

lock: setup ## make requirements/*.lock anew from pyproject.toml
	@scripts/lock

clean: ## remove .venv and what tools left here (the cache of built programs stays)
	rm -rf .venv .demo build dist .coverage* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: screenshots
screenshots: setup test-programs ## photograph both programs' pages in a live outage, into docs/images (a minute)
	@PATH="$$PATH:$$($(VENV_PYTHON) -m scripts.programs --folder)" $(VENV_PYTHON) -m tests.testbed.screenshots

.PHONY: node-programs test-node
node-programs: setup test-programs control-plane chart-tools monitoring ## kubelet, containerd, buildah ...: found, or fetched and built (half an hour once, on two cores)
	@$(VENV_PYTHON) -m scripts.programs node
	@$(VENV_PYTHON) -m scripts.go_tools kubelet coredns network-policies oldest

test-node: node-programs ## the product in its own image, by its own chart, on a real node of Kubernetes (needs root and cgroups)
	@scripts/test node

.PHONY: release
release: chart-tools ## all files of a release, the same bytes each time, into dist/release (docs/releasing.md)
	@$(VENV_PYTHON) -m scripts.release $(PYTHON_IMAGE)

.PHONY: bench soak fuzz
bench: setup control-plane ## measure beside what a user would pick instead; one table and bench/last.json (10 minutes)
	@$(VENV_PYTHON) -m bench $(if $(QUICK),--quick)

soak: setup ## 100,000 scrapes and 10,000 webhooks while everything outside breaks (20 minutes)
	@$(VENV_PYTHON) -m tests.soak

fuzz: setup ## every parser under a coverage-guided fuzzer; FUZZ_SECONDS=60 for each, KEEP=1 adds to the corpus
	@$(VENV_PYTHON) -m tests.fuzz --seconds $(or $(FUZZ_SECONDS),60) $(if $(KEEP),--keep)
