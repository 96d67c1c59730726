# The parts that feed the fuzz targets of tests/fuzz. Sourced.

# On the stable toolchain, with what the part unit has built: the same, for longer and from another seed.
part_fuzz() {
  need_rust && need_openssl || { skip "fuzz targets" "$missing"; return 0; }
  tally quiet "seeds and inputs near to them" 1200 env FUZZ_SECONDS=4 FUZZ_SEED=2 \
    cargo test --locked --workspace --all-features --test replay
  need_python_packages || { skip "differential" "$missing"; return 0; }
  check "build" 1200 cargo build --locked --workspace --all-features --bin differential
  tally shown "differential" 300 "$target/debug/differential" --python "$python" --scripts 5000
}

# libFuzzer builds everything anew with a sanitizer, so this is not for every run. What it did is added to a table, whose rows
# docs/reference/conformance.md has. The variable lets a stable toolchain take the flags of the sanitizer.
part_fuzz_long() {
  need_rust fuzz || { skip "cargo-fuzz" "${missing/rustup component add/cargo install cargo-fuzz}"; return 0; }
  local fuzz=crates/ws-core/fuzz seconds=${FUZZ_SECONDS:-60} table="$target/fuzz/ledger.md" name log status executions
  local cargo_fuzz=(env RUSTC_BOOTSTRAP=1 CARGO_PROFILE_RELEASE_LTO=off cargo fuzz)
  local directories=(--fuzz-dir "$fuzz" --target-dir "$target/fuzz")
  mkdir -p "$target/fuzz"
  check "cargo fuzz build" 3600 "${cargo_fuzz[@]}" build "${directories[@]}"
  for name in $("${cargo_fuzz[@]}" list --fuzz-dir "$fuzz"); do
    mkdir -p "$fuzz/corpus/$name"
    log=$(log_of "fuzz-$name") status=0
    bounded $((seconds + 300)) "$log" nice "${cargo_fuzz[@]}" run "${directories[@]}" "$name" \
      "$fuzz/corpus/$name" "$fuzz/seeds/$name" -- -max_total_time="$seconds" -max_len=4096 -timeout=10 \
      -rss_limit_mb=1024 -dict="$fuzz/dictionary" -print_final_stats=1 || status=$?
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    printf '| %s | `cargo-fuzz` | `%s` | %s | %s |\n' "$(date +%F)" "$name" "${executions:-0}" \
      "$([ "$status" -eq 0 ] && say "no find" || say "a find")" >>"$table"
    if [ "$status" -eq 0 ]; then
      ok "$name: ${executions:-0} executions"
    else
      bad "$name ($(why "$status" $((seconds + 300)))); cargo fuzz tmin makes the input in $fuzz/artifacts smaller"
      show_log "$log" 40
    fi
  done
  say "        the rows of this run are in $table"
}
