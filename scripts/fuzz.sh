#!/usr/bin/env bash
# Fuzzes what parses input of the network, and what reads components of strangers, one target after
# the other, guided by coverage:
#
#   scripts/fuzz.sh [SECONDS [TARGET]]
#
# SECONDS are for each target (60); TARGET is how a target's name begins: `fuzz::` and a name of
# framework/protocol/fuzz, such as `fuzz::server` or `fuzz::parsers::json`, or a name of
# crates/component/fuzz: `mutated`, `generated`, `modules` or `worlds`. Inputs that fail are kept in the folder
# `corpus` beside the targets.
set -euo pipefail
cd "$(dirname "$0")/.."

export FUZZ_SECONDS=${1:-60}
target=${2:-}
counters=(--cfg fuzz_coverage -Cdebug-assertions=on -Cpasses=sancov-module
  -Cllvm-args=-sanitizer-coverage-level=3 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters)

# Only this crate has counters, and is fast.
protocol() {
  cargo rustc --quiet --package spin-mcp-protocol --lib --profile test "$@" -- \
    -Copt-level=2 "${counters[@]}"
}
case $target in
"" | fuzz::*)
  protocol
  tests=$(protocol --message-format json | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
  "$tests" "${target:-fuzz::}" --test-threads 1 --nocapture
  ;;
esac
case $target in
fuzz::*) ;;
*)
  # The code that reads is in other crates: all that is not for the compiler has counters.
  host=$(rustc -vV | sed -n 's/^host: //p')
  RUSTFLAGS="${counters[*]}" cargo test --quiet --package spin-mcp-component-fuzz --target "$host" \
    --target-dir "${CARGO_TARGET_DIR:-target}/fuzz" -- "$target" --test-threads 1 --nocapture
  ;;
esac
