"""Apps with an `auth` table, and hosts that serve them."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from refusals import GUARDED_TOOL

# For a server to listen.
PATIENCE = 60
# Compose adds the routes, the store and the hosts that the server can reach.
SPIN_TOML = """\
spin_manifest_version = 2

[application]
name = "authorized"
version = "1.0.0"

[[trigger.http]]
route = "/mcp"
component = "mcp"

[component.mcp]
source = "mcp.wasm"

[component.mcp.tool.mcp]
wasi = "{wasi}"

[component.mcp.tool.mcp.auth]
resource = "{url}"
issuer = "{issuer}"
scopes = ["mcp:read"]

[component.mcp.tool.mcp.auth.needs]
tools = {{ {tool} = ["mcp:write"] }}
"""


def compose(options, folder, wasi, url, issuer, features):
    """Makes an app of features, each a component and further keys; gives its folder."""
    folder.mkdir()
    manifest = SPIN_TOML.format(wasi=wasi, url=url, issuer=issuer, tool=GUARDED_TOOL)
    for feature, keys in features.items():
        shutil.copy(feature, folder)
        manifest += f'\n[component.mcp.tool.mcp.features.{feature.stem}]\nsource = "{feature.name}"\n{keys}'
    (folder / "spin.toml").write_text(manifest)
    composed = subprocess.run([options.mcp, "compose", "--from", folder], capture_output=True, text=True)
    if composed.returncode:
        raise SystemExit(composed.stderr)
    return folder


def mcp_serve(options, app, port):
    return serving([options.mcp, "serve", "--from", app, "--listen", f"127.0.0.1:{port}"], app, port)


def spin_up(options, app, port):
    command = [options.spin, "up", "--from", app / "spin.toml", "--state-dir", app / "state"]
    return serving([*command, "--listen", f"127.0.0.1:{port}"], app, port)


def log_of(app):
    return app / "server.log"


@contextlib.contextmanager
def serving(command, app, port):
    """A server, until the context ends."""
    with open(log_of(app), "w") as output:
        # A group of its own, since Spin starts others.
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        deadline = time.monotonic() + PATIENCE
        while not listening(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"error: {command[0]} does not serve:\n{Path(log_of(app)).read_text()}")
            time.sleep(0.05)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def listening(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    return False
