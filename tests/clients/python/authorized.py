"""Calls an MCP server that asks for authorization with the Python SDK, 1.x or 2.x:
`authorized.py MODE URL`, where MODE is `default` or a `mode` of `mcp.Client`.

What to do comes as JSON on stdin, and what came of it leaves on stdout; see
`tests/authorization/run.py`.
"""

import asyncio
import contextlib
import json
import sys
from importlib.metadata import version
from urllib.parse import parse_qs, urlsplit

from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import OAuthClientMetadata

IS_1 = version("mcp").startswith("1.")

# Those of the server since the last line.
challenges = []


class Storage:
    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


class Browser:
    def __init__(self, program):
        self.program = program

    async def open(self, url):
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        tell({"login": {"client": asked["client_id"], "scope": asked.get("scope"), "resource": asked.get("resource")}})
        process = await asyncio.create_subprocess_exec(self.program, url, stdout=asyncio.subprocess.PIPE)
        printed, _ = await process.communicate()
        self.callback = {name: values[0] for name, values in parse_qs(urlsplit(printed.decode().strip()).query).items()}

    async def result(self):
        if IS_1:
            return self.callback["code"], self.callback["state"]
        from mcp.client.auth import AuthorizationCodeResult

        return AuthorizationCodeResult(**{name: self.callback.get(name) for name in ("code", "state", "iss")})


async def main(mode, url):
    task = json.load(sys.stdin)
    async with connect(mode, url, provider(task, url)) as (client, protocol_version):
        tell({"protocolVersion": protocol_version, "challenges": challenges})
        listed = await client.list_tools()
        tell({"tools": [tool.name for tool in listed.tools]})
        for name in (task["open"], task["guarded"]):
            result = await client.call_tool(name, {})
            tell({"called": name, "text": result.content[0].text, "challenges": challenges})


def provider(task, url):
    if task["login"] == "secret":
        return ClientCredentialsOAuthProvider(
            url, Storage(), task["client"], task["secret"], issuer=task["issuer"]
        )
    metadata = OAuthClientMetadata(
        client_name="acceptance",
        redirect_uris=[task["callback"]],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        token_endpoint_auth_method="none",
    )
    published = task["metadata"] if task["login"] == "metadata" else None
    browser = Browser(task["browser"])
    return OAuthClientProvider(
        url, metadata, Storage(), browser.open, browser.result, client_metadata_url=published
    )


@contextlib.asynccontextmanager
async def connect(mode, url, auth):
    async with create_mcp_http_client(auth=auth) as http:
        http.event_hooks = {"response": [watch]}
        opened = streamable_http_client(url, http_client=http)
        if IS_1:
            async with opened as (incoming, outgoing, *_):
                async with ClientSession(incoming, outgoing) as session:
                    initialized = await session.initialize()
                    yield session, initialized.protocolVersion
        else:
            from mcp import Client

            chosen = {} if mode == "default" else {"mode": mode}
            async with Client(opened, **chosen) as client:
                yield client, client.protocol_version


async def watch(response):
    challenges.extend(response.headers.get_list("www-authenticate"))


def tell(line):
    print(json.dumps(line), flush=True)
    if "challenges" in line:
        challenges.clear()


asyncio.run(main(*sys.argv[1:]))
