#!/usr/bin/env bash
# Prints the path of a Node.js of version 22 or later: the system's, or one fetched once from npm.
set -euo pipefail

version=22.23.3

major() { "$1" --version 2>/dev/null | sed 's/^v//; s/\..*//'; }

if system=$(command -v node) && [ "$(major "$system")" -ge 22 ]; then
  echo "$system"
  exit 0
fi
command -v npm >/dev/null || {
  echo "error: the conformance suite needs Node.js 22 or later, or npm to fetch it; install Node.js" >&2
  exit 1
}

tools=$(cd "$(dirname "$0")/.." && pwd)/target/tools
# What npm's package `node` would pick in an install script, which npm may refuse to run.
package=node-$(node -p 'process.platform + "-" + process.arch')
dir=$tools/node-$version
binary=$dir/node_modules/$package/bin/node

if [ ! -x "$binary" ]; then
  echo "node22: fetching $version" >&2
  mkdir -p "$dir"
  npm install --prefix "$dir" --no-audit --no-fund --ignore-scripts --loglevel=error "$package@$version" >&2
fi
echo "$binary"
