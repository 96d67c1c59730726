# The client for browsers and the chat, in Node and in Chromium. Sourced.

part_browser() {
  local redis=()
  need_node_packages || { skip browser "$missing"; return 0; }
  tally quiet "client for browsers" 60 "$node" --test --test-reporter=tap "$root/tests/browser/hub.test.mjs"
  need_rust || { skip "chat in Chromium" "$missing"; return 0; }
  need chromium chromium || { skip "chat in Chromium" "$missing"; return 0; }
  need_servers redis-server
  if command -v redis-server >/dev/null; then
    redis+=(--redis "$(command -v redis-server)")
  else
    skip "chat on two nodes" "redis-server is not installed (Debian: apt-get install redis-server)"
  fi
  release
  binaries chat || return 0
  tally shown "chat in Chromium" 300 env NODE_PATH="$node_modules" "$node" "$root/tests/browser/chat.cjs" \
    --chat "$target/release/chat" --browser "$(command -v chromium)" --out "$target/browser" ${redis[@]+"${redis[@]}"}
}
