#!/usr/bin/env python3
"""Runs the official conformance suite against the conformance fixture, composed for each
edition, on each host.

Which scenarios a revision requires, and which ones it has that are not scored, the suite
itself says in `requirements/REVISION.yaml`; of a revision for which it says nothing,
`REVISION.txt` beside this file lists what is required, one a line. A scenario passes if none
of its checks fails and at least one succeeds. All required ones have to pass. Of the others,
`not-passing.txt` lists those that cannot, and `needs-store.txt` lists all that are left out on
hosts without a store.
"""

import argparse
import contextlib
import itertools
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
EDITIONS = ["0.2", "0.3"]
# Much longer than any scenario takes: the longest waits 10 seconds.
PATIENCE = 120


@dataclass(frozen=True)
class Job:
    edition: str
    host: str
    revision: str
    scenario: str
    required: bool
    url: str

    def place(self):
        return f"{self.revision}, WASI {self.edition}, {self.host}"


def main():
    options = arguments()
    revisions = requirements(options.suite)
    not_passing = exceptions("not-passing.txt", revisions)
    needs_store = exceptions("needs-store.txt", revisions)
    for revision, scenario in not_passing:
        if revisions[revision][scenario]:
            sys.exit(f"error: not-passing.txt names `{scenario}`, which {revision} requires")
    hosts = {"mcp serve": mcp_serve, "wasmtime": wasmtime_serve}
    if options.spin:
        hosts["spin up"] = spin_up
    else:
        print("skipped: spin up (`spin` is not on PATH, and SPIN_BIN_PATH does not name it)")

    with contextlib.ExitStack() as cleanup:
        scratch = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="conformance-")))
        jobs = []
        for edition, (host, start) in itertools.product(EDITIONS, hosts.items()):
            url = cleanup.enter_context(start(options, edition, scratch))
            jobs += [
                Job(edition, host, revision, scenario, required, url)
                for revision, scenarios in revisions.items()
                for scenario, required in scenarios.items()
                if host != "wasmtime" or (revision, scenario) not in needs_store
            ]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            failures = list(pool.map(lambda job: run(options, job, scratch), jobs))
    sys.exit(report(list(zip(jobs, failures)), revisions, not_passing))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mcp", type=Path, required=True, help="the plugin's binary")
    parser.add_argument("--wasmtime", type=Path, required=True, help="the Wasmtime CLI")
    parser.add_argument("--node", type=Path, required=True, help="Node.js, 22 or later")
    parser.add_argument("--suite", type=Path, required=True, help="the suite's entry point")
    parser.add_argument("--fixture", type=Path, required=True, help="the conformance fixture")
    found = os.environ.get("SPIN_BIN_PATH") or shutil.which("spin")
    parser.add_argument("--spin", default=found, help="Spin [default: SPIN_BIN_PATH, or the one on PATH]")
    return parser.parse_args()


def requirements(suite):
    """The scenarios for servers by revision, and of each whether it is required."""
    revisions = {}
    for path in sorted(HERE.glob("[0-9]*.txt")):
        revisions[path.stem] = dict.fromkeys(path.read_text().split(), True)
    for path in sorted((suite.parent.parent / "requirements").glob("*.yaml")):
        revisions[path.stem] = requirement_set(path)
    for revision in "2025-11-25", "2026-07-28":
        if True not in revisions.get(revision, {}).values():
            sys.exit(f"error: the suite's requirement sets require nothing of servers of {revision}")
    return revisions


def requirement_set(path):
    """Reads `server` and, of `not_scored`, what is for servers, in the one shape of YAML that
    these files have: lists of names, and lists of mappings to strings."""
    scenarios = {}
    section = name = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if match := re.fullmatch(r"(server|client|not_scored):", line):
            section = match[1]
        elif section in ("server", "client") and (match := re.fullmatch(r"  - ([\w/.-]+)", line)):
            if section == "server":
                scenarios[match[1]] = True
        elif section == "not_scored" and (match := re.fullmatch(r"  - scenario: ([\w/.-]+)", line)):
            name = match[1]
        elif name and (match := re.fullmatch(r"    leg: (server|client)", line)):
            if match[1] == "server":
                scenarios[name] = False
        elif not (name and re.match(r"    (reason|note): |      ", line)):
            sys.exit(f"error: {path.name}, line {number}: `{line}` is not of the expected shape")
    return scenarios


def exceptions(file, revisions):
    """Reads lines of `REVISION SCENARIO: REASON`; gives the reasons."""
    reasons = {}
    for number, line in enumerate((HERE / file).read_text().splitlines(), 1):
        match = re.fullmatch(r"(\S+) (\S+): (\S.*)", line)
        if not match or match[2] not in revisions.get(match[1], {}):
            sys.exit(f"error: {file}, line {number}: `{line}` names no scenario, or no reason")
        reasons[match[1], match[2]] = match[3]
    return reasons


def compose(options, edition, runtime, scratch):
    server = scratch / f"server-{edition}-{runtime}.wasm"
    if not server.exists():
        command = [options.mcp, "compose", options.fixture, "-o", server]
        command += ["--wasi", edition, "--runtime", runtime]
        composed = subprocess.run(command, capture_output=True, text=True)
        if composed.returncode:
            sys.exit(composed.stderr)
    return server


def mcp_serve(options, edition, scratch):
    server = compose(options, edition, "spin", scratch)
    command = [options.mcp, "serve", server, "--listen", "127.0.0.1:0"]
    return serving(command, scratch / f"{edition}-mcp.log")


def wasmtime_serve(options, edition, scratch):
    """It has no store, but a key for what clients keep for the server: a variable, which
    Wasmtime lets servers read only with `-S cli`."""
    server = compose(options, edition, "wasmtime", scratch)
    command = [options.wasmtime, "serve", "-S", "cli", "--addr", "127.0.0.1:0"]
    command += ["--env", f"mcp_state_key={secrets.token_hex(32)}", server]
    return serving(command, scratch / f"{edition}-wasmtime.log")


def spin_up(options, edition, scratch):
    app = scratch / f"spin-{edition}"
    app.mkdir()
    shutil.copy(compose(options, edition, "spin", scratch), app / "server.wasm")
    (app / "spin.toml").write_text(SPIN_TOML)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % free.getsockname()[1]
    command = [options.spin, "up", "--from", app / "spin.toml", "--state-dir", app, "--listen", address]
    return serving(command, scratch / f"{edition}-spin.log")


SPIN_TOML = """\
spin_manifest_version = 2

[application]
name = "conformance"
version = "0.1.0"

[[trigger.http]]
route = "/mcp"
component = "server"

[component.server]
source = "server.wasm"
key_value_stores = ["default"]
"""


@contextlib.contextmanager
def serving(command, log):
    """Starts a server; gives its URL, which it says itself, once it listens."""
    with open(log, "w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        deadline = time.monotonic() + PATIENCE
        while not (url := listening(log)):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"error: {command[0]} does not serve:\n{log.read_text()}")
            time.sleep(0.05)
        yield url + "/mcp"
    finally:
        # Spin has children.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def listening(log):
    found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
    if not found:
        return None
    parts = urllib.parse.urlsplit(found.group())
    try:
        socket.create_connection((parts.hostname, parts.port)).close()
    except OSError:
        return None
    return found.group()


def run(options, job, scratch):
    """Runs one scenario; gives why it failed, or nothing."""
    results = scratch / f"{job.edition}-{job.host}-{job.revision}-{job.scenario}"
    command = [options.node, options.suite, "server", "--url", job.url, "--scenario", job.scenario]
    # The revision says what to speak. Scenarios of extensions belong to none, hence the force.
    command += ["--spec-version", job.revision, "--force", "--output-dir", results]
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


def report(results, revisions, not_passing):
    """Says what failed and why, then how many passed for each revision and host; gives whether
    anything is not as it should be."""
    wrong = False
    for job, failure in results:
        reason = not_passing.get((job.revision, job.scenario))
        if failure and reason:
            print(f"not passing: {job.scenario} ({job.place()}): {reason}")
            print("    " + failure.replace("\n", "\n    "))
        elif failure:
            wrong = True
            scored = "" if job.required else "not scored, "
            print(f"FAILED {job.scenario} ({scored}{job.place()})")
            print("    " + failure.replace("\n", "\n    "))
        elif reason:
            wrong = True
            print(f"PASSED {job.scenario} ({job.place()}), which not-passing.txt lists; remove it there")

    places = dict.fromkeys((job.revision, job.edition, job.host) for job, _ in results)
    for revision, edition, host in sorted(places, key=lambda place: place[0]):
        of = {
            job.scenario: failure
            for job, failure in results
            if (job.revision, job.edition, job.host) == (revision, edition, host)
        }

        def passed(required):
            count = [of[name] is None for name in of if revisions[revision][name] == required]
            return f"{sum(count)}/{len(count)}"

        counts = f"{passed(True)} required"
        if False in revisions[revision].values():
            counts += f", {passed(False)} not scored"
        if left_out := len(revisions[revision]) - len(of):
            counts += f", {left_out} left out"
        print(f"conformance {revision}: {counts} (WASI {edition}, {host})")
    return wrong


if __name__ == "__main__":
    main()
