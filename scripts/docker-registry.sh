#!/usr/bin/env bash
# Prints the path of an OCI registry's server, for tests/it/compose/registry.rs: `docker-registry` on PATH, else
# the one that Debian packages, unpacked below target/tools. Nothing of the system is changed.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
dir=$root/target/tools/docker-registry
program=$dir/usr/bin/docker-registry

if found=$(command -v docker-registry); then
  echo "$found"
  exit 0
fi
if [ -x "$program" ]; then
  echo "$program"
  exit 0
fi

give_up() {
  cat >&2 <<MSG
error: cannot provide docker-registry: $1
  Install it (\`apt-get install docker-registry\`), or put the \`registry\` program of
  github.com/distribution/distribution on PATH as \`docker-registry\`.
MSG
  exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$root/scripts/debian.sh"
debian_unpack "$work" docker-registry
[ -x "$work/unpacked/usr/bin/docker-registry" ] || give_up "the package does not hold it"
rm -rf "$dir"
mkdir -p "$(dirname "$dir")"
mv "$work/unpacked" "$dir"
echo "$program"
