#!/usr/bin/env bash
# Prints a `node_modules` with the packages of the templates in TypeScript, of each engine,
# installed once from npm as the templates' own build does.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
dir=$root/target/tools/typescript

command -v npm >/dev/null || {
  echo "error: the templates in TypeScript need npm; install Node.js 20 or later" >&2
  exit 1
}
# Its packages are those of StarlingMonkey, too: jco brings them.
wanted=$(mktemp -d)
trap 'rm -r "$wanted"' EXIT
(cd "$root" && cargo run --quiet --package scaffold -- new mcp-tool-ts feature "$wanted" engine=quickjs)
if ! cmp -s "$wanted/package-lock.json" "$dir/node_modules/.installed"; then
  echo "typescript: fetching the packages of the templates" >&2
  mkdir -p "$dir"
  cp "$wanted"/{package.json,package-lock.json,.npmrc} "$dir"
  npm ci --prefix "$dir" --no-audit --no-fund --loglevel=error >&2
  cp "$wanted/package-lock.json" "$dir/node_modules/.installed"
fi
echo "$dir/node_modules"
