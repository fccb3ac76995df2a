"""`tests/python/servers/official.py` and `decorated.py`: what both documentations show."""

import asyncio
import importlib
from typing import Any, Literal

import decorated
import official
import pytest
from fastmcp import Client, Context, FastMCP
from fastmcp.exceptions import McpError, ToolError
from mcp.types import PromptReference


def run(server: Any, work: Any) -> Any:
    handlers: dict[str, Any] = {
        "elicitation_handler": lambda message: {"checkAlternative": True},
        "sampling_handler": lambda messages: "a poem",
    }

    async def inside() -> Any:
        async with Client(server, **handlers) as client:
            return await work(client)

    return asyncio.run(inside())


@pytest.mark.parametrize(
    ("tool", "arguments", "data"),
    [
        ("query_db", {}, "db"),
        ("book_table", {"date": "d", "time": "t", "party_size": 2}, "[SUCCESS] Booked for 2024-12-26"),
        ("generate_poem", {"topic": "x"}, "a poem"),
        ("untyped", {"x": [1]}, {"x": [1], "y": 2}),
        ("long", {}, "done"),
        ("raw", {}, {"a": 1}),
    ],
)
def test_tools_of_the_official_sdk(tool: str, arguments: dict[str, Any], data: Any) -> None:
    found = run(official.mcp, lambda client: client.call_tool(tool, arguments))
    assert found.data == data


def test_the_official_sdk_s_prompts_resources_and_completions() -> None:
    async def work(client: Client) -> None:
        messages = (await client.get_prompt("debug_error", {"error": "e"})).messages
        assert [message.role for message in messages] == ["user", "user", "assistant"]
        assert (await client.read_resource("greeting://Bob"))[0].text == "Hello, Bob!"
        found = await client.complete(PromptReference(name="debug_error"), {"name": "error", "value": "p"})
        assert found.values == ["python"]
        with pytest.raises(ToolError, match="^invalid arguments: one: bad name$"):
            await client.call_tool("items", {"one": {"name": "bad"}})
        await client.call_tool("long")
        assert client.told.log == [("info", "Starting"), ("warning", "w")]

    run(official.mcp, work)


def test_recursive_models_are_in_local_definitions() -> None:
    tool = official.mcp.tools["items"]
    parent = tool.parameters["$defs"]["Item"]["properties"]["parent"]
    assert parent == {"$ref": "#/$defs/Item"}
    assert tool.output_schema is not None
    absent = tool.output_schema["$defs"]["Item"]["properties"]["parent"]
    assert absent == {"anyOf": [{"$ref": "#/$defs/Item"}, {"type": "null"}]}


@pytest.mark.parametrize(
    ("tool", "arguments", "data"),
    [
        ("find_products", {"query": "d", "category": None}, [{"id": 2, "name": "Another"}]),
        ("mul", {"x": 2}, 6),
        ("lam", {"x": 5}, None),
        ("dep", {"q": 1}, "u {'b': 1} HelpfulAssistant"),
        ("s_inner", {}, True),
        (
            "process_image",
            {"url": "u", "at": "2026-01-01T00:00:00", "ids": ["12345678-1234-5678-1234-567812345678"]},
            {"url": "u", "at": "2026-01-01T00:00:00", "ids": ["12345678-1234-5678-1234-567812345678"], "p": "/x"},
        ),
    ],
)
def test_tools_of_fastmcp(tool: str, arguments: dict[str, Any], data: Any) -> None:
    found = run(decorated.mcp, lambda client: client.call_tool(tool, arguments))
    assert found.data == data


def test_prompts_and_resources_of_fastmcp() -> None:
    async def work(client: Client) -> None:
        for uri, text in (
            ("resource://notice", "N"),
            ("data://config", '{"a": 1}'),
            ("repos://a/b/info", '{"o": "a", "r": "1"}'),
            ("data://s/x", "X"),
        ):
            assert (await client.read_resource(uri))[0].text == text
        made = await client.get_prompt("gen", {"language": "py", "n": "3", "data": '{"a":"b"}'})
        assert made.messages[0].content.text == "py3{'a': 'b'}"
        roles = (await client.get_prompt("role", {"character": "x"})).messages
        assert [message.role for message in roles] == ["user", "assistant", "user"]

    run(decorated.mcp, work)
    with pytest.raises(AttributeError, match="`http_app` is not supported in a component"):
        decorated.mcp.http_app()


def test_a_function_says_who_sees_what() -> None:
    mcp: FastMCP[Any] = FastMCP("doors")

    def known(ctx: Context[Any, Any, Any]) -> bool:
        return ctx.session_id == "open"

    @mcp.tool(enabled=known)
    def door() -> int:
        return 1

    @mcp.resource("door://{name}", enabled=known)
    def named(name: str) -> str:
        return name

    @mcp.prompt(enabled=known)
    def ask(kind: Literal["front", "back"]) -> str:
        return kind

    async def work(session: str) -> tuple[int, ...]:
        async with Client(mcp, session_id=session) as client:
            completed = await client.complete(PromptReference(name="ask"), {"name": "kind", "value": ""})
            lists = (client.list_tools(), client.list_prompts(), client.list_resource_templates())
            if session == "shut":
                with pytest.raises(McpError, match="^unknown tool `door`$"):
                    await client.call_tool("door")
                with pytest.raises(McpError, match="^unknown resource `door://a`$"):
                    await client.read_resource("door://a")
                with pytest.raises(McpError, match="^unknown prompt `ask`$"):
                    await client.get_prompt("ask", {"kind": "back"})
            else:
                assert (await client.call_tool("door")).data == 1
                assert (await client.read_resource("door://a"))[0].text == "a"
            return (*[len(await found) for found in lists], len(completed.values))

    assert asyncio.run(work("shut")) == (0, 0, 0, 0)
    assert asyncio.run(work("open")) == (1, 1, 1, 2)


@pytest.mark.parametrize(
    ("module", "remedy"),
    [
        ("fastmcp.server.auth", "use the table `auth` of `spin.toml`"),
        ("fastmcp.server.middleware", "write a middleware component"),
        ("mcp.server.sse", "docs/reference/python.md lists what is supported"),
    ],
)
def test_modules_that_are_missing_are_explained(module: str, remedy: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=f"`{module}` is not part of a component; {remedy}"):
        importlib.import_module(module)
