#!/usr/bin/env python3
"""Has MCP clients that were not written here use the conformance fixture, composed for each
edition, over HTTP and over stdio.

Every client makes the calls of `steps.py`, once in the era that it prefers and once in the
other one if it has it.
"""

import argparse
import contextlib
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from steps import STEPS, mismatch

HERE = Path(__file__).resolve().parent
WASI_BUILDS = ["0.2", "0.3"]
TRANSPORTS = ["http", "stdio"]
# Much longer than any client takes: the slowest starts a process for each of its calls.
PATIENCE = 180


@dataclass
class Client:
    name: str
    mode: str
    revision: str
    program: list
    # The steps that it cannot make, and why not.
    without: dict = field(default_factory=dict)
    # What else to expect of a step, by transport and name.
    instead: dict = field(default_factory=dict)

    def steps(self):
        return [step for step in STEPS if step.name not in self.without]


def clients(options):
    """All clients, the versions of which are read where they are pinned."""
    typescript = json.loads((HERE / "typescript/package.json").read_text())["dependencies"]
    inspector = json.loads((HERE / "inspector/package.json").read_text())["dependencies"]
    rmcp = re.search(r'name = "rmcp"\nversion = "(.*)"', (HERE / "rust/Cargo.lock").read_text())[1]

    def node(script):
        return [options.node, options.tools / "typescript" / script]

    def python(major):
        pins = (HERE / f"python/requirements-{major}.txt").read_text()
        name = "Python mcp " + re.search(r"^mcp==(.*)$", pins, re.MULTILINE)[1]
        return name, [options.tools / f"python-{major}/bin/python", HERE / "python/client.py"]

    # It handles an update after what else came in the same read, and by then has forgotten the
    # call if that was its result. Tools end right after their last update.
    loses_updates = {("stdio", "progress"): {"result": {}, "progress": [0]}}
    one_shot = {
        "call no tool": "looks for the tool in the list, and calls none that it does not find",
        "progress": "prints results and no notifications",
        "elicitation": "does not declare the capability, as it could not answer",
        "complete an argument": "has no `completion/complete`",
    }
    sdk_1 = f"TypeScript sdk {typescript['@modelcontextprotocol/sdk']}"
    sdk_2 = f"TypeScript client {typescript['@modelcontextprotocol/client']}"
    python_1, python_1_program = python(1)
    python_2, python_2_program = python(2)
    cli = f"Inspector CLI {inspector['@modelcontextprotocol/inspector']}"
    package = "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"
    cli_program = [sys.executable, HERE / "inspector/inspector.py"]
    cli_program += [options.node, options.tools / "inspector" / package]
    return [
        Client(sdk_1, "default", "2025-11-25", node("sdk-1.mjs"), instead=loses_updates),
        Client(sdk_2, "default", "2025-11-25", node("sdk-2.mjs"), instead=loses_updates),
        Client(sdk_2, "auto", "2026-07-28", node("sdk-2.mjs"), instead=loses_updates),
        Client(python_1, "default", "2025-11-25", python_1_program),
        Client(python_2, "default", "2026-07-28", python_2_program),
        Client(python_2, "legacy", "2025-11-25", python_2_program),
        Client(f"rmcp {rmcp}", "default", "2025-11-25", [options.rmcp]),
        Client(f"rmcp {rmcp}", "auto", "2026-07-28", [options.rmcp]),
        Client(cli, "default", "2025-11-25", cli_program, without=one_shot),
        Client(cli, "auto", "2026-07-28", cli_program, without=one_shot),
    ]


def main():
    options = arguments()
    chosen = [client for client in clients(options) if options.only in f"{client.name} {client.mode}"]
    if not chosen:
        sys.exit(f"error: no client is called `{options.only}`")
    with contextlib.ExitStack() as cleanup:
        scratch = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="clients-")))
        targets = {}
        for edition in WASI_BUILDS:
            server = compose(options, edition, scratch)
            url = cleanup.enter_context(serving(options, server, scratch / f"{edition}.log"))
            targets[edition, "http"] = [url]
            targets[edition, "stdio"] = [options.mcp, "serve", "--stdio", server]
        jobs = list(itertools.product(chosen, WASI_BUILDS, TRANSPORTS))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            outcomes = list(pool.map(lambda job: run(*job, targets[job[1:]], scratch), jobs))
    failed = report(chosen, dict(zip(((id(client), *rest) for client, *rest in jobs), outcomes)))
    sys.exit(failed > 0)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mcp", type=Path, required=True, help="the plugin's binary")
    parser.add_argument("--node", type=Path, required=True, help="Node.js, 22 or later")
    parser.add_argument("--tools", type=Path, required=True, help="what `scripts/clients.sh` installed")
    parser.add_argument("--rmcp", type=Path, required=True, help="the client in `rust`, built")
    parser.add_argument("--fixture", type=Path, required=True, help="the conformance fixture")
    parser.add_argument("--only", default="", help="run the clients that have this in their name")
    options = parser.parse_args()
    # A path without a folder would be looked for on PATH.
    options.mcp = options.mcp.resolve()
    return options


def compose(options, edition, scratch):
    server = scratch / f"server-{edition}.wasm"
    command = [options.mcp, "compose", options.fixture, "-o", server, "--wasi", edition]
    composed = subprocess.run(command, capture_output=True, text=True)
    if composed.returncode:
        sys.exit(composed.stderr)
    return server


@contextlib.contextmanager
def serving(options, server, log):
    """Starts a server; gives its URL, which it says itself."""
    command = [options.mcp, "serve", server, "--listen", "127.0.0.1:0"]
    with open(log, "w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(r"http://127\.0\.0\.1:\d+/mcp", log.read_text())):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"error: {command[0]} does not serve:\n{log.read_text()}")
            time.sleep(0.05)
        yield found.group()
    finally:
        process.terminate()
        process.wait()


def run(client, edition, transport, target, scratch):
    """Has a client make its steps; gives, for each of them, for the connection and for its end,
    why it failed."""
    status = scratch / f"{client.name}-{client.mode}-{edition}"
    if transport == "stdio":
        # Clients say nothing of a server that they had to kill.
        target = ["sh", "-c", '"$@"; echo $? >"$0"', status, *target]
    command = [*client.program, client.mode, transport, *target]
    steps = client.steps()
    wanted = json.dumps([step.wire() for step in steps])
    try:
        ran = subprocess.run(command, input=wanted, capture_output=True, text=True, timeout=PATIENCE)
        output, errors, trouble = ran.stdout, ran.stderr, f"ended with {ran.returncode}"
        finished = ran.returncode == 0
    except subprocess.TimeoutExpired as expired:
        output, errors = ((stream or b"").decode() for stream in (expired.stdout, expired.stderr))
        finished, trouble = False, f"did not end within {PATIENCE} s"
    trouble = f"the client {trouble}\n{errors.strip()}"
    told = [json.loads(line) for line in output.splitlines()]

    checks = [("connect", {"protocolVersion": client.revision})]
    checks += [(step.name, client.instead.get((transport, step.name), step.expected)) for step in steps]
    outcome = {}
    for number, (name, expected) in enumerate(checks):
        outcome[name] = mismatch(expected, told[number]) if number < len(told) else trouble
    if not finished:
        outcome["end"] = trouble
    elif transport == "stdio" and (not status.exists() or status.read_text() != "0\n"):
        outcome["end"] = "the server did not end well when its stdin did"
    else:
        outcome["end"] = None
    return outcome


def report(chosen, outcomes):
    """What failed and why, and a matrix of passed/total; gives how many steps failed."""
    for client in chosen:
        for edition, transport in itertools.product(WASI_BUILDS, TRANSPORTS):
            for step, why in outcomes[id(client), edition, transport].items():
                if why:
                    indented = why.replace("\n", "\n    ")
                    print(f"FAILED {step} ({client.name} {client.mode}, WASI {edition}, {transport})\n    {indented}")

    columns = list(itertools.product(WASI_BUILDS, TRANSPORTS))
    rows = [["client", "mode", "revision", *(f"{edition} {transport}" for edition, transport in columns)]]
    for client in chosen:
        row = [client.name, client.mode, client.revision]
        for column in columns:
            whys = outcomes[(id(client), *column)].values()
            row.append(f"{sum(why is None for why in whys)}/{len(whys)}")
        rows.append(row)
    widths = [max(len(cell) for cell in column) for column in zip(*rows)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())

    whys = [why for outcome in outcomes.values() for why in outcome.values()]
    failed = sum(why is not None for why in whys)
    print(f"clients: {len(whys) - failed} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    main()
