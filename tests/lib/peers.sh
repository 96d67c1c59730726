# The parts that start our binaries and let software from elsewhere talk to them. Sourced.

# Builds what the smoke, conformance and interop parts start, once a run.
release_built=
release() {
  if [ -n "$release_built" ]; then return 0; fi
  release_built=yes
  check "release build" 2400 cargo build --release --locked -p ws-browser-examples -p ws-examples -p ws-proxy \
    -p ws-tests --features ws-examples/full,ws-proxy/bin --bins
}

# binaries NAME…: they are there, after a build that was reported already.
binaries() {
  local name
  for name in "$@"; do
    if [ ! -x "$target/release/$name" ]; then
      bad "$target/release/$name was not built"
      return 1
    fi
  done
}

part_smoke() {
  need_rust || { skip examples "$missing"; return 0; }
  need_python_packages || { skip examples "$missing"; return 0; }
  release
  binaries echo chat connect reconnect upload subprotocols auth migrate-from-axum echo-hyper echo-tower graceful-shutdown tls http2 own-transport || return 0
  tally shown "examples" 120 "$python" "$root/tests/lib/smoke.py" --bin "$target/release"
}

# Autobahn in both roles. CONFORMANCE_ENGINES names the engines that must run; both are asked for by default.
part_conformance() {
  local engines=${CONFORMANCE_ENGINES:-kosoku wstest} chosen=() engine
  need_rust || { skip Autobahn "$missing"; return 0; }
  need_python_packages || { skip Autobahn "$missing"; return 0; }
  tally quiet "judge" 60 "$python" -m unittest discover -s "$root/tests/conformance"
  for engine in $engines; do
    case $engine in
      kosoku) chosen+=(--kosoku "$cache/python/bin/kosoku") ;;
      wstest) if need_wstest; then chosen+=(--wstest "$wstest"); else skip "Autobahn with wstest" "$missing"; fi ;;
      *) bad "CONFORMANCE_ENGINES: there is no engine $engine" ;;
    esac
  done
  release
  binaries autobahn-server autobahn-client || return 0
  if [ ${#chosen[@]} -eq 0 ]; then return 0; fi
  tally shown "Autobahn" 2400 "$python" "$root/tests/conformance/run.py" "${chosen[@]}" --out "$target/conformance" \
    --server "$target/release/autobahn-server" --client "$target/release/autobahn-client"
}

# All of Autobahn's cases of permessage-deflate, which are half an hour of a slow machine. Not a part of a run of everything.
part_conformance_full() {
  need_rust || { skip "Autobahn, all of deflate" "$missing"; return 0; }
  need_python_packages || { skip "Autobahn, all of deflate" "$missing"; return 0; }
  need_wstest || { skip "Autobahn, all of deflate" "$missing"; return 0; }
  release
  binaries autobahn-server autobahn-client || return 0
  tally shown "Autobahn, all of deflate" 5400 "$python" "$root/tests/conformance/run.py" --wstest "$wstest" --only-deflate \
    --all-deflate --seconds 2400 --out "$target/conformance" \
    --server "$target/release/autobahn-server" --client "$target/release/autobahn-client"
}

# Builds a program of tests/interop/go without modules: what it imports is Debian's, and nothing is fetched.
go_program() {
  check "go build $1" 300 env GO111MODULE=off GOPATH="$root/tests/interop/go:$go_packages" GOCACHE="$cache/go" GOFLAGS= \
    GOPROXY=off GOTOOLCHAIN=local CGO_ENABLED=0 go build -o "$target/interop/bin/$1" "$1"
}

part_interop() {
  local others=() originals=() browser=() name
  need_rust || { skip interop "$missing"; return 0; }
  need_python_packages || { skip interop "$missing"; return 0; }
  others+=(--python "$python")
  if need_node_packages; then
    others+=(--node "$node" --node-modules "$node_modules")
  else
    skip "interop with Node" "$missing"
  fi
  if need_go_packages; then
    for name in gorilla coder; do
      go_program "$name"
      if [ -x "$target/interop/bin/$name" ]; then originals+=("--$name" "$target/interop/bin/$name"); fi
    done
  else
    skip "interop with Go" "$missing"
  fi
  release
  binaries http2-client interop-peer go-programs tls-server || return 0
  tally shown "interop" 600 "$python" "$root/tests/interop/run.py" --ours "$target/release/interop-peer" \
    "${others[@]}" "${originals[@]}" --out "$target/interop"
  if [ -n "${node_modules:-}" ]; then
    if need chromium chromium; then
      browser+=(--chromium "$(command -v chromium)")
    else
      skip "interop with Chromium" "$missing"
    fi
  fi
  tally shown "interop, compressed" 900 "$python" "$root/tests/interop/deflate.py" --ours "$target/release/interop-peer" \
    "${others[@]}" "${browser[@]}" --out "$target/interop/deflate"
  if [ -n "${node_modules:-}" ]; then
    tally shown "interop with Node's http2" 150 env NODE_PATH="$node_modules" "$node" "$root/tests/interop/node_http2.cjs" \
      --ours "$target/release/http2-client"
  fi
  if [ ${#browser[@]} -gt 0 ]; then
    tally shown "interop over TLS" 300 env NODE_PATH="$node_modules" "$node" "$root/tests/interop/chromium_tls.cjs" \
      --ours "$target/release/tls-server" --browser "${browser[1]}"
  fi
  if [ ${#originals[@]} -eq 0 ]; then return 0; fi
  tally shown "programs" 600 "$python" "$root/tests/interop/programs.py" --ours "$target/release/go-programs" \
    "${originals[@]}" --out "$target/interop/programs"
}

part_reach() {
  local others=() command
  need_rust || { skip reach "$missing"; return 0; }
  need_python_packages || { skip reach "$missing"; return 0; }
  others+=(--python "$python")
  if need_node_packages; then
    others+=(--node "$node" --node-modules "$node_modules")
  else
    skip "reach Node" "$missing"
  fi
  if need_go_packages; then
    if [ ! -x "$target/interop/bin/gorilla" ]; then go_program gorilla; fi
    if [ -x "$target/interop/bin/gorilla" ]; then others+=(--gorilla "$target/interop/bin/gorilla"); fi
  else
    skip "reach Go" "$missing"
  fi
  need_servers "${servers[@]}"
  for command in "${servers[@]}"; do
    if command -v "$command" >/dev/null; then
      others+=("--$command" "$(command -v "$command")")
    else
      skip "reach through $command" "it is not installed (Debian: apt-get install $(server_package "$command"))"
    fi
  done
  release
  binaries connect echo || return 0
  tally shown "reach" 300 "$python" "$root/tests/reach/run.py" "${others[@]}" --out "$target/reach" \
    --connect "$target/release/connect" --echo "$target/release/echo"
}

part_proxy() {
  local others=() command
  need_rust || { skip proxy "$missing"; return 0; }
  need_python_packages || { skip proxy "$missing"; return 0; }
  if need_node_packages; then
    others+=(--node "$node" --node-modules "$node_modules")
  else
    skip "proxy before Node" "$missing"
  fi
  need_servers nginx haproxy
  for command in nginx haproxy; do
    if command -v "$command" >/dev/null; then
      others+=("--$command" "$(command -v "$command")")
    else
      skip "proxy with $command" "it is not installed (Debian: apt-get install $(server_package "$command"))"
    fi
  done
  release
  binaries ws-proxy connect echo autobahn-server || return 0
  tally shown "proxy" 180 "$python" "$root/tests/proxy/run.py" --proxy "$target/release/ws-proxy" --python "$python" \
    --connect "$target/release/connect" --echo "$target/release/echo" "${others[@]}" --out "$target/proxy"
  tally shown "Autobahn through the proxy" 600 "$python" "$root/tests/conformance/run.py" --kosoku "$cache/python/bin/kosoku" \
    --server "$target/release/autobahn-server" --proxy "$target/release/ws-proxy" --style messages --out "$target/conformance-proxy"
}

# The same with all of Autobahn's cases, permessage-deflate included. Not a part of a run of everything.
part_proxy_full() {
  need_rust || { skip "Autobahn through the proxy, all" "$missing"; return 0; }
  need_python_packages || { skip "Autobahn through the proxy, all" "$missing"; return 0; }
  need_wstest || { skip "Autobahn through the proxy, all" "$missing"; return 0; }
  release
  binaries ws-proxy autobahn-server || return 0
  tally shown "Autobahn through the proxy, all" 9000 "$python" "$root/tests/conformance/run.py" --wstest "$wstest" \
    --server "$target/release/autobahn-server" --proxy "$target/release/ws-proxy" --style messages --all-deflate --seconds 2400 \
    --out "$target/conformance-proxy"
}

# Backplanes over real servers, which the tests start and kill themselves (crates/ws-hub/tests/nodes/).
part_nodes() {
  local name server without=()
  need_rust && need_openssl || { skip nodes "$missing"; return 0; }
  need_servers redis-server nats-server
  for name in redis nats; do
    server="$name-server"
    if ! command -v "$server" >/dev/null; then
      skip "nodes over $name" "it is not installed (Debian: apt-get install $server)"
      without+=(--skip "$name::")
    fi
  done
  if [ ${#without[@]} -eq 4 ]; then return 0; fi
  # With all features of everything, since the part unit has built that already. A few tests at a time: each has a server
  # and several nodes of its own.
  tally quiet "nodes" 900 cargo test --locked --workspace --all-features --no-fail-fast --test nodes -- \
    --test-threads 4 ${without[@]+"${without[@]}"}
}

# OBS listens on every interface while this runs, with a password of 128 random bits.
part_obs() {
  need_rust || { skip OBS "$missing"; return 0; }
  need_python || { skip OBS "$missing"; return 0; }
  need_obs || { skip OBS "$missing"; return 0; }
  release
  binaries obs-events obs-record obs-scenes obs-session || return 0
  tally shown "OBS" 240 python3 "$root/tests/obs/run.py" --obs "$(command -v obs)" --xvfb "$(command -v Xvfb)" \
    --session "$target/release/obs-session" --examples "$target/release" --out "$target/obs"
}
