-- What wrk sends: one `tools/call` of revision 2026-07-28, with `BENCH_TOOL` for the tool, and
-- what it prints at the end: one line of JSON.
local tool = os.getenv("BENCH_TOOL")

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json, text/event-stream"
wrk.headers["MCP-Protocol-Version"] = "2026-07-28"
wrk.headers["Mcp-Method"] = "tools/call"
wrk.headers["Mcp-Name"] = tool
wrk.body = os.getenv("BENCH_BODY")

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%f,"p50_us":%f,"p99_us":%f,"failed":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
