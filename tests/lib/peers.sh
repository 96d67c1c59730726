# The parts that start our binaries and let software from elsewhere talk to them. Sourced.

# Builds what the smoke, conformance and interop parts start, once a run.
release_built=
release() {
  if [ -n "$release_built" ]; then return 0; fi
  release_built=yes
  check "release build" 2400 cargo build --release --locked -p ws-examples -p ws-tests --bins
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
  binaries echo chat connect || return 0
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

part_interop() {
  local others=()
  need_rust || { skip interop "$missing"; return 0; }
  need_python_packages || { skip interop "$missing"; return 0; }
  others+=(--python "$python")
  if need_node_packages; then
    others+=(--node "$node" --node-modules "$node_modules")
  else
    skip "interop with Node" "$missing"
  fi
  release
  binaries interop-peer || return 0
  tally shown "interop" 600 "$python" "$root/tests/interop/run.py" --ours "$target/release/interop-peer" \
    "${others[@]}" --out "$target/interop"
}
