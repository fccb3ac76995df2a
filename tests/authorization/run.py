#!/usr/bin/env python3
"""Has OAuth clients that were not written here log in to the conformance fixture with an `auth`
table, composed for each WASI build, at an OAuth server that was not written here either
(oidc-provider), and checks what the server refuses.

A client program of `tests/clients` gets its task as a JSON object on stdin: how to `login`
(`registration`, published `metadata`, the `secret` of a machine or its `key`), and two tools,
`open` and `guarded`, of which the second needs a further scope. It prints one JSON object a
line: `{"login": {"client", "scope", "resource"}}` whenever it sends the user to the OAuth
server, `{"protocolVersion", "challenges"}` once it is connected, `{"tools": [name…]}`, and
`{"called", "text", "challenges"}` for each tool. `challenges` are the values of `WWW-Authenticate`
since the line before.
"""

import argparse
import contextlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import hosts
from example import keeps_its_word
from oauth import CALLBACK, SECRET, OAuthServer, free_port
from outage import outage
from refusals import ANOTHER_SERVER, CHECKS, GUARDED_TOOL, OPEN_TOOL, Place, verdict

HERE = Path(__file__).resolve().parent
CLIENTS = HERE.parent / "clients"
sys.path.append(str(CLIENTS))

from steps import mismatch

WASI_BUILDS = ["0.2", "0.3"]
# Much longer than any client takes.
PATIENCE = 120
EXAMPLE = "examples/authorized"
METADATA = "https://client.example/metadata.json"
READ = re.compile(r"^mcp:read( offline_access)?$")
WRITE = re.compile(r"^mcp:read (offline_access )?mcp:write( offline_access)?$")


@dataclass
class Client:
    name: str
    login: str
    mode: str
    revision: str
    program: list

    def row(self):
        return f"{self.name}, {self.login}, {self.mode}"

    def command(self, place):
        return [*self.program, self.mode, place.url]

    def task(self, place):
        machine = {"client": "machine-key" if self.login == "key" else "machine-ES256", "secret": SECRET}
        return machine | {
            "login": self.login,
            "key": place.oauth.machine_key,
            "issuer": place.oauth.issuer,
            "callback": CALLBACK,
            "metadata": METADATA,
            "browser": str(HERE / "browser.py"),
            "open": OPEN_TOOL,
            "guarded": GUARDED_TOOL,
        }

    def expected(self, place):
        """The lines that it has to print, by what they are about."""
        client = METADATA if self.login == "metadata" else re.compile("^[^:]+$")
        login = {"client": client, "resource": place.url}
        about = f'resource_metadata="{re.escape(place.metadata)}"'
        stranger = re.compile(f'^Bearer {about}, scope="mcp:read"$')
        more = re.compile(f'^Bearer error="insufficient_scope", (.*, )?scope="mcp:read mcp:write"')
        lines = [
            ("log in", {"login": login | {"scope": READ}}),
            ("connect", {"protocolVersion": self.revision, "challenges": [stranger]}),
            ("list tools", {"tools": [OPEN_TOOL, GUARDED_TOOL]}),
            ("call a tool", {"called": OPEN_TOOL, "text": "This is a simple text response for testing."}),
            ("log in for a further scope", {"login": login | {"scope": WRITE}}),
            (
                "call a tool that needs it",
                {"called": GUARDED_TOOL, "text": "reported progress three times", "challenges": [more]},
            ),
        ]
        asks_user = self.login in ("registration", "metadata")
        return [line for line in lines if asks_user or "login" not in line[1]]


class Inspector(Client):
    """It is given a token, and steps as in `tests/clients/steps.py`."""

    def command(self, place):
        header = f"Authorization: Bearer {place.token()}"
        return [*self.program, self.mode, "http", place.url, "--header", header]

    def task(self, _place):
        calls = [{"name": name, "arguments": {}} for name in (OPEN_TOOL, GUARDED_TOOL)]
        steps = [("tools/list", {}), *(("tools/call", params) for params in calls)]
        return [{"method": method, "params": params} for method, params in steps]

    def expected(self, _place):
        return [
            ("connect", {"protocolVersion": self.revision}),
            ("list tools", {"result": {"tools": [{"name": OPEN_TOOL}, {"name": GUARDED_TOOL}]}}),
            ("call a tool", {"result": {"content": [{"type": "text"}]}}),
            ("call a tool that needs a further scope", {"error": {"message": re.compile("403|scope")}}),
        ]


def clients(options):
    """All clients, the versions of which are read where they are pinned."""
    typescript = json.loads((CLIENTS / "typescript/package.json").read_text())["dependencies"]
    rmcp = re.search(r'name = "rmcp"\nversion = "(.*)"', (CLIENTS / "rust/Cargo.lock").read_text())[1]

    def node(major):
        return [options.node, options.tools / f"typescript/authorized-{major}.mjs"]

    def python(major):
        pins = (CLIENTS / f"python/requirements-{major}.txt").read_text()
        name = "Python mcp " + re.search(r"^mcp==(.*)$", pins, re.MULTILINE)[1]
        return name, [options.tools / f"python-{major}/bin/python", CLIENTS / "python/authorized.py"]

    people, all_but_key = ["registration", "metadata"], ["registration", "metadata", "secret"]
    old, new = "2025-11-25", "2026-07-28"
    kinds = [
        (f"TypeScript sdk {typescript['@modelcontextprotocol/sdk']}", node(1), people, {"default": old}),
        (
            f"TypeScript client {typescript['@modelcontextprotocol/client']}",
            node(2),
            [*all_but_key, "key"],
            {"default": old, "auto": new},
        ),
        (*python(1), all_but_key, {"default": old}),
        (*python(2), all_but_key, {"default": new, "legacy": old}),
        (f"rmcp {rmcp}", [options.rmcp], all_but_key, {"default": old, "auto": new}),
    ]
    inspector = json.loads((CLIENTS / "inspector/package.json").read_text())["dependencies"]
    package = "inspector/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"
    program = [sys.executable, CLIENTS / "inspector/inspector.py", options.node, options.tools / package]
    name = f"Inspector CLI {inspector['@modelcontextprotocol/inspector']}"
    return [
        Client(name, login, mode, revision, program)
        for name, program, logins, modes in kinds
        for login, (mode, revision) in itertools.product(logins, modes.items())
    ] + [Inspector(name, "header", "default", old, program)]


def main():
    options = arguments()
    chosen = [client for client in clients(options) if options.only in client.row()]
    names = [name for name in CHECKS if options.only in name]
    with_outage = options.only in "outage"
    if not (chosen or names or with_outage or options.only in EXAMPLE):
        sys.exit(f"error: no client and no check is called `{options.only}`")
    with contextlib.ExitStack() as cleanup:
        scratch = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="authorization-")))
        pool = cleanup.enter_context(ThreadPoolExecutor(os.cpu_count() + 1))
        # They sleep, most of the time.
        sleepers = cleanup.enter_context(ThreadPoolExecutor(2 * len(WASI_BUILDS) + 1))
        outages = sleepers.submit(away, options, cleanup, scratch) if with_outage else None
        example = pool.submit(keeps_its_word, options, scratch) if options.only in EXAMPLE else None
        places = serve_all(options, cleanup, scratch)
        results = {}
        for place in places:
            for name in names:
                executor = sleepers if name == "expired token" else pool
                results[name, place.name] = executor.submit(verdict, CHECKS[name], place)
            for client in chosen:
                results[client.row(), place.name] = pool.submit(run, client, place)
        results = {key: result.result() for key, result in results.items()}
        for place in places:
            results["no token in its log", place.name] = token_in(place.log)
        if outages:
            results |= outages.result()
        if example:
            results[EXAMPLE, "0.2 mcp serve"] = example.result()
    sys.exit(report(results) > 0)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mcp", type=Path, required=True, help="the plugin's binary")
    parser.add_argument("--node", type=Path, required=True, help="Node.js, 22 or later")
    parser.add_argument("--tools", type=Path, required=True, help="what `scripts/clients.sh` installed")
    parser.add_argument("--rmcp", type=Path, required=True, help="the client `authorized` in `tests/clients/rust`, built")
    parser.add_argument("--fixture", type=Path, required=True, help="the conformance fixture")
    found = os.environ.get("SPIN_BIN_PATH") or shutil.which("spin")
    parser.add_argument("--spin", default=found, help="Spin [default: SPIN_BIN_PATH, or the one on PATH]")
    parser.add_argument("--only", default="", help="run the clients and checks that have this in their name")
    options = parser.parse_args()
    # A path without a folder would be looked for on PATH.
    options.mcp = options.mcp.resolve()
    if not options.spin:
        print("skipped: authorization on Spin (`spin` is not on PATH, and SPIN_BIN_PATH does not name it)")
    return options


def serve_all(options, cleanup, scratch):
    """A server for each WASI build on each host, with one OAuth server for all."""
    starts = {"mcp serve": hosts.mcp_serve} | ({"spin up": hosts.spin_up} if options.spin else {})
    builds = {f"{wasi} {host}": (wasi, start) for wasi, (host, start) in itertools.product(WASI_BUILDS, starts.items())}
    ports = {name: free_port() for name in builds}
    urls = {name: url_at(port) for name, port in ports.items()}

    def oauth(name, **settings):
        resources = [*urls.values(), ANOTHER_SERVER]
        return cleanup.enter_context(OAuthServer(options, scratch / f"{name}.log", resources, **settings))

    genuine, foreign = oauth("oauth"), oauth("foreign")
    impostor = oauth("impostor", issuer=genuine.issuer)
    places = []
    for name, (wasi, start) in builds.items():
        app = serve(options, cleanup, scratch / name.replace(" ", "-"), wasi, start, ports[name], genuine)
        places.append(Place(name, urls[name], hosts.log_of(app), genuine, foreign, impostor))
    return places


def away(options, cleanup, scratch):
    """The claims of `outage`, on `mcp serve`."""
    ports = {(wasi, kind): free_port() for wasi, kind in itertools.product(WASI_BUILDS, ["asked", "unasked"])}
    oauth = OAuthServer(options, scratch / "away.log", [url_at(port) for port in ports.values()])
    places = {"asked": [], "unasked": []}
    for (wasi, kind), port in ports.items():
        app = serve(options, cleanup, scratch / f"{kind}-{wasi}", wasi, hosts.mcp_serve, port, oauth)
        places[kind].append(Place(f"{wasi} mcp serve", url_at(port), hosts.log_of(app), oauth))
    cleanup.callback(oauth.stop)
    return outage(oauth, **places)


def url_at(port):
    return f"http://127.0.0.1:{port}/mcp"


def serve(options, cleanup, folder, wasi, start, port, oauth):
    app = hosts.compose(options, folder, wasi, url_at(port), oauth.issuer, {options.fixture: ""})
    cleanup.enter_context(start(options, app, port))
    return app


def token_in(log):
    """A JWT begins so: `{"` in base64."""
    found = re.search(r".*eyJ.*", log.read_text())
    return f"it has {found.group()}" if found else None


def run(client, place):
    """Has a client do its task; gives why it failed, for each line that it has to print and for its
    end."""
    try:
        command, task = client.command(place), json.dumps(client.task(place))
        ran = subprocess.run(command, input=task, capture_output=True, text=True, timeout=PATIENCE)
        output, trouble = ran.stdout, f"the client ended with {ran.returncode}\n{ran.stderr.strip()}"
        finished = ran.returncode == 0
    except subprocess.TimeoutExpired as expired:
        output, finished = (expired.stdout or b"").decode(), False
        trouble = f"the client did not end within {PATIENCE} s\n{(expired.stderr or b'').decode()}"
    told = [json.loads(line) for line in output.splitlines()]
    outcome = {}
    for number, (name, expected) in enumerate(client.expected(place)):
        outcome[name] = mismatch(expected, told[number]) if number < len(told) else "it did not come so far"
    outcome["end"] = None if finished else trouble
    return outcome


def report(results):
    """What failed and why, and a matrix of what passed; gives how many failed. A result is that of a
    check, or those of a client by step."""
    results = {key: result if isinstance(result, dict) else {"": result} for key, result in results.items()}
    for (row, column), outcome in results.items():
        for step, why in outcome.items():
            if why:
                print(f"FAILED {': '.join(filter(None, [row, step]))} ({column})\n    " + why.replace("\n", "\n    "))
    columns = list(dict.fromkeys(column for _, column in results))
    table = [["", *columns]]
    for row in dict.fromkeys(row for row, _ in results):
        outcomes = [results.get((row, column), {}).values() for column in columns]
        table.append([row, *(f"{sum(why is None for why in whys)}/{len(whys)}" if whys else "" for whys in outcomes)])
    widths = [max(len(cell) for cell in column) for column in zip(*table)]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    whys = [why for outcome in results.values() for why in outcome.values()]
    failed = sum(why is not None for why in whys)
    print(f"authorization: {len(whys) - failed} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    main()
