# ws-wasm and the examples for pages, in Chromium and Firefox. Sourced.

# What compiles for wasm32-unknown-unknown: the toolchain where that target is installed, else Debian's compiler for browsers, which
# builds the standard library along. Sets $wasm, the command up to its subcommand, and $wasm_std, what it needs behind that.
need_wasm() {
  local web="$cache/rust-web" sysroot linker
  sysroot=$(rustc --print sysroot)
  if [ -d "$sysroot/lib/rustlib/wasm32-unknown-unknown/lib" ]; then
    wasm=(cargo) wasm_std=()
    return 0
  fi
  if [ "$(uname -m)" != x86_64 ] || ! command -v apt-get >/dev/null; then
    missing="the target wasm32-unknown-unknown is not installed (rustup target add wasm32-unknown-unknown)"
    return 1
  fi
  # That has no linker of its own.
  linker="$sysroot/lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld"
  if [ ! -x "$linker" ]; then
    need wasm-ld lld || return 1
    linker=$(command -v wasm-ld)
  fi
  need_rust_web "$web" || return 1
  wasm=(env RUSTC="$web/usr/bin/rustc" RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="$linker"
    LD_LIBRARY_PATH="$(printf '%s:' "$web"/usr/lib/*-linux-gnu "$web"/usr/lib/llvm-*/lib)" "$web/usr/bin/cargo")
  wasm_std=(-Zbuild-std=std,panic_abort)
}

# need_rust_web DIR: Debian's packages around rustc-web, unpacked there and not installed, since they would take the place of other
# compilers.
need_rust_web() {
  local dir=$1 version packages log
  log=$(log_of install-rust-web)
  version=$(rust_web_version)
  if [ -z "$version" ]; then
    # Nothing is installed by this, but the lists of packages are brought up to date.
    apt_install ca-certificates || true
    version=$(rust_web_version)
  fi
  if [ -z "$version" ]; then
    missing="there is no rustc-web among Debian's packages, and the target wasm32-unknown-unknown is not installed (rustup target add wasm32-unknown-unknown)"
    return 1
  fi
  if [ "$(cat "$dir/.stamp" 2>/dev/null)" = "$version" ]; then return 0; fi
  # What an installation would bring along.
  packages=$(apt-get install -s --no-install-recommends rustc-web cargo-web rust-web-src 2>>"$log" | awk '/^Inst / { print $2 }')
  rm -rf "$dir"
  mkdir -p "$dir/packages"
  say "  get   Debian packages, unpacked in .cache/: rustc-web $version"
  # shellcheck disable=SC2086  # the names are words
  if ! bounded 600 "$log" env -C "$dir/packages" apt-get download $packages; then
    missing="rustc-web could not be downloaded: $(tail -n 1 "$log")"
    return 1
  fi
  if ! bounded 600 "$log" sh -c 'printf "%s\n" "$1"/packages/*.deb | xargs -P 2 -I{} dpkg -x {} "$1"' sh "$dir"; then
    missing="rustc-web could not be unpacked: $(tail -n 1 "$log")"
    return 1
  fi
  rm -rf "$dir/packages"
  printf '%s\n' "$version" >"$dir/.stamp"
}

rust_web_version() { apt-cache policy rustc-web 2>/dev/null | sed -n 's/^ *Candidate: \([0-9].*\)/\1/p'; }

part_wasm() {
  local browsers=() pages="$target/pages" built="$target/wasm32/wasm32-unknown-unknown/page" left="ws-wasm was not built for wasm32, and not run in a browser"
  need_rust || { skip "pages" "$left: $missing"; return 0; }
  need_wasm || { skip "pages" "$left: $missing"; return 0; }
  check "compile for pages" 1200 "${wasm[@]}" build --locked --profile page --target wasm32-unknown-unknown "${wasm_std[@]}" \
    --target-dir "$target/wasm32" -p ws-wasm-tests -p ws-browser-examples
  check "compile wasm-bindgen" 900 cargo build --locked --manifest-path "$root/tests/wasm/bindgen/Cargo.toml" \
    --target-dir "$target/wasm-bindgen"
  if [ ! -f "$built/ws_wasm_tests.wasm" ] || [ ! -x "$target/wasm-bindgen/debug/bindgen" ]; then return 0; fi
  rm -rf "$pages"
  mkdir -p "$pages"
  cp "$root"/tests/wasm/page/* "$root"/examples/browser/anywhere/*.{html,js} "$root"/examples/browser/wasm-chat/*.{css,html,js} "$pages"
  check "make JavaScript" 120 "$target/wasm-bindgen/debug/bindgen" "$pages" "$built"/{ws_wasm_tests,anywhere,wasm-chat}.wasm
  need_node_packages || { skip "pages in browsers" "ws-wasm was not run in a browser: $missing"; return 0; }
  if need chromium chromium; then
    browsers+=(--chromium "$(command -v chromium)")
  else
    skip "pages in Chromium" "ws-wasm was not run in Chromium, nor over WebSocketStream: $missing"
  fi
  if need firefox-esr firefox-esr; then
    browsers+=(--firefox "$(command -v firefox-esr)")
  else
    skip "pages in Firefox" "ws-wasm was not run in Firefox: $missing"
  fi
  if [ ${#browsers[@]} -eq 0 ]; then return 0; fi
  release
  binaries anywhere browser-peer chat || return 0
  tally shown "pages in browsers" 420 env NODE_PATH="$node_modules" "$node" "$root/tests/wasm/run.cjs" "${browsers[@]}" \
    --pages "$pages" --peer "$target/release/browser-peer" --chat "$target/release/chat" --anywhere "$target/release/anywhere" \
    --out "$target/wasm"
}
