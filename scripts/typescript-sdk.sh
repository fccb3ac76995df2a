#!/usr/bin/env bash
# Prints a `node_modules` with the official SDK for servers, of both versions, and the packages of
# the templates in TypeScript, installed once from npm in the versions that tests/typescript/sdk pins.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
sources=$root/tests/typescript/sdk
dir=$root/target/tools/typescript-sdk

packages=$("$root/scripts/typescript.sh")
if ! cmp -s "$sources/package-lock.json" "$dir/installed"; then
  echo "typescript-sdk: fetching the official SDK" >&2
  mkdir -p "$dir"
  cp "$sources"/package{,-lock}.json "$dir"
  cd "$dir"
  npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >&2
  # The packages of the templates are those that a server is built with.
  rm -rf "$dir/node_modules/zod"
  for package in "$packages"/* "$packages"/@*/*; do
    name=${package#"$packages"/}
    [[ $name = @* && $name != */* ]] || [[ -e $dir/node_modules/$name ]] || {
      mkdir -p "$(dirname "$dir/node_modules/$name")"
      ln -sr "$package" "$dir/node_modules/$name"
    }
  done
  cp "$sources/package-lock.json" "$dir/installed"
fi
echo "$dir/node_modules"
