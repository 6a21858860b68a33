# The commands of the project. `make` alone lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

VENV := tests/interop/.venv
# How long each fuzz target runs, in seconds.
FUZZ_SECONDS ?= 60
# What `make bench` hands to tillside-bench.
BENCH ?= --help

.PHONY: help
help: ## Lists the commands
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

## Set-up. Each stamp is remade when what it depends on changes, so every command below can name it.

sdk/node_modules/.stamp: sdk/package-lock.json
	npm --prefix sdk ci --no-audit --no-fund
	touch $@

tests/e2e/node_modules/.stamp: tests/e2e/package-lock.json
	npm --prefix tests/e2e ci --no-audit --no-fund
	touch $@

$(VENV)/.stamp: tests/interop/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r tests/interop/requirements.txt
	touch $@

# The node serves what is built here: pages, client and widget.
sdk/dist/.stamp: sdk/node_modules/.stamp $(shell find sdk/src sdk/demo sdk/*.mjs -type f 2>/dev/null)
	npm --prefix sdk run build
	touch $@

.PHONY: system
system:
	@tests/install-system-packages

## Commands

.PHONY: run
run: sdk/dist/.stamp ## Starts a node in dev mode and prints its links
	cargo run --quiet -p tillside -- serve --dev

.PHONY: check
check: sdk/node_modules/.stamp ## Format, lints and types only: a minute
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	npm --prefix sdk run check

.PHONY: test
test: system check unit e2e interop ## Everything that must hold, from a clean clone

.PHONY: unit
unit: sdk/dist/.stamp ## Rust tests of all crates (with simulation and fuzz corpora) and SDK tests
	cargo test --workspace --quiet
	npm --prefix sdk test
	npm --prefix sdk run size

.PHONY: e2e
e2e: sdk/dist/.stamp tests/e2e/node_modules/.stamp ## Calls between real Chromium and Firefox
	cargo build --quiet -p tillside
	tests/e2e/run

.PHONY: interop
interop: sdk/dist/.stamp $(VENV)/.stamp ## aiortc publishes by WHIP and plays by WHEP
	cargo build --quiet -p tillside
	$(VENV)/bin/python -m unittest discover --verbose --start-directory tests/interop

.PHONY: fuzz
fuzz: ## Fuzzes every parser for FUZZ_SECONDS each (needs cargo-fuzz)
	for target in $$(cd fuzz && cargo fuzz list); do
		echo "== $$target"
		RUSTC_BOOTSTRAP=1 cargo fuzz run "$$target" -- -max_total_time=$(FUZZ_SECONDS)
	done

.PHONY: bench
bench: ## Runs tillside-bench; choose what with BENCH='mask --corpus DIR --json F'
	cargo run --release --quiet -p tillside-bench -- $(BENCH)

.PHONY: deny
deny: ## Checks licences, sources and bans of dependencies, and known advisories where a database is reachable
	command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny check bans licenses sources
	cargo deny check advisories || echo "advisories were not checked: no advisory database could be reached" >&2
	for package in sdk tests/e2e; do npm --prefix "$$package" audit; done

.PHONY: clean
clean: ## Removes everything that was built
	cargo clean
	rm -rf sdk/dist sdk/node_modules tests/e2e/node_modules $(VENV)
