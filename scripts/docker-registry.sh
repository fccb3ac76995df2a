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

command -v apt-get >/dev/null && command -v dpkg >/dev/null || give_up "apt is not here"
mirror=$(cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list /etc/apt/sources.list 2>/dev/null |
  sed 's/#.*//' | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' ' || true)
[ -n "$mirror" ] || give_up "no Debian mirror in this machine's apt sources"
suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists/partial,cache/archives/partial}
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$work/sources.list"
apt=(-qq -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
  -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
apt-get "${apt[@]}" update >&2 || give_up "apt could not read its lists"
cd "$work"
apt-get "${apt[@]}" download docker-registry >&2 || give_up "apt could not download it"
dpkg -x ./docker-registry_*.deb unpacked
[ -x unpacked/usr/bin/docker-registry ] || give_up "the package does not hold it"
rm -rf "$dir"
mkdir -p "$(dirname "$dir")"
mv unpacked "$dir"
echo "$program"
