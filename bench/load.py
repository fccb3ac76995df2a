"""Puts load on a server with wrk, and reads what it cost the server."""

import json
import os
import subprocess
import tempfile
import time
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


def descendants(pid):
    """A process and its living descendants, with the fields of `/proc/PID/stat` from the third on."""
    parents, stats = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        child = int(stat.parent.name)
        parents[child] = int(fields[1])
        stats[child] = [int(field) for field in fields[1:]]
    found = {}
    for child, fields in stats.items():
        ancestor = child
        while ancestor not in (pid, 0, None):
            ancestor = parents.get(ancestor)
        if ancestor == pid:
            found[child] = fields
    return found


def spent(pid):
    """CPU seconds and page faults of a process, its dead children and its living descendants."""
    stats = descendants(pid).values()
    return sum(sum(stat[10:14]) for stat in stats) / TICKS, sum(sum(stat[6:8]) for stat in stats)


def run(wrk, server, tool, connections, seconds):
    """One burst of load: requests, seconds, latencies in microseconds, CPU seconds, page faults."""
    command = [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "-s", HERE / "post.lua", server.url]
    cpu_before, faults_before = spent(server.pid)
    wrk_output = subprocess.run(
        command,
        env={**os.environ, "BENCH_TOOL": tool, "BENCH_BODY": body(tool)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    cpu, faults = spent(server.pid)
    burst = json.loads(wrk_output.strip().splitlines()[-1])
    if (ended := server.process.poll()) is not None:
        raise SystemExit(f"error: {server.name} ended with {ended} under load")
    if burst["failed"] or not burst["requests"]:
        raise SystemExit(f"error: {server.name}: {burst['failed']} of {burst['requests']} requests failed")
    return {**burst, "cpu_seconds": cpu - cpu_before, "page_faults": faults - faults_before}


def system_calls(wrk, server, tool, connections):
    """System calls of one request, from a burst of a second under strace."""
    pids = [str(pid) for pid in descendants(server.pid)]
    with tempfile.NamedTemporaryFile("r") as counts:
        command = ["strace", "-fcqq", "-U", "calls,name", "-o", counts.name, "-p", ",".join(pids)]
        strace = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        burst = run(wrk, server, tool, connections, 1)
        strace.terminate()
        strace.wait()
        rows = [line.split() for line in counts.read().splitlines()]
    total = [int(row[0]) for row in rows if row[1:] == ["total"]]
    return total[0] / burst["requests"] if total else None
