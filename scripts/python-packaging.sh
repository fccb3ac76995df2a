#!/usr/bin/env bash
# Prints the virtual environment that builds and checks the package for PyPI, installed once from PyPI.
set -euo pipefail

pins="build==1.6.1 hatchling==1.33.0 twine==7.0.0"
dir=$(cd "$(dirname "$0")/.." && pwd)/target/tools/python-packaging

if [ "$(cat "$dir/installed" 2>/dev/null)" != "$pins" ]; then
  echo "python-packaging: fetching $pins" >&2
  python3 -m venv --clear "$dir" >&2
  # shellcheck disable=SC2086
  "$dir/bin/python" -m pip --disable-pip-version-check --quiet install $pins >&2
  echo "$pins" >"$dir/installed"
fi
echo "$dir"
