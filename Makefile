# The commands of the project. `make` alone lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

VENV := tests/interop/.venv
# Builds the node with the very features that `cargo test --workspace` builds it with, so that nothing is built twice.
BUILD_NODE := cargo build --quiet --workspace --bins --tests
# How long each fuzz target runs, in seconds.
FUZZ_SECONDS ?= 60
# What `make bench` hands to tillside-bench instead of running its quick set, such as 'limit --json F'.
BENCH ?=
# A folder of recorded pages; with it `make bench` also measures masking.
CORPUS ?=
# What the quick set asks of each command.
BENCH_FORWARD := --rounds 9 --idle 500 --joins 200
BENCH_INSTRUCTIONS := --instructions --subscribers 10
BENCH_RELAY := --only events --events 20000

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
e2e: sdk/dist/.stamp tests/e2e/node_modules/.stamp ## Calls and shared pages in real Chromium and Firefox; E2E=all: every pair of them
	$(BUILD_NODE)
	tests/e2e/run

.PHONY: interop
interop: sdk/dist/.stamp $(VENV)/.stamp ## aiortc publishes by WHIP and plays by WHEP
	$(BUILD_NODE)
	$(VENV)/bin/python -m unittest discover --verbose --start-directory tests/interop

.PHONY: fuzz
fuzz: ## Fuzzes every parser for FUZZ_SECONDS each (needs cargo-fuzz)
	for target in $$(cd fuzz && cargo fuzz list); do
		echo "== $$target"
		RUSTC_BOOTSTRAP=1 cargo fuzz run "$$target" -- -max_total_time=$(FUZZ_SECONDS)
	done

.PHONY: bench
bench: ## Runs the quick benches and compares them with the recorded run; BENCH='limit' runs another one
	tillside_bench() { cargo run --release --quiet -p tillside-bench -- "$$@"; }
	if [ -n "$(BENCH)" ]; then tillside_bench $(BENCH); exit; fi
	mkdir -p target/bench
	measure() { # command, name of its report, arguments
		tillside_bench "$$1" "$${@:3}" --json "target/bench/$$2.json"
		if [ -e "benches/results/$$2.json" ]; then
			tillside_bench diff "benches/results/$$2.json" "target/bench/$$2.json"
		fi
	}
	measure forward forward $(BENCH_FORWARD)
	if command -v valgrind >/dev/null; then measure forward instructions $(BENCH_INSTRUCTIONS); fi
	measure relay relay $(BENCH_RELAY)
	if [ -n "$(CORPUS)" ]; then measure mask mask --corpus "$(CORPUS)"; fi

.PHONY: record
record: ## Records the run that `make bench` compares with: on a quiet machine, in a clean tree
	mkdir -p benches/results
	cargo build --release --quiet -p tillside-bench
	target/release/tillside-bench forward $(BENCH_FORWARD) --json benches/results/forward.json
	target/release/tillside-bench forward $(BENCH_INSTRUCTIONS) --json benches/results/instructions.json
	target/release/tillside-bench relay $(BENCH_RELAY) --json benches/results/relay.json
	target/release/tillside-bench limit --json benches/results/limit.json

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
