#!/usr/bin/env bash
# Prints the path of a Chromium, for tests/page: the one on PATH, else the headless one that Debian packages, unpacked
# with the libraries that it lacks below target/tools. Nothing of the system is changed.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
dir=$root/target/tools/chromium
program=$dir/chromium

for name in chromium chromium-browser google-chrome; do
  if found=$(command -v "$name"); then
    echo "$found"
    exit 0
  fi
done
if [ -x "$program" ]; then
  echo "$program"
  exit 0
fi

give_up() {
  cat >&2 <<MSG
error: cannot provide Chromium: $1
  Install it (\`apt-get install chromium\`), or put it on PATH as \`chromium\`.
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
mkdir -p "$work"/{lists/partial,cache/archives/partial,unpacked}
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$work/sources.list"
apt=(-qq -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
  -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root -o Debug::NoLocking=1)
apt-get "${apt[@]}" update >&2 || give_up "apt could not read its lists"
# What the system has already is not downloaded.
apt-get "${apt[@]}" install --yes --download-only --no-install-recommends chromium-headless-shell fonts-dejavu-core >&2 ||
  give_up "apt could not download it"
for package in "$work"/cache/archives/*.deb; do
  dpkg -x "$package" "$work/unpacked"
done
binary=$(find "$work/unpacked/usr/lib" -name 'chromium-headless-shell' -o -name 'headless_shell' | head -n 1)
[ -n "$binary" ] || give_up "the package does not hold it"
rm -rf "$dir"
mkdir -p "$(dirname "$dir")"
mv "$work/unpacked" "$dir"
binary=$dir${binary#"$work/unpacked"}
cat >"$dir/fonts.conf" <<XML
<?xml version="1.0"?>
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir>$dir/usr/share/fonts</dir>
  <cachedir>$dir/fontcache</cachedir>
</fontconfig>
XML
libraries=$(find "$dir" -name '*.so*' -printf '%h\n' | sort -u | paste -sd :)
cat >"$program" <<SH
#!/bin/sh
export LD_LIBRARY_PATH='$libraries' FONTCONFIG_FILE='$dir/fonts.conf'
exec '$binary' "\$@"
SH
chmod +x "$program"
"$program" --version >&2 || give_up "it does not start"
echo "$program"
