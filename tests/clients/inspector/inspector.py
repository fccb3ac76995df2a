#!/usr/bin/env python3
"""Calls an MCP server with the MCP Inspector's CLI: `inspector.py NODE INSPECTOR MODE http URL`
or `inspector.py NODE INSPECTOR MODE stdio COMMAND…`, where MODE is `default` or a
`--protocol-era`.

The CLI makes one call and ends, so each step is a process and a connection of its own. The
steps come on stdin and the results leave on stdout; see `steps.py`.
"""

import json
import subprocess
import sys


def main(node, inspector, mode, _transport, *target):
    era = [] if mode == "default" else ["--protocol-era", mode]
    command = [node, inspector, "--cli", "--quiet", "--format", "json", *era, *target]

    def perform(method, params={}):
        called = subprocess.run(
            [*command, "--method", method, *flags(method, params)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        # Where a tool failed, the CLI prints what it said and then an error of its own.
        said = called.stdout or called.stderr
        try:
            return json.loads(said.strip().splitlines()[-1])
        except (IndexError, ValueError):
            return {"error": {"code": called.returncode, "message": said}}

    connected = perform("initialize")
    tell(connected.get("result", connected))
    for step in json.load(sys.stdin):
        tell(perform(step["method"], step["params"]))


def flags(method, params):
    if method == "tools/call":
        return ["--tool-name", params["name"], "--tool-args-json", json.dumps(params["arguments"])]
    if method == "resources/read":
        return ["--uri", params["uri"]]
    if method == "prompts/get":
        arguments = [f"{name}={value}" for name, value in params.get("arguments", {}).items()]
        return ["--prompt-name", params["name"], *(["--prompt-args", *arguments] if arguments else [])]
    return []


def tell(line):
    print(json.dumps(line), flush=True)


main(*sys.argv[1:])
