"""`examples/authorized`, as its README says, but on free ports."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import hosts
from oauth import free_port

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
# For the build of its feature, above all.
PATIENCE = 300


def keeps_its_word(options, scratch):
    """Why it does not, or nothing."""
    try:
        with contextlib.ExitStack() as cleanup:
            commands, expected = prepare(options, cleanup, scratch / "examples")
            path = f"{options.mcp.parent}:{options.node.parent}:{os.environ['PATH']}"
            ran = run(["bash", "-ceu", "\n".join(commands)], env=os.environ | {"PATH": path})
            assert ran == expected, f"the README's commands print {ran!r}, and not {expected!r}"
    except (AssertionError, subprocess.SubprocessError) as failure:
        return str(failure) or repr(failure)
    return None


def prepare(options, cleanup, examples):
    """Starts what the README starts; gives the commands that follow, and what they print."""
    ports = {"3000": str(free_port()), "4000": str(free_port())}
    app = examples / "authorized"
    ignored = shutil.ignore_patterns("node_modules", "target", "*.wasm")
    for name in ("authorized", "polyglot/distance"):
        shutil.copytree(ROOT / "examples" / name, examples / name, ignore=ignored)
    # A folder that stays warm.
    target = TARGET / "examples/distance"
    target.mkdir(parents=True, exist_ok=True)
    (examples / "polyglot/distance/target").symlink_to(target)
    for file in ("README.md", "spin.toml", "oauth/server.mjs"):
        text = (app / file).read_text()
        (app / file).write_text(re.sub(r"\b[34]000\b", lambda port: ports[port[0]], text))

    packages = options.tools / "server/node_modules"
    pinned = json.loads((app / "oauth/package.json").read_text())["dependencies"]["oidc-provider"]
    installed = json.loads((packages / "oidc-provider/package.json").read_text())["version"]
    assert pinned == installed, f"the example pins oidc-provider {pinned}, and the tests {installed}"
    (app / "oauth/node_modules").symlink_to(packages.resolve())
    log = app / "oauth/log"
    with open(log, "w") as output:
        oauth = subprocess.Popen([options.node, app / "oauth/server.mjs"], stdout=output, stderr=subprocess.STDOUT)
    cleanup.callback(oauth.wait)
    cleanup.callback(oauth.terminate)

    manifest = (app / "spin.toml").read_text()
    run([options.mcp, "build"], cwd=app)
    assert (app / "spin.toml").read_text() == manifest, "`mcp build` had to change `spin.toml`"
    cleanup.enter_context(hosts.mcp_serve(options, app, ports["3000"]))
    deadline = time.monotonic() + hosts.PATIENCE
    while "OAuth server at" not in log.read_text():
        assert oauth.poll() is None and time.monotonic() < deadline, f"no OAuth server:\n{log.read_text()}"
        time.sleep(0.05)
    return blocks((app / "README.md").read_text())


def blocks(readme):
    commands, printed = [], []
    for block in re.findall(r"^```console\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                commands.append(line[2:])
            elif line.startswith("    "):
                commands[-1] += f"\n{line}"
            else:
                printed.append(line)
    return commands, "".join(f"{line}\n" for line in printed)


def run(command, **options):
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, **options)
    assert ran.returncode == 0, f"`{command[0]}` failed:\n{ran.stdout}{ran.stderr}"
    # HTTP has lines of its own.
    return ran.stdout.replace("\r\n", "\n")
