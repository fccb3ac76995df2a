# `make run` needs nothing but Rust, and `make check` also Python. `make help` lists the others.

TARGET := $(or $(CARGO_TARGET_DIR),target)
PORT ?= 3000

.DEFAULT_GOAL := help
.PHONY: help run check test test-compose test-hosts test-languages conformance clients authorization page bench dist

help: ## Print this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

run: ## Scaffold, build, compose and serve a server of one tool (PORT=3000), and call it
	@PORT=$(PORT) scripts/run.sh

check: ## Check formats and lints, and run the unit tests of protocol and middleware
	@scripts/suite.py lint unit

test: ## Run every test, the conformance suite and other people's clients included
	@scripts/suite.py test

test-compose: ## Run the tests of composing, reading and checking components
	@scripts/suite.py compose

test-hosts: ## Run the tests of composed servers on each host
	@scripts/suite.py hosts

test-languages: ## Run the tests of templates, documentation and examples
	@scripts/suite.py languages

conformance: ## Run the official conformance suite's requirement sets whole, and print what passed
	@scripts/suite.py conformance

clients: ## Have the official SDKs' clients use a server (CLIENTS_FLAGS="--only rmcp", see tests/clients)
	@CLIENTS_FLAGS='$(CLIENTS_FLAGS)' scripts/suite.py clients

authorization: ## Have OAuth clients of others log in at an OAuth server of others, and be refused (AUTHORIZATION_FLAGS="--only rmcp")
	@AUTHORIZATION_FLAGS='$(AUTHORIZATION_FLAGS)' scripts/suite.py authorization

page: ## Use the page of `mcp serve` in Chromium (PAGE_FLAGS="--only form --shots FOLDER")
	@PAGE_FLAGS='$(PAGE_FLAGS)' scripts/suite.py page

bench: ## Measure composed servers against bare handlers (BENCH_FLAGS="--json FILE", see bench/bench.py)
	@scripts/wasm-target.sh
	cargo build --quiet --release
	@bench/bench.py --mcp $(TARGET)/release/mcp \
		--wasmtime "$$(scripts/wasmtime-cli.sh)" \
		--wrk "$$(scripts/load-generator.sh)" \
		--scratch $(TARGET)/bench $(BENCH_FLAGS)

dist: ## Make what a release consists of, in target/dist (see scripts/dist.py)
	@scripts/wasm-target.sh
	@scripts/dist.py
