#!/usr/bin/env bash
# Prints the virtual environment with componentize-py, mypy and pytest that the tests of
# templates/mcp-tool-python use, installed once from PyPI as the template's own build does.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
dir=$root/target/tools/componentize-py

mkdir -p "$dir"
cp "$root"/templates/mcp-tool-python/content/requirements.txt "$dir"
cd "$dir"
python3 -B -c 'import sys; sys.path[0] = sys.argv[1]; import build; build.install()' "$root/sdk/python/src" >&2 || {
  cat >&2 <<MSG
error: cannot install componentize-py
  Install Python 3.10 or later with pip and venv (\`apt-get install python3-venv\`), and run this again.
MSG
  exit 1
}
echo "$dir/.venv"
