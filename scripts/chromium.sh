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

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$root/scripts/debian.sh"
debian_unpack "$work" chromium-headless-shell fonts-dejavu-core
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
