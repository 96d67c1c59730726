# Gets what a part needs: Debian packages where this may be done, Python and Node packages under .cache/. Sourced.
#
# Each function returns 1 when the thing cannot be had here, with the reason in $missing.

missing=

apt_updated=
apt_install() {
  if ! command -v apt-get >/dev/null; then return 1; fi
  local log sudo=
  if [ "$(id -u)" -ne 0 ]; then
    if ! sudo -n true 2>/dev/null; then return 1; fi
    sudo="sudo -n"
  fi
  log=$(log_of "install-$1")
  if [ -z "$apt_updated" ]; then
    bounded 300 "$log" $sudo apt-get update -q || true
    apt_updated=yes
  fi
  say "  get   Debian packages: $*"
  bounded 600 "$log" $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

# need COMMAND PACKAGE…: the command is there, or becomes so.
need() {
  local command=$1
  shift
  if command -v "$command" >/dev/null; then return 0; fi
  if apt_install "$@" && command -v "$command" >/dev/null; then return 0; fi
  missing="$command is not installed (Debian: apt-get install $*)"
  return 1
}

# What stands between clients and servers in the part reach, and the package of each.
servers=(haproxy microsocks nginx squid tinyproxy)
server_package() {
  case $1 in
    nginx) say nginx-light ;;
    squid) say squid-openssl ;;
    *) say "$1" ;;
  esac
}

# need_servers COMMAND…: gets those of them that are not there, and does not let the system start them, now or later: the tests do, with
# configurations of their own. It never fails: the part asks for each.
need_servers() {
  local command absent=() packages=() policy=/usr/sbin/policy-rc.d sudo=
  # Where Debian puts servers, and ordinary users do not look.
  PATH=$PATH:/usr/sbin
  for command in "$@"; do
    if ! command -v "$command" >/dev/null; then absent+=("$command") packages+=("$(server_package "$command")"); fi
  done
  if [ ${#packages[@]} -eq 0 ]; then return 0; fi
  if [ "$(id -u)" -ne 0 ]; then sudo="sudo -n"; fi
  # Who has a policy keeps it.
  if [ ! -e "$policy" ] && printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null 2>&1; then
    at_exit="$sudo rm -f $policy"
    $sudo chmod 755 "$policy"
  fi
  apt_install "${packages[@]}" || true
  $at_exit
  at_exit=
  for command in "${absent[@]}"; do $sudo systemctl disable "$command" >/dev/null 2>&1 || true; done
}

# OBS Studio of 28 or later, whose server is obs-websocket 5, and a screen in memory for it.
need_obs() {
  if [ "$(uname)" != Linux ]; then
    missing="OBS is tested on Linux alone"
    return 1
  fi
  need obs obs-studio xvfb xauth libgl1-mesa-dri && need Xvfb xvfb xauth libgl1-mesa-dri
}

# need_rust [SUBCOMMAND…]: a toolchain as new as the crates ask for, and these of its components.
need_rust() {
  local tool wanted found
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml")
  found=$(rustc --version 2>/dev/null | awk '{ print $2 }')
  if ! cargo --version >/dev/null 2>&1 || [ -z "$found" ]; then
    missing="Rust $wanted or newer is not installed (https://rustup.rs)"
    return 1
  fi
  if [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1)" != "$wanted" ]; then
    missing="Rust $found is installed, the crates need $wanted (https://rustup.rs)"
    return 1
  fi
  for tool in "$@"; do
    if ! cargo "$tool" --version >/dev/null 2>&1; then
      missing="cargo $tool is not installed (rustup component add)"
      return 1
    fi
  done
  need cc build-essential
}

# OpenSSL with its headers, for ws-client's feature native-tls; elsewhere the system has a TLS library of its own.
need_openssl() {
  if [ "$(uname)" != Linux ] || [ -n "${OPENSSL_DIR:-}" ]; then return 0; fi
  need pkg-config pkg-config libssl-dev || return 1
  if pkg-config --exists openssl; then return 0; fi
  if apt_install libssl-dev && pkg-config --exists openssl; then return 0; fi
  missing="OpenSSL's headers are not installed (Debian: apt-get install libssl-dev)"
  return 1
}

# fresh STAMP FILE…: the stamp was made from these very files.
fresh() {
  local stamp=$1
  shift
  [ -f "$stamp" ] && cat "$@" | cmp -s - "$stamp"
}

need_python() { need python3 python3 python3-venv; }

# A virtual environment with tests/requirements.txt; sets $python.
need_python_packages() {
  local env="$cache/python" list="$root/tests/requirements.txt" log
  need_python || return 1
  python="$env/bin/python"
  if fresh "$env/.stamp" "$list" && "$python" -c '' 2>/dev/null; then return 0; fi
  log=$(log_of install-python)
  rm -rf "$env"
  if ! bounded 120 "$log" python3 -m venv "$env"; then
    rm -rf "$env"
    apt_install python3-venv && bounded 120 "$log" python3 -m venv "$env"
  fi
  say "  get   Python packages: $(sed '/^#/d; s/;.*//' "$list" | tr '\n' ' ')"
  if ! bounded 600 "$log" "$python" -m pip install -q -r "$list"; then
    missing="tests/requirements.txt could not be installed: $(tail -n 1 "$log")"
    return 1
  fi
  cp "$list" "$env/.stamp"
}

# A Python 2.7 that works; sets $python27. Shims that only say which version is elsewhere do not count.
need_python27() {
  local candidate pyenv_root
  pyenv_root=${PYENV_ROOT:-$(pyenv root 2>/dev/null || true)}
  for candidate in "$(command -v python2.7 || true)" "$pyenv_root"/versions/2.7*/bin/python2.7; do
    if [ -x "$candidate" ] && "$candidate" -c 'import sys, ssl; sys.exit(sys.version_info[:2] != (2, 7))' >/dev/null 2>&1; then
      python27=$candidate
      return 0
    fi
  done
  missing="there is no Python 2.7, on the path or under pyenv"
  return 1
}

# Autobahn's own program, which runs on Python 2.7 only; sets $wstest.
need_wstest() {
  local env="$cache/wstest" list="$root/tests/conformance/requirements-python2.txt" log
  wstest="$env/bin/wstest"
  if fresh "$env/.stamp" "$list" && "$wstest" --autobahnversion >/dev/null 2>&1; then return 0; fi
  need_python27 && need_python || return 1
  log=$(log_of install-wstest)
  rm -rf "$env" "$env-tools"
  say "  get   autobahntestsuite on $python27"
  # virtualenv 20.22 dropped Python 2.7.
  if bounded 120 "$log" python3 -m venv "$env-tools" &&
    bounded 300 "$log" "$env-tools/bin/python" -m pip install -q 'virtualenv<20.22' &&
    bounded 120 "$log" "$env-tools/bin/virtualenv" -q -p "$python27" "$env" &&
    bounded 900 "$log" "$env/bin/python" -m pip install -q -r "$list"; then
    cp "$list" "$env/.stamp"
    return 0
  fi
  missing="autobahntestsuite could not be installed: $(tail -n 1 "$log")"
  return 1
}

# Node with the packages of tests/interop/package.json; sets $node and $node_modules.
need_node_packages() {
  local env="$cache/node" list="$root/tests/interop/package.json" log
  need node nodejs || return 1
  need npm npm || return 1
  node=$(command -v node)
  node_modules="$env/node_modules"
  if fresh "$env/.stamp" "$list" && [ -d "$node_modules" ]; then return 0; fi
  log=$(log_of install-node)
  rm -rf "$env"
  mkdir -p "$env"
  cp "$list" "$env/package.json"
  say "  get   Node packages: $(sed -n 's/^ *"\(ws\)": "\(.*\)".*/\1 \2/p' "$list")"
  if ! bounded 300 "$log" npm install --prefix "$env" --no-audit --no-fund --loglevel=error; then
    missing="tests/interop/package.json could not be installed: $(tail -n 1 "$log")"
    return 1
  fi
  cp "$list" "$env/.stamp"
}

# Go with Debian's packages of gorilla/websocket and coder/websocket; sets $go_packages, where their sources are.
need_go_packages() {
  go_packages=/usr/share/gocode
  need go golang-go || return 1
  if [ ! -d "$go_packages/src/github.com/gorilla/websocket" ] || [ ! -d "$go_packages/src/nhooyr.io/websocket" ]; then
    if ! apt_install golang-github-gorilla-websocket-dev golang-nhooyr-websocket-dev; then
      missing="Go's packages are not installed (Debian: apt-get install golang-github-gorilla-websocket-dev golang-nhooyr-websocket-dev)"
      return 1
    fi
  fi
}
