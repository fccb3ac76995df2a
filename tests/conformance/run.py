#!/usr/bin/env python3
"""Runs the official conformance suite against the conformance fixture, composed for each
edition, on each host.

`REVISION.txt` beside this file lists the scenarios of that revision, one a line. A scenario
passes if none of its checks fails and at least one succeeds.
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
from pathlib import Path

SCENARIOS = {
    path.stem: path.read_text().split()
    for path in sorted(Path(__file__).resolve().parent.glob("*.txt"))
}
EDITIONS = ["0.2", "0.3"]
# Much longer than any scenario takes: the longest waits 5 seconds.
PATIENCE = 120


def main():
    options = arguments()
    hosts = {
        "mcp serve": lambda server: [options.mcp, "serve", server, "--listen", "127.0.0.1:0"],
        "wasmtime": lambda server: [options.wasmtime, "serve", "--addr", "127.0.0.1:0", server],
    }
    with contextlib.ExitStack() as cleanup:
        scratch = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="conformance-")))
        jobs = []
        for edition, (host, command) in itertools.product(EDITIONS, hosts.items()):
            server = compose(options, edition, scratch)
            url = cleanup.enter_context(serving(command(server), scratch / f"{edition}-{host}.log"))
            for revision, scenarios in SCENARIOS.items():
                jobs += [(edition, host, revision, scenario, url) for scenario in scenarios]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            failures = list(pool.map(lambda job: run(options, *job, scratch), jobs))
    report(jobs, failures)
    sys.exit(any(failures))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mcp", type=Path, required=True, help="the plugin's binary")
    parser.add_argument("--wasmtime", type=Path, required=True, help="the Wasmtime CLI")
    parser.add_argument("--node", type=Path, required=True, help="Node.js, 22 or later")
    parser.add_argument("--suite", type=Path, required=True, help="the suite's entry point")
    parser.add_argument("--fixture", type=Path, required=True, help="the conformance fixture")
    return parser.parse_args()


def compose(options, edition, scratch):
    server = scratch / f"server-{edition}.wasm"
    if not server.exists():
        command = [options.mcp, "compose", options.fixture, "-o", server, "--wasi", edition]
        composed = subprocess.run(command, capture_output=True, text=True)
        if composed.returncode:
            sys.exit(composed.stderr)
    return server


@contextlib.contextmanager
def serving(command, log):
    """Starts a server; gives its URL, which it says itself."""
    with open(log, "w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text())):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"error: {command[0]} does not serve:\n{log.read_text()}")
            time.sleep(0.05)
        yield found.group() + "/mcp"
    finally:
        process.terminate()
        process.wait()


def run(options, edition, host, revision, scenario, url, scratch):
    """Runs one scenario; gives why it failed, or nothing."""
    results = scratch / f"{edition}-{host}-{revision}-{scenario}"
    command = [options.node, options.suite, "server", "--url", url, "--scenario", scenario]
    command += ["--spec-version", revision, "--output-dir", results]
    try:
        suite = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return f"did not end within {PATIENCE} s"
    found = list(results.glob("*/checks.json"))
    if not found:
        return f"did not run: {(suite.stderr or suite.stdout).strip()}"
    checks = json.loads(found[0].read_text())
    failed = [f"{check['id']}: {check.get('errorMessage', '')}" for check in checks if check["status"] == "FAILURE"]
    if failed or suite.returncode:
        return "\n".join(failed) or f"the suite ended with {suite.returncode}"
    if not any(check["status"] == "SUCCESS" for check in checks):
        return "none of its checks succeeded"
    return None


def report(jobs, failures):
    """What failed and why, then passed/total for each host and for each revision."""
    for (edition, host, revision, scenario, _), failure in zip(jobs, failures):
        if failure:
            indented = failure.replace("\n", "\n    ")
            print(f"FAILED {scenario} ({revision}, WASI {edition}, {host})\n    {indented}")

    def passed(*wanted):
        of = [failure is None for job, failure in zip(jobs, failures) if set(wanted) <= set(job)]
        return f"{sum(of)}/{len(of)}"

    for edition, host in dict.fromkeys((edition, host) for edition, host, *_ in jobs):
        counts = "  ".join(f"{revision} {passed(edition, host, revision)}" for revision in SCENARIOS)
        print(f"WASI {edition}, {host + ':':11} {counts}")
    for revision in SCENARIOS:
        print(f"conformance {revision}: {passed(revision)} scenarios passed")


if __name__ == "__main__":
    main()
