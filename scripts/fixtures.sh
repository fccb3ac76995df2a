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
# As the templates link: Spin writes all of a component's memory for each request.
small_stack='target.wasm32-wasip2.rustflags = ["-Clink-arg=-zstack-size=65536"]'
# Variables that cargo and clippy set for another build must not leak into this one.
env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS -u RUSTC_WRAPPER -u RUSTC_WORKSPACE_WRAPPER \
  cargo build --config "$small_stack" --profile component --target wasm32-wasip2 --target-dir "$target" "${packages[@]}" >&2 || {
  echo "error: cannot build the fixtures; if the target is missing, run scripts/wasm-target.sh" >&2
  exit 1
}
cd "$target/wasm32-wasip2/component"
pwd -P
