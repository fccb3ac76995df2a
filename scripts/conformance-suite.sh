#!/usr/bin/env bash
# Prints the path of the official conformance suite's entry point, fetched once from npm.
set -euo pipefail

package=@modelcontextprotocol/conformance
version=0.2.0-alpha.12

dir=$(cd "$(dirname "$0")/.." && pwd)/target/tools/conformance-$version
entry=$dir/node_modules/$package/dist/index.js

if [ ! -e "$entry" ]; then
  command -v npm >/dev/null || {
    echo "error: the conformance suite comes from npm, which is not here; install Node.js" >&2
    exit 1
  }
  echo "conformance-suite: fetching $version" >&2
  mkdir -p "$dir"
  npm install --prefix "$dir" --no-audit --no-fund --ignore-scripts --loglevel=error "$package@$version" >&2
fi
echo "$entry"
