#!/usr/bin/env bash
# Fuzzes what parses input of the network, one target after the other, guided by coverage:
#
#   scripts/fuzz.sh [SECONDS [TARGET]]
#
# SECONDS are for each target (60); TARGET is how a target's name begins after `fuzz::`, such
# as `server` or `parsers::json`. Inputs that fail are kept in framework/protocol/fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/.."

# Only this crate has counters, and is fast.
build() {
  cargo rustc --quiet --package spin-mcp-protocol --lib --profile test "$@" -- \
    --cfg fuzz_coverage -Copt-level=2 -Cdebug-assertions=on -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=3 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
}
build
tests=$(build --message-format json | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')

FUZZ_SECONDS=${1:-60} exec "$tests" "fuzz::${2:-}" --test-threads 1 --nocapture
