# The parts that need nothing but the Rust toolchain, and OpenSSL where all features are built. Sourced.

part_fmt() {
  need_rust fmt || { skip rustfmt "$missing"; return 0; }
  check rustfmt 120 cargo fmt --all --check -- --color never
}

part_clippy() {
  need_rust clippy && need_openssl || { skip clippy "$missing"; return 0; }
  check "all targets, all features" 1800 \
    cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
}

part_unit() {
  need_rust && need_openssl || { skip tests "$missing"; return 0; }
  if cargo nextest --version >/dev/null 2>&1; then
    tally quiet "tests" 2400 cargo nextest run --locked --workspace --all-features --no-fail-fast
  else
    say "        cargo nextest is not installed: cargo test runs them, one binary after the other"
    tally quiet "tests" 2400 cargo test --locked --workspace --all-features --no-fail-fast --lib --bins --tests
  fi
  # What is there only for want of another feature.
  tally quiet "tests of native-tls alone" 600 \
    cargo test --locked -p ws-client --no-default-features --features native-tls --test tls
  tally quiet "tests without TLS" 600 cargo test --locked -p ws-client --no-default-features --test dial
  tally quiet "doctests" 1200 cargo test --locked --workspace --all-features --no-fail-fast --doc
}

# Everything that is finite, against the models of the RFCs (crates/ws-core/src/tests/exhaustive/): a minute of optimised code.
part_exhaustive() {
  need_rust || { skip verdicts "$missing"; return 0; }
  tally quiet "verdicts" 900 env WS_EXHAUSTIVE=1 cargo test --locked -p ws-core --release --lib exhaustive:: -- --nocapture
  grep -hE "[0-9]+ verdicts of" "$(log_of "$part-verdicts")" | sed 's/^.*\.\.\. //; s/^/        /' || true
}

# The models of what tasks share, in every interleaving with at most three preemptions (crates/ws-core/src/sync.rs,
# tests/models). The flag would have everything in the usual directory built anew, so they have one of their own; link-time
# optimisation would take longer than the models.
part_loom() {
  need_rust || { skip models "$missing"; return 0; }
  local run=(env RUSTFLAGS="${RUSTFLAGS:-} --cfg loom" LOOM_MAX_PREEMPTIONS=3
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true
    cargo test --locked --release --target-dir "$target/loom" --lib --no-fail-fast)
  tally quiet "models of a connection" 600 "${run[@]}" -p ws-core --no-default-features --features io loom_tests::
  tally quiet "models of a tracker" 600 "${run[@]}" -p ws-models
}

# The one unsafe block of the published crates, what it reads, and what the libraries of permessage-deflate do with memory that
# is not initialised, under valgrind. Nothing else needs it: not for every run.
part_memcheck() {
  need_rust && need valgrind valgrind || { skip memcheck "$missing"; return 0; }
  local run=(env PROPTEST_CASES=8 cargo test --locked -p ws-core --config
    "target.'cfg(all())'.runner = ['valgrind', '--quiet', '--error-exitcode=99']")
  tally quiet "text and compression" 900 "${run[@]}" --lib -- text:: message:: close:: tests::deflate_7692::peers
  tally quiet "leaks to the wire" 300 "${run[@]}" --test leak
}

part_docs() {
  need_rust && need_openssl || { skip "cargo doc" "$missing"; return 0; }
  need_python || { skip docs "$missing"; return 0; }
  local crates=() name
  while read -r name; do crates+=(-p "$name"); done < <(python3 "$root/tests/lib/features.py" published)
  check "cargo doc" 1200 env RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --all-features "${crates[@]}"
  check "links between pages" 60 python3 "$root/tests/lib/links.py"
}

# Every feature of a published crate alone, none, the default and all of them; and what a crate must not pull in.
part_features() {
  need_rust clippy && need_openssl || { skip features "$missing"; return 0; }
  need_python || { skip features "$missing"; return 0; }
  local args
  while read -r args; do
    # shellcheck disable=SC2086  # the line is a list of arguments
    check "$args" 600 cargo clippy --locked -p $args -- -D warnings
  done < <(python3 "$root/tests/lib/features.py" combinations)
  tally shown "layers" 180 python3 "$root/tests/lib/features.py" layers
}

part_deny() {
  need_rust || { skip "dependencies" "$missing"; return 0; }
  need_python_packages || { skip "dependencies" "$missing"; return 0; }
  local advisories=()
  if [ -n "${ADVISORY_DB:-}" ]; then advisories=(--advisories "$ADVISORY_DB"); fi
  tally shown "dependencies" 120 "$python" "$root/tests/lib/supply_chain.py" ${advisories[@]+"${advisories[@]}"}
  # The tool whose file deny.toml is, where somebody has installed it: its own database of advisories cannot be assumed.
  if cargo deny --version >/dev/null 2>&1; then
    check "cargo deny" 120 cargo deny --offline check bans licenses sources
  fi
}
