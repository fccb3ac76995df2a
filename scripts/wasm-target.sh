#!/usr/bin/env bash
# Makes sure that `cargo build --target wasm32-wasip2` works with the active toolchain.
#
# In this order: the target as installed; `rustup target add`; std built from Debian's
# `rust-src` of exactly this rustc's version and Debian's `wasi-libc`. Nothing of the
# system's own package configuration is changed.
set -euo pipefail

target=wasm32-wasip2
sysroot=$(rustc --print sysroot)
lib=$sysroot/lib/rustlib/$target
version=$(rustc --version | cut -d' ' -f2)

installed() { compgen -G "$lib/lib/libstd-*.rlib" >/dev/null; }

give_up() {
  cat >&2 <<MSG
error: cannot provide the Rust target $target: $1
  Either run \`rustup target add $target\` where its server can be reached,
  or use a rustc whose exact version ($version) Debian packages as \`rust-src\`
  (see \`apt-cache madison rust-src\` in trixie-backports or sid).
MSG
  exit 1
}

installed && exit 0

echo "wasm-target: $target is not installed; trying rustup" >&2
if command -v rustup >/dev/null && timeout 60 rustup target add $target >/dev/null 2>&1 && installed; then
  exit 0
fi

command -v apt-get >/dev/null || give_up "rustup could not fetch it, and apt is not here"
echo "wasm-target: building std $version for $target from Debian's rust-src" >&2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$(dirname "$0")/debian.sh"
debian_lists "$work" trixie-backports sid
pick() { # the version of a package that starts with $2
  apt-cache "${apt[@]}" madison "$1" | tr -d ' ' | cut -d'|' -f2 | grep -F -m1 "$2" || true
}
rust_src=$(pick rust-src "$version+")
wasi_libc=$(pick wasi-libc "")
[ -n "$rust_src" ] || give_up "Debian has no rust-src $version"
[ -n "$wasi_libc" ] || give_up "Debian has no wasi-libc"
cd "$work"
apt-get "${apt[@]}" download "rust-src=$rust_src" "wasi-libc=$wasi_libc" || give_up "apt could not download rust-src or wasi-libc"
for package in ./*.deb; do dpkg -x "$package" root; done

# Where -Zbuild-std looks for the library's sources.
src=$sysroot/lib/rustlib/src/rust
if [ ! -e "$src/library/std/Cargo.toml" ]; then
  found=$(find root/usr/src -maxdepth 2 -type d -name library | head -n 1)
  [ -n "$found" ] || give_up "rust-src $rust_src has no library folder"
  mkdir -p "$src"
  cp -a "$(dirname "$found")/." "$src/"
fi

cargo new -q --lib --vcs none std-build
cd std-build
# Embedded bitcode lets a later build use LTO across std.
RUSTFLAGS=-Cembed-bitcode=yes RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$work/target" cargo build -q --release \
  -Zbuild-std=std,panic_abort,proc_macro --target $target || give_up "std did not build"

staged=$lib.partial.$$
mkdir -p "$staged/lib/self-contained"
find "$work/target/$target/release/deps" -name '*.rlib' ! -name 'libstd_build-*' -exec cp {} "$staged/lib/" \;
libc=$(find "$work/root" -type d -path "*lib/$target" | head -n 1)
[ -n "$libc" ] || give_up "wasi-libc $wasi_libc has no lib/$target"
find "$libc" -maxdepth 1 \( -name '*.a' -o -name '*.o' \) -exec cp {} "$staged/lib/self-contained/" \;
rm -rf "$lib"
mv "$staged" "$lib"
installed || give_up "std was built, but rustc does not see it"
echo "wasm-target: $target is ready" >&2
