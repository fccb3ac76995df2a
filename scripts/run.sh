#!/usr/bin/env bash
# Shows the whole path once: scaffolds the template `mcp-tool`, builds and composes it, serves
# it on 127.0.0.1:$PORT, calls its tool, and stays up.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
port=${PORT:-3000}
app=$root/target/run/my-server
mcp=${CARGO_TARGET_DIR:-$root/target}/debug/mcp

cd "$root"
scripts/wasm-target.sh
echo "run: building the plugin and the framework (minutes, the first time)" >&2
cargo build --quiet --bin mcp
# A fresh app each time, but for what cargo built in it before.
mkdir -p "$app"
find "$app" -mindepth 1 -maxdepth 1 ! -name target -exec rm -rf {} +
cargo run --quiet --package scaffold -- new mcp-tool my-server "$app"

cd "$app"
# The manifest names the component in the app's own target folder.
env -u CARGO_TARGET_DIR "$mcp" build

log=$root/target/run/serve.log
"$mcp" serve --listen "127.0.0.1:$port" >"$log" &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM
until grep -q http "$log"; do
  kill -0 $server 2>/dev/null || exit 1 # it said why
  sleep 0.1
done
cat "$log"

body='{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"a":1,"b":2},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"make-run","version":"1.0.0"},"io.modelcontextprotocol/clientCapabilities":{}}}}'
request="POST /mcp HTTP/1.1
Host: 127.0.0.1:$port
Content-Type: application/json
Accept: application/json, text/event-stream
MCP-Protocol-Version: 2026-07-28
Mcp-Method: tools/call
Mcp-Name: add
Content-Length: ${#body}
Connection: close

$body"
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf '%s' "${request//$'\n'/$'\r\n'}" >&3
printf '\nrequest:\n%s\n\nanswer:\n' "$request"
tr -d '\r' <&3
exec 3>&-
printf '\n\nThe server stays up; Ctrl-C ends it.\n'
wait $server
