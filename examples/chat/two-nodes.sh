#!/bin/sh
# Starts a Redis server and two nodes of the chat, until Ctrl-C: open http://127.0.0.1:3001 and http://127.0.0.1:3002.
set -eu
cd "$(dirname "$0")/../.."
command -v redis-server >/dev/null || { echo "redis-server is not installed (Debian: apt-get install redis-server)" >&2; exit 1; }
cargo build --release -p ws-examples --features redis --bin chat
chat=${CARGO_TARGET_DIR:-target}/release/chat

children=
trap 'trap - EXIT INT TERM; kill $children 2>/dev/null; wait' EXIT INT TERM
redis-server --port 6390 --bind 127.0.0.1 --save '' --appendonly no >/dev/null &
children="$children $!"
for port in 3001 3002; do
  "$chat" --listen "127.0.0.1:$port" --redis redis://127.0.0.1:6390/ &
  children="$children $!"
done
wait
