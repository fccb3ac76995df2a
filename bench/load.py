"""Puts load on a server with wrk, and reads what it cost the server."""

import json
import os
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
TICKS = os.sysconf("SC_CLK_TCK")


def body(tool):
    """The JSON-RPC request that every target is sent, the bare handler included."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1.0.0"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": tool, "arguments": {"message": "hello, world"}, "_meta": meta}
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return json.dumps(request, separators=(",", ":"))


def headers(tool):
    return {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": tool,
    }


def cpu_seconds(pid):
    """CPU time of a process, its dead children and its living descendants."""
    parents, spent = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        child = int(stat.parent.name)
        parents[child] = int(fields[1])
        spent[child] = sum(int(field) for field in fields[11:15])
    total = 0
    for child, ticks in spent.items():
        ancestor = child
        while ancestor not in (pid, 0, None):
            ancestor = parents.get(ancestor)
        total += ticks if ancestor == pid else 0
    return total / TICKS


def run(wrk, server, tool, connections, seconds):
    """One burst of load: requests, seconds, latencies in microseconds, CPU seconds."""
    command = [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "-s", HERE / "post.lua", server.url]
    before = cpu_seconds(server.pid)
    wrk_output = subprocess.run(
        command,
        env={**os.environ, "BENCH_TOOL": tool, "BENCH_BODY": body(tool)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    cpu = cpu_seconds(server.pid) - before
    burst = json.loads(wrk_output.strip().splitlines()[-1])
    if (ended := server.process.poll()) is not None:
        raise SystemExit(f"error: {server.name} ended with {ended} under load")
    if burst["failed"] or not burst["requests"]:
        raise SystemExit(f"error: {server.name}: {burst['failed']} of {burst['requests']} requests failed")
    return {**burst, "cpu_seconds": cpu}
