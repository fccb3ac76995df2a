"""Runs components on the hosts that are there: the Wasmtime CLI, as it is and with Spin's settings,
and Spin if `SPIN_BIN_PATH` names it or it is on PATH."""

import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request

import load


class Server:
    """A component that answers; ended on exit from its `with` block."""

    def __init__(self, name, command, url=None, cwd=None):
        self.name = name
        self.log = open(cwd / f"{name.replace(' ', '-')}.log", "w+")
        # With it, Wasmtime makes a backtrace at the end of each request: 8 µs.
        env = {name: value for name, value in os.environ.items() if name != "RUST_BACKTRACE"}
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT, cwd=cwd, env=env)
        self.pid = self.process.pid
        self.url = url
        # A language's engine takes half a minute to compile.
        deadline = time.monotonic() + 300
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                self.log.seek(0)
                raise SystemExit(f"error: {name} did not start:\n{self.log.read()}")
            time.sleep(0.05)

    def answers(self):
        if self.url is None:
            with open(self.log.name) as log:
                found = re.search(r"http://[\d.]+:\d+", log.read())
            self.url = found and found.group() + "/mcp"
        if self.url is None:
            return False
        try:
            with socket.create_connection(address(self.url), timeout=1):
                return True
        except OSError:
            return False

    def check(self, tool):
        """Calls the tool once: what is measured has to be an answer."""
        request = urllib.request.Request(self.url, load.body(tool).encode(), load.headers(tool))
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = json.load(response)
        text = answer.get("result", {}).get("content", [{}])[0].get("text")
        if text != "hello, world":
            raise SystemExit(f"error: {self.name} answered {answer}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def address(url):
    host, port = re.search(r"http://([\d.]+):(\d+)", url).groups()
    return host, int(port)


# Each instance serves one request.
NO_REUSE = ["--max-instance-reuse-count", "1", "--max-instance-concurrent-reuse-count", "1"]
# Spin keeps so much of each memory and table, and resets it by writing it (`crates/core/src/lib.rs`).
AS_SPIN = ["-O", "pooling-memory-keep-resident=2097152", "-O", "pooling-table-keep-resident=524288"]


def wasmtime(binary, *flags):
    """How the Wasmtime CLI serves a component."""

    def start(name, component, scratch):
        command = [binary, "serve", "-S", "cli", *flags, "--addr", "127.0.0.1:0", component]
        return Server(name, command, cwd=scratch)

    return start


def native(name, program, scratch):
    """Runs a program that prints where it serves."""
    return Server(name, [program], cwd=scratch)


SPIN = os.environ.get("SPIN_BIN_PATH") or shutil.which("spin")


def spin(name, component, scratch):
    """How Spin serves a component."""
    app = scratch / f"spin-{name.replace(' ', '-')}"
    app.mkdir(exist_ok=True)
    (app / "spin.toml").write_text(
        f"""spin_manifest_version = 2
[application]
name = "bench"
[[trigger.http]]
route = "/mcp"
component = "mcp"
[component.mcp]
source = "{component}"
"""
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [SPIN, "up", "--listen", listen]
    return Server(name, command, url=f"http://{listen}/mcp", cwd=app)


def available(wasmtime_binary):
    """Host, WASI version, whether instances are reused, and how to start a component there."""
    settings = [
        ("wasmtime", "0.2", False, wasmtime(wasmtime_binary)),
        ("wasmtime as Spin", "0.2", False, wasmtime(wasmtime_binary, *AS_SPIN)),
        ("wasmtime", "0.3", True, wasmtime(wasmtime_binary)),
        ("wasmtime", "0.3", False, wasmtime(wasmtime_binary, *NO_REUSE)),
    ]
    if SPIN:
        settings += [("spin", "0.2", False, spin), ("spin", "0.3", True, spin)]
    else:
        print("skipped: Spin (set SPIN_BIN_PATH, or have `spin` on PATH)")
    return settings
