#!/usr/bin/env bash
# Prints the folder of the MCP clients and the OAuth server that the tests use, fetched once from
# npm and PyPI in the versions that tests/clients and tests/authorization pin. The client in Rust
# is built by cargo.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
sources=$root/tests/clients
server=$root/tests/authorization/server
tools=$root/target/tools/clients

needs() {
  command -v "$1" >/dev/null || {
    echo "error: some of the clients come from $2, and \`$1\` is not here; install $3" >&2
    exit 1
  }
}

# Whether $2/installed says that $1 is what is there.
installed() { cmp --quiet "$1" "$2/installed"; }

for from in "$sources/typescript" "$sources/inspector" "$server"; do
  package=$(basename "$from")
  dir=$tools/$package
  lock=$from/package-lock.json
  if ! installed "$lock" "$dir"; then
    needs npm npm Node.js
    echo "clients: fetching $package" >&2
    mkdir -p "$dir"
    cp "$from/package.json" "$lock" "$dir"
    npm ci --prefix "$dir" --no-audit --no-fund --ignore-scripts --loglevel=error >&2
    cp "$lock" "$dir/installed"
  fi
done
# Node.js looks for packages beside the program.
cp "$sources"/typescript/*.mjs "$tools/typescript"
cp "$server"/*.mjs "$tools/server"

for major in 1 2; do
  dir=$tools/python-$major
  pins=$sources/python/requirements-$major.txt
  if ! installed "$pins" "$dir"; then
    needs python3 PyPI "Python 3.10 or later"
    echo "clients: fetching python-$major" >&2
    mkdir -p "$tools"
    python3 -m venv --clear "$dir" >&2 || {
      echo "error: cannot make a virtual environment; install \`venv\` for Python (\`apt-get install python3-venv\`)" >&2
      exit 1
    }
    "$dir/bin/python" -m pip --disable-pip-version-check --quiet install --requirement "$pins" >&2
    cp "$pins" "$dir/installed"
  fi
done
echo "$tools"
