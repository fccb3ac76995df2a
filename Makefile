# Two commands need nothing but Rust: `make run` and `make test`. `make help` lists the others.

TARGET := $(or $(CARGO_TARGET_DIR),target)
PORT ?= 3000

.DEFAULT_GOAL := help
.PHONY: help run test conformance clients bench setup

help: ## Print this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

run: ## Scaffold, build, compose and serve a server of one tool (PORT=3000), and call it
	@PORT=$(PORT) scripts/run.sh

test: setup ## Run every test, the conformance suite and other people's clients included
	@status=0; \
	cargo test --no-fail-fast || status=1; \
	$(MAKE) --no-print-directory conformance || status=1; \
	$(MAKE) --no-print-directory clients || status=1; \
	exit $$status

conformance: setup ## Run the official conformance suite's requirement sets whole, and print what passed
	@cargo build --quiet
	@cargo build --quiet --profile component --target wasm32-wasip2 --target-dir $(TARGET)/fixtures -p conformance -p changes
	@tests/conformance/run.py --mcp $(TARGET)/debug/mcp \
		--wasmtime "$$(scripts/wasmtime-cli.sh)" \
		--node "$$(scripts/node22.sh)" \
		--suite "$$(scripts/conformance-suite.sh)" \
		--fixture $(TARGET)/fixtures/wasm32-wasip2/component/conformance.wasm \
		--changes $(TARGET)/fixtures/wasm32-wasip2/component/changes.wasm

clients: setup ## Have the official SDKs' clients use a server (CLIENTS_FLAGS="--only rmcp", see tests/clients)
	@cargo build --quiet
	@cargo build --quiet --profile component --target wasm32-wasip2 --target-dir $(TARGET)/fixtures -p conformance
	@cargo build --quiet --locked --manifest-path tests/clients/rust/Cargo.toml --target-dir $(TARGET)/clients
	@tests/clients/run.py --mcp $(TARGET)/debug/mcp \
		--node "$$(scripts/node22.sh)" \
		--tools "$$(scripts/clients.sh)" \
		--rmcp $(TARGET)/clients/debug/rmcp-client \
		--fixture $(TARGET)/fixtures/wasm32-wasip2/component/conformance.wasm $(CLIENTS_FLAGS)

bench: ## Measure composed servers against bare handlers (BENCH_FLAGS="--json FILE", see bench/bench.py)
	@scripts/wasm-target.sh
	cargo build --quiet --release
	@bench/bench.py --mcp $(TARGET)/release/mcp \
		--wasmtime "$$(scripts/wasmtime-cli.sh)" \
		--wrk "$$(scripts/load-generator.sh)" \
		--scratch $(TARGET)/bench $(BENCH_FLAGS)

setup: ## Fetch what the tests need: the wasm target, the Wasmtime CLI, Node.js 22, the suite, the clients, componentize-py, the packages of TypeScript, a registry
	@scripts/wasm-target.sh
	@scripts/wasmtime-cli.sh >/dev/null
	@scripts/node22.sh >/dev/null
	@scripts/conformance-suite.sh >/dev/null
	@scripts/clients.sh >/dev/null
	@scripts/componentize-py.sh >/dev/null
	@scripts/typescript.sh >/dev/null
	@scripts/docker-registry.sh >/dev/null
