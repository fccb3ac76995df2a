#!/usr/bin/env bash
# Prints the path of `wrk`, installed with apt where it is missing and that is possible.
set -euo pipefail

if ! command -v wrk >/dev/null; then
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "load-generator: installing wrk" >&2
    { apt-get -qq install -y wrk || { apt-get -qq update && apt-get -qq install -y wrk; }; } >&2
  else
    echo "error: \`wrk\` is not installed; install it (Debian: \`apt-get install wrk\`) and run this again" >&2
    exit 1
  fi
fi
command -v wrk
