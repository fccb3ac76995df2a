# To be sourced: apt with a folder of its own, so that nothing of the system changes. The script that
# sources this defines `give_up MESSAGE`.

# Reads the lists of packages of Debian's suites, and sets the array `apt` to the options that use them.
debian_lists() { # FOLDER SUITE...
  local work=$1 suite mirror
  shift
  command -v apt-get >/dev/null && command -v dpkg >/dev/null || give_up "apt is not here"
  mirror=$(cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list /etc/apt/sources.list 2>/dev/null |
    sed 's/#.*//' | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' ' || true)
  [ -n "$mirror" ] || give_up "no Debian mirror in this machine's apt sources"
  mkdir -p "$work"/{lists/partial,cache/archives/partial}
  for suite in "$@"; do
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
  done >"$work/sources.list"
  apt=(-qq -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root -o Debug::NoLocking=1)
  apt-get "${apt[@]}" update >&2 || give_up "apt could not read its lists"
}

# Unpacks packages into FOLDER/unpacked, with those that they need and the system lacks.
debian_unpack() { # FOLDER PACKAGE...
  local work=$1 package
  shift
  debian_lists "$work" "$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)"
  apt-get "${apt[@]}" install --yes --download-only --no-install-recommends "$@" >&2 || give_up "apt could not download it"
  for package in "$work"/cache/archives/*.deb; do
    dpkg -x "$package" "$work/unpacked"
  done
}
