"""Calls an MCP server with the Python SDK, 1.x or 2.x: `client.py MODE http URL` or
`client.py MODE stdio COMMAND…`, where MODE is `default` or a `mode` of `mcp.Client`.

The steps come on stdin and the results leave on stdout; see `steps.py`.
"""

import asyncio
import contextlib
import json
import sys
from importlib.metadata import version

from mcp import ClientSession, StdioServerParameters, types
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

answer = {}
asked = []


async def main(mode, transport, *target):
    steps = json.load(sys.stdin)
    async with connect(mode, transport, target) as (client, protocol_version):
        tell({"protocolVersion": protocol_version})
        for step in steps:
            tell(await perform(client, step))


@contextlib.asynccontextmanager
async def connect(mode, transport, target):
    command = StdioServerParameters(command=target[0], args=list(target[1:]))
    if version("mcp").startswith("1."):
        opened = stdio_client(command) if transport == "stdio" else streamable_http_client(target[0])
        async with opened as (incoming, outgoing, *_):
            async with ClientSession(incoming, outgoing, elicitation_callback=elicit) as session:
                initialized = await session.initialize()
                yield session, initialized.protocolVersion
    else:
        from mcp import Client

        server = command if transport == "stdio" else target[0]
        chosen = {} if mode == "default" else {"mode": mode}
        async with Client(server, elicitation_callback=elicit, **chosen) as client:
            yield client, client.protocol_version


async def elicit(_context, params):
    asked.append(wire(params))
    return types.ElicitResult(action="accept", content=answer)


async def perform(client, step):
    params = step.get("params", {})
    progress = []

    async def on_progress(value, _total, _message):
        progress.append(value)

    answer.clear()
    answer.update(step.get("answer", {}))
    asked.clear()
    try:
        match step["method"]:
            case "tools/list":
                result = await client.list_tools()
            case "tools/call":
                result = await client.call_tool(**params, progress_callback=on_progress)
            case "resources/list":
                result = await client.list_resources()
            case "resources/templates/list":
                result = await client.list_resource_templates()
            case "resources/read":
                result = await client.read_resource(**params)
            case "prompts/list":
                result = await client.list_prompts()
            case "prompts/get":
                result = await client.get_prompt(**params)
            case "completion/complete":
                ref = types.PromptReference(**params["ref"])
                result = await client.complete(ref, params["argument"])
            case unknown:
                raise ValueError(f"no such method: {unknown}")
    except Exception as failure:
        error = getattr(failure, "error", None)
        return {"error": {"code": getattr(error, "code", None), "message": repr(failure)}}
    return {"result": wire(result), "progress": progress, "asked": asked}


def wire(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def tell(line):
    print(json.dumps(line), flush=True)


asyncio.run(main(*sys.argv[1:]))
