#!/usr/bin/env bash
# Prints the path of cargo-cyclonedx, which writes the list of what the program is made of (SBOM), built once from
# crates.io.
set -euo pipefail

version=0.5.9

dir=$(cd "$(dirname "$0")/.." && pwd)/target/tools/cyclonedx-$version
binary=$dir/bin/cargo-cyclonedx

if [ ! -x "$binary" ]; then
  echo "cyclonedx: building $version" >&2
  env -u CARGO_TARGET_DIR cargo install --quiet --locked --debug --root "$dir" "cargo-cyclonedx@$version" >&2
fi
echo "$binary"
