#!/usr/bin/env bash
# Compares what checks access tokens with `jsonwebtoken`: no token and no key may be accepted that the
# other one refuses.
#
#   scripts/fuzz-auth.sh [RUNS [TEST]]
#
# RUNS are for each test (10 million); TEST is how the name of a test begins in
# framework/auth/src/tests/oracle.rs.
set -euo pipefail
cd "$(dirname "$0")/.."

build() {
  cargo rustc --quiet --package spin-mcp-auth --lib --profile test "$@" -- -Copt-level=2
}
build
tests=$(build --message-format json | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
FUZZ_RUNS=${1:-10000000} "$tests" "oracle::${2:-}"
