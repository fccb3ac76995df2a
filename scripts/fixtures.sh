#!/usr/bin/env bash
# Builds the components under tests/fixtures, and those of the examples, and prints their folder.
# All are built together, however many are wanted: fewer would share fewer features, and build
# what they share again.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}/fixtures
packages=()
for manifest in tests/fixtures/*/Cargo.toml examples/*/Cargo.toml; do
  packages+=(--package "$(basename "$(dirname "$manifest")")")
done
# Variables that cargo and clippy set for another build must not leak into this one.
env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS -u RUSTC_WRAPPER -u RUSTC_WORKSPACE_WRAPPER \
  cargo build --profile component --target wasm32-wasip2 --target-dir "$target" "${packages[@]}" >&2 || {
  echo "error: cannot build the fixtures; if the target is missing, run scripts/wasm-target.sh" >&2
  exit 1
}
cd "$target/wasm32-wasip2/component"
pwd -P
