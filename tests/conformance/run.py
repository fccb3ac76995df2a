#!/usr/bin/env python3
"""Runs the official conformance suite against a server of the two fixtures that it needs,
composed for each edition, on each host; and once with an `auth` table, behind a proxy that adds a
token, since the suite cannot.

The suite itself says which scenarios there are: for the revisions since 2025-11-25 those that
are required, and others that it runs but does not score; for older ones those that apply, all
of which are required here. It runs them whole, and that it did is checked.

A scenario passes if none of its checks fails and at least one succeeds. All have to, except
those in two lists of lines `REVISION SCENARIO: REASON`, none of which may: `not-passing.txt`,
which may name no scenario that is required, and `needs-store.txt`, for hosts without a store.
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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "authorization"))

import hosts
from oauth import OAuthServer, free_port

WASI_BUILDS = ["0.2", "0.3"]
OLDER_REVISIONS = ["2025-03-26", "2025-06-18"]
REQUIREMENT_SETS = ["2025-11-25", "2026-07-28"]
# For a server to listen.
PATIENCE = 60
# For all scenarios of a revision, which take 15 seconds on an idle machine. The suite itself
# gives one 30 seconds.
LONG_PATIENCE = 600
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


@dataclass(frozen=True)
class Revision:
    name: str
    # What to tell the suite in order to have all scenarios run.
    selection: list[str]
    required: list[str]
    not_scored: list[str]

    def scenarios(self):
        return self.required + self.not_scored


@dataclass(frozen=True)
class Place:
    edition: str
    host: str
    has_store: bool
    url: str

    def __str__(self):
        return f"WASI {self.edition}, {self.host}"


def main():
    options = arguments()
    revisions = [older_revision(options, name) for name in OLDER_REVISIONS]
    revisions += [requirement_set(options, name) for name in REQUIREMENT_SETS]
    not_passing = exceptions("not-passing.txt", revisions)
    needs_store = exceptions("needs-store.txt", revisions)
    for revision in revisions:
        for scenario in revision.required:
            if (revision.name, scenario) in not_passing:
                sys.exit(f"error: `not-passing.txt` lists `{scenario}`, which {revision.name} requires")

    runners = [("mcp serve", True, mcp_serve), ("wasmtime", False, wasmtime_serve)]
    if options.spin:
        runners.append(("spin up", True, spin_up))
    else:
        print("skipped: conformance on Spin (`spin` is not on PATH, and SPIN_BIN_PATH does not name it)")

    with contextlib.ExitStack() as cleanup:
        scratch = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="conformance-")))
        places = []
        runs = list(itertools.product(WASI_BUILDS, runners))
        if options.tools:
            runs.append((WASI_BUILDS[-1], ("mcp serve with `auth`", True, authorized)))
        for edition, (host, has_store, start) in runs:
            url = cleanup.enter_context(start(options, edition, scratch))
            places.append(Place(edition, host, has_store, url))
        jobs = list(itertools.product(revisions, places))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(lambda job: run(options, *job, scratch), jobs))

    passed = failed = 0
    for (revision, place), failures in zip(jobs, results):
        excepted = not_passing if place.has_store else not_passing | needs_store
        failed += report(revision, place, failures, excepted)
        passed += sum(why is None for why in failures.values())
    explain("not passing", not_passing)
    explain("not passing without a store", needs_store)
    print(f"conformance: {passed} passed, {failed} failed")
    sys.exit(failed > 0)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mcp", type=Path, required=True, help="the plugin's binary")
    parser.add_argument("--wasmtime", type=Path, required=True, help="the Wasmtime CLI")
    parser.add_argument("--node", type=Path, required=True, help="Node.js, 22 or later")
    parser.add_argument("--suite", type=Path, required=True, help="the suite's entry point")
    parser.add_argument("--fixture", type=Path, required=True, help="the fixture `conformance`")
    parser.add_argument("--changes", type=Path, required=True, help="the fixture `changes`, whose lists change")
    parser.add_argument("--tools", type=Path, help="what `scripts/clients.sh` installed: the OAuth server is there")
    found = os.environ.get("SPIN_BIN_PATH") or shutil.which("spin")
    parser.add_argument("--spin", default=found, help="Spin [default: SPIN_BIN_PATH, or the one on PATH]")
    options = parser.parse_args()
    # A path without a folder would be looked for on PATH.
    options.mcp = options.mcp.resolve()
    return options


def older_revision(options, name):
    text = listing(options, "--server", "--spec-version", name)
    scenarios = re.findall(r"^  - (\S+) \[[\d,-]+\]$", text, re.MULTILINE)
    if not scenarios or len(scenarios) != len(text.splitlines()) - 1:
        sys.exit(f"error: cannot read which scenarios apply to {name}:\n{text}")
    return Revision(name, ["--suite", "all", "--spec-version", name], scenarios, [])


def requirement_set(options, name):
    """What a revision requires of servers. The suite says how many names it lists, so that
    none can be missed."""
    text = listing(options, "--requirements", name)
    total = re.search(rf"^Required for {name} \((\d+) scenarios", text)
    required = {
        leg: re.findall(r"^  - (\S+)$", names, re.MULTILINE)
        for leg, names in re.findall(r"^(Server|Client) scenarios .*:\n((?:  - .*\n)+)", text, re.MULTILINE)
    }
    not_scored = re.findall(r"^    - (\S+) \[(server|client)\]$", text, re.MULTILINE)
    not_scored_total = sum(map(int, re.findall(r"^  [\w-]+ \((\d+)\):$", text, re.MULTILINE)))
    complete = total and int(total[1]) == sum(map(len, required.values()))
    if not complete or len(not_scored) != not_scored_total or not required.get("Server"):
        sys.exit(f"error: cannot read what the suite requires for {name}:\n{text}")
    others = [scenario for scenario, leg in not_scored if leg == "server"]
    return Revision(name, ["--requirements", name], required["Server"], others)


def listing(options, *selection):
    command = [options.node, options.suite, "list", *selection]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def exceptions(file, revisions):
    """The reasons of a list, by revision and scenario."""
    known = {(revision.name, scenario) for revision in revisions for scenario in revision.scenarios()}
    reasons = {}
    for number, line in enumerate((HERE / file).read_text().splitlines(), 1):
        match = re.fullmatch(r"(\S+) (\S+): (\S.*)", line)
        if not match or match.group(1, 2) not in known:
            sys.exit(f"error: `{file}`, line {number}: `{line}` names no scenario, or gives no reason")
        reasons[match.group(1, 2)] = match[3]
    return reasons


def mcp_serve(options, edition, scratch):
    server = compose(options, edition, "spin", scratch)
    command = [options.mcp, "serve", server, "--listen", "127.0.0.1:0"]
    return serving(command, scratch / f"mcp-{edition}.log")


def wasmtime_serve(options, edition, scratch):
    """It has no store; the key is for what clients keep for the server."""
    server = compose(options, edition, "wasmtime", scratch)
    command = [options.wasmtime, "serve", "-Scli", "--addr", "127.0.0.1:0"]
    command += ["--env", f"mcp_state_key={secrets.token_hex(32)}", server]
    return serving(command, scratch / f"wasmtime-{edition}.log")


def spin_up(options, edition, scratch):
    app = scratch / f"spin-{edition}"
    app.mkdir()
    shutil.copy(compose(options, edition, "spin", scratch), app / "server.wasm")
    (app / "spin.toml").write_text(SPIN_TOML)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % free.getsockname()[1]
    command = [options.spin, "up", "--from", app / "spin.toml", "--state-dir", app, "--listen", address]
    return serving(command, scratch / f"spin-{edition}.log")


@contextlib.contextmanager
def authorized(options, edition, scratch):
    port = free_port()
    url = f"http://127.0.0.1:{port}/mcp"
    with OAuthServer(options, scratch / "oauth.log", [url]) as oauth:
        features = {options.fixture: "", options.changes: "dynamic = true\n"}
        app = hosts.compose(options, scratch / "authorized", edition, url, oauth.issuer, features)
        with hosts.mcp_serve(options, app, port):
            command = [options.node, options.tools / "server/proxy.mjs", url, oauth.token(url, "mcp:read mcp:write")]
            with serving(command, scratch / "proxy.log") as proxied:
                yield proxied


def compose(options, edition, runtime, scratch):
    server = scratch / f"server-{edition}-{runtime}.wasm"
    if not server.exists():
        command = [options.mcp, "compose", options.fixture, options.changes, "-o", server]
        command += ["--dynamic", options.changes.stem, "--wasi", edition, "--runtime", runtime]
        composed = subprocess.run(command, capture_output=True, text=True)
        if composed.returncode:
            sys.exit(composed.stderr)
    return server


@contextlib.contextmanager
def serving(command, log):
    """Starts a server; gives its URL, which it says itself, once it listens there."""
    with open(log, "w") as output:
        # A group of its own, since Spin starts others.
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        deadline = time.monotonic() + PATIENCE
        while not (url := listening(log)):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"error: {command[0]} does not serve:\n{log.read_text()}")
            time.sleep(0.05)
        yield url + "/mcp"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def listening(log):
    found = re.search(r"http://(127\.0\.0\.1):(\d+)", log.read_text())
    with contextlib.suppress(OSError):
        if found and socket.create_connection((found[1], int(found[2]))).close() is None:
            return found.group()
    return None


def run(options, revision, place, scratch):
    """Runs all scenarios of a revision; gives for each why it failed, or nothing."""
    results = scratch / f"{revision.name}-{place}"
    command = [options.node, options.suite, "server", "--url", place.url, "--output-dir", results]
    try:
        suite = subprocess.run(command + revision.selection, capture_output=True, text=True, timeout=LONG_PATIENCE)
        said = suite.stdout + suite.stderr
    except subprocess.TimeoutExpired:
        said = f"the suite did not end within {LONG_PATIENCE} s"
    found = {
        re.fullmatch(r"server-(.+)-\d{4}-\d\d-\d\dT.*", file.parent.name)[1]: json.loads(file.read_text())
        for file in results.glob("*/checks.json")
    }
    if surplus := found.keys() - set(revision.scenarios()):
        sys.exit(f"error: the suite ran {sorted(surplus)}, which it does not list for {revision.name}")
    return {
        scenario: failure(found[scenario]) if scenario in found else did_not_run(scenario, said)
        for scenario in revision.scenarios()
    }


def failure(checks):
    failed = [f"{check['id']}: {check.get('errorMessage', '')}" for check in checks if check["status"] == "FAILURE"]
    if not failed and not any(check["status"] == "SUCCESS" for check in checks):
        return "none of its checks succeeded"
    return "\n".join(failed) or None


def did_not_run(scenario, said):
    why = re.search(rf"Failed to run scenario {re.escape(scenario)}: (.*)", said)
    return f"did not run: {why[1] if why else said[-500:]}"


def report(revision, place, failures, excepted):
    """Says which scenarios did not do what was expected and why, and how many passed; gives
    how many did not do what was expected."""
    unexpected = 0
    for scenario, failure in failures.items():
        reason = excepted.get((revision.name, scenario))
        if failure and not reason:
            unexpected += 1
            print(f"FAILED {scenario} ({revision.name}, {place})\n    " + failure.replace("\n", "\n    "))
        elif reason and not failure:
            unexpected += 1
            print(f"PASSED {scenario} ({revision.name}, {place}), which is listed as not passing: {reason}")

    def passed(scenarios):
        return f"{sum(failures[name] is None for name in scenarios)}/{len(scenarios)}"

    counts = f"{passed(revision.required)} required"
    if revision.not_scored:
        counts += f", {passed(revision.not_scored)} not scored"
    print(f"conformance {revision.name}: {counts} ({place})")
    return unexpected


def explain(what, reasons):
    """Says what is listed, together where the reason is the same."""
    for reason in dict.fromkeys(reasons.values()):
        scenarios = dict.fromkeys(scenario for (_, scenario), why in reasons.items() if why == reason)
        print(f"{what}: {', '.join(scenarios)}: {reason}")


if __name__ == "__main__":
    main()
