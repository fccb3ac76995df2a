#!/usr/bin/env bash
# Prints the `node_modules` that the tests of the templates in TypeScript use, installed once from
# npm as the templates' own build does.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
dir=$root/target/tools/typescript
content=$root/templates/mcp-tool-ts/content

command -v npm >/dev/null || {
  echo "error: the templates in TypeScript need npm; install Node.js 20 or later" >&2
  exit 1
}
if ! cmp -s "$content/package-lock.json" "$dir/node_modules/.installed"; then
  echo "typescript: fetching the packages of the templates" >&2
  mkdir -p "$dir"
  cp "$content"/{package.json,package-lock.json,.npmrc} "$dir"
  npm ci --prefix "$dir" --no-audit --no-fund --loglevel=error >&2
  cp "$content/package-lock.json" "$dir/node_modules/.installed"
fi
echo "$dir/node_modules"
