"""The OAuth server in `server`, and what its clients get from it without MCP."""

import base64
import hashlib
import json
import secrets
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path

from browser import visit

PATIENCE = 60
# As `server.mjs` has it.
SECRET = "the secret of a machine"
# Nobody listens there: the browser ends where it is sent to.
CALLBACK = "http://127.0.0.1:8976/callback"


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class OAuthServer:
    """`issuer` makes it claim to be another one; `keys` begins the ids of its keys."""

    def __init__(self, options, log, resources, issuer=None, keys="a"):
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.issuer = issuer or self.origin
        self.command = [options.node, options.tools / "server" / "server.mjs"]
        self.settings = {"issuer": self.issuer, "port": self.port, "resources": resources, "keys": keys}
        self.log = Path(log)
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self, **changes):
        self.settings |= changes
        with open(self.log, "w") as output:
            command = [*self.command, json.dumps(self.settings)]
            self.process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + PATIENCE
        while not (lines := [line for line in self.log.read_text().splitlines() if line.startswith("{")]):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"error: the OAuth server does not listen:\n{self.log.read_text()}")
            time.sleep(0.05)
        self.machine_key = json.loads(lines[0])["machineKey"]

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()

    def token(self, resource, scope="mcp:read", client="machine-ES256"):
        """An access token that a machine gets for itself."""
        form = {"grant_type": "client_credentials", "scope": scope, "resource": resource}
        return self.post("token", form | {"client_id": client, "client_secret": SECRET})["access_token"]

    def login(self, resource, scope):
        """The tokens that a desktop application gets for its user."""
        verifier = secrets.token_urlsafe(32)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {"client_id": "desktop", "redirect_uri": CALLBACK, "resource": resource}
        page = asked | {"response_type": "code", "scope": scope, "prompt": "consent"}
        page |= {"code_challenge": challenge, "code_challenge_method": "S256"}
        callback = visit(f"{self.origin}/auth?{urllib.parse.urlencode(page)}")
        code = urllib.parse.parse_qs(urllib.parse.urlsplit(callback).query)["code"][0]
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        return self.post("token", asked | form)

    def post(self, path, form):
        data = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(f"{self.origin}/{path}", data, timeout=20) as answer:
            return json.load(answer)
