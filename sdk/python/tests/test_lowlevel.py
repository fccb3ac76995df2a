"""A server of the official SDK's low level, which a function makes and runs."""

import asyncio
import uuid
from typing import Any

import pytest
from fastmcp import Client
from fastmcp.exceptions import McpError, ToolError
from mcp import types
from mcp.server import NotificationOptions, Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import UrlElicitationRequiredError
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


async def tools(ctx: Any, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
    page = int(params.cursor or 0) if params else 0
    tool = types.Tool(name=f"t{page}", input_schema={"type": "object"})
    return types.ListToolsResult(tools=[tool], next_cursor=None if page else "1")


async def call(ctx: ServerRequestContext, params: types.CallToolRequestParams) -> types.CallToolResult:
    if params.name == "t1":
        page = types.ElicitRequestURLParams(message="m", url="https://example.com", elicitation_id="e")
        raise UrlElicitationRequiredError([page])
    await ctx.session.send_tool_list_changed()
    drawn = str(uuid.uuid4())
    opened = await ctx.session.elicit_url("pay", f"https://example.com/?id={drawn}", drawn)
    assert opened.action == "decline"
    found = await ctx.session.elicit_form("sure?", {"type": "object", "properties": {}})
    return types.CallToolResult(content=[types.TextContent(text=f"{params.arguments} {found.action}")])


async def resources(ctx: Any, params: Any) -> types.ListResourcesResult:
    return types.ListResourcesResult(resources=[types.Resource(uri="new://a", name="a")])


async def read(ctx: Any, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
    blob = types.BlobResourceContents(uri=params.uri, blob="aGk=", mime_type="image/png")
    return types.ReadResourceResult(contents=[blob])


async def complete(ctx: Any, params: types.CompleteRequestParams) -> types.CompleteResult:
    return types.CompleteResult(completion=types.Completion(values=[params.argument.value * 2]))


def test_handlers_of_version_2() -> None:
    server: Server = Server(
        *("new", "1"), on_list_tools=tools, on_call_tool=call, on_list_resources=resources, on_read_resource=read, on_completion=complete
    )
    server._ready()

    async def use() -> None:
        async with Client(server, elicitation_handler=lambda message: None) as client:
            assert [tool.name for tool in await client.list_tools()] == ["t0", "t1"]
            found = await client.call_tool("t0", {"n": 1})
            assert found.content[0].text == "{'n': 1} decline"
            assert client.told.lists_changed == ["tools"] * 3
            with pytest.raises(McpError, match="^URL elicitation required$") as refused:
                await client.call_tool("t1")
            assert refused.value.error.code == -32042
            assert refused.value.error.data["elicitations"][0]["elicitationId"] == "e"
            (part,) = await client.read_resource("new://a")
            assert (part.blob, part.mime_type) == ("aGk=", "image/png")
            ref = types.ResourceTemplateReference(uri="new://a")
            assert (await client.complete(ref, {"name": "x", "value": "ab"})).values == ["abab"]

    asyncio.run(use())


def test_a_server_that_waits_before_it_runs_is_refused() -> None:
    async def late() -> None:
        await asyncio.sleep(1)

    with pytest.raises(RuntimeError):
        started(late)
