#!/usr/bin/env python3
"""Measures what the language of a tool costs: one composed server for each, side by side.

    bench/languages.py --wasmtime "$(scripts/wasmtime-cli.sh)" --tool add --arguments '{"a": 1, "b": 2}' \\
        rust=rust.wasm python=python.wasm

- `fresh` is a call whose instance exists for this call only, as every one of WASI 0.2 does.
- `reused` is a call of an instance that has answered others, as in a WASI 0.3 build.
- `memory` is what one more instance takes that has answered a call: the difference that 32 of them
  make to the host's share of physical memory. Pages that instances have in common count once.

Calls go one after the other over one connection, in turns of all servers, so that what else
happens on the machine happens to all of them. Each figure is a median.
"""

import argparse
import contextlib
import json
import re
import socket
import statistics
import time
from pathlib import Path

import hosts
import load

INSTANCES = 32
FRESH = ["--max-instance-reuse-count", "1", "--max-instance-concurrent-reuse-count", "1"]
KEPT = ["--max-instance-reuse-count", "1000000", "--max-instance-concurrent-reuse-count", "1"]
KEPT += ["--idle-instance-timeout", "600s"]


def main():
    options = arguments()
    options.scratch.mkdir(parents=True, exist_ok=True)
    servers = dict(server.split("=", 1) for server in options.servers)
    request = http_request(options.tool, options.arguments)
    measured = {name: {"bytes": Path(file).stat().st_size} for name, file in servers.items()}
    for figure, flags in [("fresh_us", FRESH), ("reused_us", KEPT)]:
        with started(options, servers, figure, flags) as running:
            for name, times in latencies(options, running, request).items():
                measured[name][figure] = statistics.median(times)
    for name, file in servers.items():
        with started(options, {name: file}, "memory", KEPT) as running:
            measured[name]["instance_bytes"] = memory(running[name], request)
    print_table(measured)
    if options.json:
        options.json.write_text(json.dumps(measured, indent=2) + "\n")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("servers", nargs="+", metavar="NAME=SERVER")
    parser.add_argument("--wasmtime", type=Path, required=True, help="the Wasmtime CLI")
    parser.add_argument("--tool", required=True, help="the tool that each server has")
    parser.add_argument("--arguments", type=json.loads, default={}, help="what it is called with")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=50, help="of each server in a round")
    parser.add_argument("--scratch", type=lambda path: Path(path).resolve(), default="target/bench")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    return parser.parse_args()


@contextlib.contextmanager
def started(options, servers, figure, flags):
    """Each of the servers in a Wasmtime of its own, by name."""
    with contextlib.ExitStack() as running:
        serve = [options.wasmtime, "serve", "-S", "cli", *flags, "--addr", "127.0.0.1:0"]
        yield {
            name: running.enter_context(
                hosts.Server(f"{figure} {name}", [*serve, Path(file).resolve()], cwd=options.scratch)
            )
            for name, file in servers.items()
        }


def http_request(tool, arguments):
    body = json.loads(load.body(tool))
    body["params"]["arguments"] = arguments
    body = json.dumps(body).encode()
    headers = {"Host": "localhost", **load.headers(tool), "Content-Length": len(body)}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /mcp HTTP/1.1\r\n{head}\r\n".encode() + body


def connect(server):
    connection = socket.create_connection(hosts.address(server.url), timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def answer(server, connection):
    """Reads one answer, which has to be that of a tool that did not fail."""
    received = b""
    while not (head := re.match(rb"(?s)(.*?)\r\n\r\n", received)):
        received += some(server, connection)
    length = int(re.search(rb"(?i)\r\ncontent-length: *(\d+)", head.group()).group(1))
    while len(received) < head.end() + length:
        received += some(server, connection)
    result = json.loads(received[head.end() :]).get("result")
    if not result or result.get("isError"):
        raise SystemExit(f"error: {server.name} answered {received[head.end() :].decode()}")


def some(server, connection):
    received = connection.recv(1 << 16)
    if not received:
        raise SystemExit(f"error: {server.name} hung up")
    return received


def latencies(options, servers, request):
    """Microseconds of each call, by server. The first round only warms up."""
    times = {name: [] for name in servers}
    for round in range(options.rounds + 1):
        for name, server in servers.items():
            with connect(server) as connection:
                for _ in range(options.calls):
                    start = time.perf_counter()
                    connection.sendall(request)
                    answer(server, connection)
                    if round:
                        times[name].append((time.perf_counter() - start) * 1e6)
    return times


def memory(server, request):
    """Bytes of one more instance. Requests that lack their last byte keep theirs busy, so each
    connection gets one of its own, which then stays for the next request."""
    once_each(server, request, 1)
    before = share(server.pid)
    once_each(server, request, INSTANCES + 1)
    return (share(server.pid) - before) / INSTANCES


def once_each(server, request, count):
    with contextlib.ExitStack() as opened:
        connections = [opened.enter_context(connect(server)) for _ in range(count)]
        for connection in connections:
            connection.sendall(request[:-1])
        time.sleep(1)  # until all of them wait in an instance
        for connection in connections:
            connection.sendall(request[-1:])
        for connection in connections:
            answer(server, connection)


def share(pid):
    """A process's share of physical memory."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return 1024 * int(re.search(r"(?m)^Pss:\s+(\d+) kB", rollup).group(1))


def print_table(measured):
    print(f"{'server':16}{'KB':>8}{'fresh ms':>11}{'reused ms':>11}{'memory KB':>12}")
    for name, row in measured.items():
        print(
            f"{name:16}{row['bytes'] / 1000:8.0f}{row['fresh_us'] / 1000:11.2f}"
            f"{row['reused_us'] / 1000:11.2f}{row['instance_bytes'] / 1000:12.0f}"
        )


if __name__ == "__main__":
    main()
