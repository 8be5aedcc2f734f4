# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Everything made here lies in .venv, .collections, .cache and build. The lab keeps the programs it fetches or builds
# in ~/.cache/controlplane-etcd, for all clones.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv demo etcd binaries test test-all lint sanity unit browser integration molecule matrix bench build install-check changelog tool clean

PYTHON ?= python3
CACHE := $(CURDIR)/.cache
ALONE := $(shell unshare --mount --pid --fork --kill-child --mount-proc true 2>/dev/null && \
  echo unshare --mount --pid --fork --kill-child --mount-proc)
# What tests leave in the directory for temporary files goes with them; some become another user in there.
OWN_TMP = TMPDIR=$$(mktemp -d); export TMPDIR; trap 'rm -rf "$$TMPDIR"' EXIT INT TERM; chmod 755 "$$TMPDIR"
# Those tests, unless ARGS names paths of its own.
or_named = $(if $(filter tests/%,$(ARGS)),,$(1))
LINK := .collections/ansible_collections/controlplane/etcd
OTHERS := .collections/ansible_collections/community/docker/MANIFEST.json

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.collections
export ANSIBLE_HOME := $(CACHE)/ansible
export HYPOTHESIS_STORAGE_DIRECTORY := $(CACHE)/hypothesis
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_CACHE_DIR ?= $(CACHE)/pip

# Behind ## stand how long a target takes and what it does.
help: ## list the targets
	@awk -F ': .*## | [|] ' '/^[a-z-]+:.*## / { printf "  make %-14s %8s  %s\n", $$1, (NF > 2 ? $$2 : ""), $$NF }' Makefile
	@echo "Times are those of two idle cores, with the programs built: once, for all clones."

venv: .venv/ready | $(LINK) ## ~2 min | Ansible, the tests' libraries and the linters, in .venv

.venv/ready: $(wildcard tests/requirements/*.txt)
	@command -v $(PYTHON) >/dev/null || { \
	  echo "There is no $(PYTHON) here: install Python 3.11 or newer, or name one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$$($(PYTHON) --version) is too old: Python 3.11 or newer is needed; name one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments: install its venv module (Debian: apt install python3-venv)"; exit 1; }
	test -x .venv/bin/pip || $(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet $(addprefix --requirement ,$^)
	@touch $@

# With the time of now, because it has the one of its release.
$(OTHERS): tests/tools/collections.py | .venv/ready
	PYTHONPATH=tests python -m tools.collections .collections/ansible_collections
	@touch $@

# Ansible, mypy and pytest find a collection only by its full path.
$(LINK):
	@mkdir -p $(@D)
	@ln -sfn ../../.. $@

demo: venv ## ~90 s | fill a real etcd cluster on this machine until it refuses writes, and bring it back
	PYTHONPATH=tests:.collections python -m lab demo

etcd: venv ## ~1 min | fetch or build etcd's programs: make etcd VERSION=3.6.16
	@test -n "$(VERSION)" || { echo "Say which version: make etcd VERSION=3.6.16"; exit 1; }
	PYTHONPATH=tests:.collections python -m lab programs etcd $(VERSION)

binaries: venv ## ~30 min | fetch or build all programs that are tested with: etcd's and Kubernetes'
	PYTHONPATH=tests python -m lab programs etcd
	PYTHONPATH=tests python -m lab programs kubernetes

test: venv ## ~31 min | all checks and tests: lint, sanity, unit, browser, install-check, integration, molecule
	@MAKE='$(MAKE)' PYTHONPATH=tests python -m tools.parts lint,sanity,unit browser install-check binaries integration molecule

test-all: test ## - | and what takes long: hardening on real nodes, one and five of them, a true 2 GiB, the tests marked long, other ways to etcd
	@$(MAKE) integration ARGS="-m long"
	@for way in grpc etcdctl; do ETCD_TRANSPORT=$$way $(MAKE) integration ARGS="tests/integration/modules \
	  tests/integration/library/test_etcd.py" || exit 1; done
	PYTHONPATH=tests python -m tools.scenarios --long

# antsibull-docs writes a log into the home directory.
lint: venv ## ~1 min | form, types, documentation, changelog, what Galaxy asks for
	ruff check .
	ruff format --check .
	mypy -p ansible_collections.controlplane.etcd.plugins -p lab -p benchmarks -p tools -m unit.data.record
	PYTHONPATH=tests python -m tools.local_paths
	ansible-lint
	HOME='$(CACHE)' antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs=all --check-extra-docs-refs .
	antsibull-changelog lint
	PYTHONPATH=tests python -m tools.galaxy

sanity: venv ## ~90 s | ansible-test sanity, for every Python found: make sanity ARGS="--test validate-modules"
	PYTHONPATH=tests python -m tools.sanity $(ARGS)

unit: venv ## ~30 s | tests without a cluster: make unit ARGS="-k alarm"
	@$(OWN_TMP); python -m pytest $(call or_named,tests/unit) --numprocesses=auto --maxprocesses=8 $(ARGS)

# What axe-core and the driver of Chromium are, is in tests/browser; without npm the tests say what they skip.
.cache/browser/ready: tests/browser/package.json tests/browser/package-lock.json
	@mkdir -p $(@D) && cp $^ $(@D)
	@! command -v npm >/dev/null || (cd $(@D) && npm ci --no-audit --no-fund --silent && touch ready)

browser: venv .cache/browser/ready ## ~1 min | the HTML report in Chromium: console, overflow, accessibility
	python -m pytest $(call or_named,tests/browser) $(ARGS)

# Workers: one more than cores, since tests also wait; at most 8, since each has up to nine members of etcd.
WORKERS = $$(n=$$(nproc); echo $$((n < 7 ? n + 1 : 8)))
# In mount and process namespaces of its own where that is allowed, so that nothing is left however the run ends.
integration: binaries ## ~18 min | tests against real etcd clusters
	@$(OWN_TMP); $(ALONE) python -m pytest $(call or_named,tests/integration) -m "not long" \
		--numprocesses=$(WORKERS) --dist=worksteal $(ARGS)

molecule: venv $(OTHERS) ## ~7 min | recoveries on real control-plane nodes in Docker: make molecule ARGS="recover"
	@$(OWN_TMP); PYTHONPATH=tests python -m tools.scenarios $(ARGS)

matrix: binaries ## - | both roles with every ansible-core, for the README: make matrix ARGS="2.16 --only recover"
	@$(OWN_TMP); $(ALONE) env PYTHONPATH=tests:.collections python -m tools.matrix $(ARGS)

bench: venv ## - | our steps beside etcdctl's, as ratios: make bench ARGS="--quota 1024"
	PYTHONPATH=tests:.collections python -m benchmarks $(ARGS)

build: venv ## ~5 s | the tarball that Galaxy gets, in build
	@rm -f build/controlplane-etcd-*.tar.gz
	ansible-galaxy collection build --force --output-path build

# Without the link in .collections, so that only what the tarball holds is there.
install-check: export ANSIBLE_COLLECTIONS_PATH := $(CACHE)/installed
install-check: build ## ~5 s | install that tarball elsewhere, read its documentation, check its playbooks
	@rm -rf .cache/installed
	ansible-galaxy collection install --offline build/controlplane-etcd-*.tar.gz
	ansible-doc --type module --list controlplane.etcd
	@cd .cache/installed/ansible_collections/controlplane/etcd/playbooks && for playbook in [!_]*.yml; do \
	  ansible-playbook --syntax-check --inventory localhost, "controlplane.etcd.$${playbook%.yml}" || exit 1; \
	done

changelog: venv ## ~5 s | CHANGELOG.md, from changelogs/fragments
	antsibull-changelog release --update-existing --reload-plugins
	@rm -f changelogs/.plugin-cache.yaml

tool: venv ## ~1 s | the node tool as one file, for a release, in build
	PYTHONPATH=tests:.collections python -m tools.node_tool build/etcd-maintenance

clean: ## remove everything made here
	rm -rf .venv .collections .cache build
