"""A server of the official SDK's low level, which a function makes and runs."""

import asyncio
from typing import Any

import pytest
from fastmcp import Client
from fastmcp.exceptions import McpError, ToolError
from mcp import types
from mcp.server import NotificationOptions, Server
from mcp.server.stdio import stdio_server
from spin_mcp.lowlevel import started


async def serve() -> None:
    server = Server("low")
    made.append(server)

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
        hints = types.ToolAnnotations(readOnlyHint=True)  # type: ignore[call-arg]
        return [types.Tool(name="double", inputSchema=schema, annotations=hints)]  # type: ignore[call-arg]

    @server.call_tool()
    async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.TextContent]:
        if "n" not in arguments:
            raise ValueError("there is no `n`")
        await server.request_context.session.send_log_message("info", name)
        return [types.TextContent(type="text", text=str(arguments["n"] * 2))]

    @server.list_prompts()
    async def list_prompts() -> list[types.Prompt]:
        argument = types.PromptArgument(name="who", description="Whom to greet.", required=True)
        return [types.Prompt(name="greet", arguments=[argument])]

    @server.get_prompt()
    async def get_prompt(name: str, arguments: dict[str, str]) -> types.GetPromptResult:
        said = types.TextContent(text=f"{name} {arguments['who']}")
        return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=said)])

    @server.list_resources()
    async def list_resources() -> list[types.Resource]:
        return [types.Resource(uri="low://a", name="a", mimeType="text/plain")]  # type: ignore[call-arg]

    @server.list_resource_templates()
    async def list_resource_templates() -> list[types.ResourceTemplate]:
        return [types.ResourceTemplate(uri_template="low://{name}/x", name="x")]

    @server.read_resource()
    async def read_resource(uri: Any) -> str:
        return f"read {uri}"

    options = server.create_initialization_options(NotificationOptions())
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, options)


made: list[Server] = []


def main() -> None:
    asyncio.run(serve())


@pytest.mark.parametrize("start", [main, serve])
def test_handlers_become_a_server(start: Any) -> None:
    started(start)

    async def use() -> None:
        async with Client(made[-1]) as client:
            (tool,) = await client.list_tools()
            assert tool.parameters["properties"] == {"n": {"type": "integer"}}
            assert tool.annotations == {"readOnlyHint": True}
            found = await client.call_tool("double", {"n": 4})
            assert [block.text for block in found.content] == ["8"]
            assert client.told.log == [("info", "double")]
            with pytest.raises(ToolError, match="there is no `n`"):
                await client.call_tool("double")
            got = await client.get_prompt("greet", {"who": "Ada"})
            assert got.messages[0].content.text == "greet Ada"
            (argument,) = (await client.list_prompts())[0].function.slots
            assert argument.required
            for uri in ("low://a", "low://b/x"):
                assert (await client.read_resource(uri))[0].text == f"read {uri}"
            with pytest.raises(McpError, match="unknown resource"):
                await client.read_resource("low://c")

    asyncio.run(use())


def test_a_server_that_waits_before_it_runs_is_refused() -> None:
    async def late() -> None:
        await asyncio.sleep(1)

    with pytest.raises(RuntimeError):
        started(late)
