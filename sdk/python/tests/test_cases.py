"""`tests/python/servers`, without a component."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import cases
import pytest
import showcase
import weather
from fastmcp import Client
from fastmcp.exceptions import McpError, ToolError

SHAPES = {
    "color": "blue",
    "style": 1,
    "pair": [1, "a"],
    "tree": {"name": "a", "children": [{"name": "b", "children": []}]},
    "person": {"name": "ada l", "other": 1},
}


def run(work: Callable[[Client], Any], **options: Any) -> Any:
    async def inside() -> Any:
        async with Client(cases.mcp, **options) as client:
            return await work(client)

    return asyncio.run(inside())


def call(tool: str, arguments: dict[str, Any] | None = None, **options: Any) -> Any:
    return run(lambda client: client.call_tool(tool, arguments), **options)


def refused(tool: str, arguments: dict[str, Any]) -> str:
    with pytest.raises(ToolError) as raised:
        call(tool, arguments)
    return str(raised.value)


def boolean_schemas(schema: Any, path: str = "") -> list[str]:
    """Where a schema is `true`, or `false` in another place than `additionalProperties`."""
    found = []
    for name, value in schema.items() if isinstance(schema, dict) else enumerate(schema) if isinstance(schema, list) else ():
        if isinstance(value, bool) and name not in ("additionalProperties", "uniqueItems", "default", "x-fastmcp-wrap-result") or name == "additionalProperties" and value is True:
            found.append(f"{path}/{name}")
        found += boolean_schemas(value, f"{path}/{name}")
    return found


def enums_without_type(schema: Any) -> int:
    if isinstance(schema, list):
        return sum(map(enums_without_type, schema))
    if not isinstance(schema, dict):
        return 0
    return ("enum" in schema and "type" not in schema) + sum(map(enums_without_type, schema.values()))


def test_schemas_are_such_as_all_clients_take() -> None:
    for tool in cases.mcp.tools.values():
        for schema in (tool.parameters, tool.output_schema):
            if schema is not None:
                assert boolean_schemas(schema) == [], tool.name
                assert enums_without_type(schema) == 0, tool.name
        assert tool.parameters["type"] == "object" and "properties" in tool.parameters
    shapes = cases.mcp.tools["shapes"].parameters
    node = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}}},
        "required": ["name", "children"],
        "additionalProperties": False,
        "description": "A tree.",
    }
    assert shapes["$defs"] == {"Node": node}
    properties = shapes["properties"]
    assert properties["tree"] == {"$ref": "#/$defs/Node"}
    assert properties["color"] == {"type": "string", "enum": ["red", "blue"]}
    assert properties["style"] == {
        "anyOf": [{"type": "string", "enum": ["solid", "dotted"]}, {"type": "integer", "enum": [1]}]
    }
    assert properties["pair"] == {
        "type": "array",
        "prefixItems": [{"type": "integer"}, {"type": "string"}],
        "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        "minItems": 2,
        "maxItems": 2,
    }
    person = properties["person"]["properties"]
    assert person == {
        "name": {"type": "string", "description": "The full name", "minLength": 1},
        "age": {"type": "integer"},
    }
    size = properties["size"]
    assert size["type"] == "object" and size["required"] == ["width", "height"]
    assert properties["when"] == {"type": "string", "format": "date", "default": "2026-01-02"}
    assert properties["scores"]["description"] == "By name."
    assert properties["anything"] == {}
    assert shapes["required"] == ["color", "style", "pair", "tree", "person"]
    tree = cases.mcp.tools["tree"].output_schema
    assert tree is not None and tree["type"] == "object" and tree["$defs"].keys() == {"Node"}


def test_outputs_have_the_schemas_of_fastmcp() -> None:
    def output(name: str) -> Any:
        return cases.mcp.tools[name].output_schema

    assert output("empty") == {
        "type": "object",
        "properties": {"result": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
        "required": ["result"],
        "x-fastmcp-wrap-result": True,
    }
    assert output("shapes") == {"type": "object"}
    assert output("logo") is None and output("media") is None and output("exact") is None
    assert output("us_get_alerts")["type"] == "array"
    assert output("us_get_alerts")["description"].startswith("The output schema of get_alerts")
    assert output("us_get_forecast")["properties"]["periods"]["items"]["properties"]["temperature"] == {
        "type": "integer",
        "description": "Forecast temperature",
    }


def test_values_have_the_types_of_their_hints() -> None:
    found = call("shapes", SHAPES).structured_content
    assert found == {
        "color": "blue",
        "style": 1,
        "pair": [1, "a"],
        "tree": {"name": "a", "children": [{"name": "b", "children": []}]},
        "person": {"name": "Ada L", "age": None},
        "size": None,
        "when": "2026-01-02",
        "scores": {},
        "anything": None,
    }
    kind = {"when": None, "scores": '{"a": 1}', "size": None, "tree": json.dumps(SHAPES["tree"]), "pair": [1.0, "a"]}
    again = call("shapes", SHAPES | kind).structured_content
    assert again == found | {"scores": {"a": 1.0}}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"color": "green"}, 'color: expected "red" or "blue", not `"green"`'),
        ({"style": True}, 'style: expected "solid" or "dotted" or 1, not `true`'),
        ({"pair": [1]}, "pair: expected 2 items, not 1"),
        ({"pair": ["1", "a"]}, 'pair[0]: expected an integer, not `"1"`'),
        ({"tree": {"name": "a", "children": [{"name": 1, "children": []}]}}, "tree.children[0].name: expected a string"),
        ({"tree": {"name": "a", "children": [], "x": 1}}, "tree.x: unknown field `x`, expected `name` or `children`"),
        ({"person": {"name": ""}}, "person.name: expected at least 1 characters, not 0"),
        ({"person": {}}, "person: missing field `name`"),
        ({"size": {"width": 1}}, "size: missing field `height`"),
        ({"when": "soon"}, "when: expected a date, not `\"soon\"`"),
        ({"more": 1}, "more: unknown field `more`, expected `color` or"),
        ({"person": "long" * 40}, "person: expected an object, not `\"long"),
    ],
)
def test_says_what_is_wrong_and_where(change: dict[str, Any], why: str) -> None:
    told = refused("shapes", SHAPES | change)
    assert told.startswith(f"invalid arguments: {why}"), told


def test_results_are_content() -> None:
    for what in ("text", "none"):
        found = call("empty", {"what": what})
        assert found.content == []
    kinds = [block.type for block in call("media").content]
    assert kinds == ["text", "image", "audio", "resource", "resource_link"]
    exact = call("exact")
    assert (exact.content[0].text, exact.structured_content, exact.meta) == ("said", {"is": 1}, {"example.com/m": True})
    assert refused("infinite", {}) == "JSON has no inf"
    assert refused("failing", {"how": "tool"}) == "it is too late"
    assert refused("failing", {"how": "key"}) == "KeyError: 'k'"
    waiting = call("waiting").data
    assert waiting == {"names": ["a", "b", "c", "late", "thread", "3"], "together": [3, 3, 3]}


TRIP = {"city": "Oslo", "nights": 2, "color": "blue"}


def test_a_function_asks_in_rounds() -> None:
    asked: list[str] = []
    schemas: list[Any] = []

    def answer(message: str, schema: Any) -> Any:
        asked.append(message)
        schemas.append(schema)
        if message.startswith("Which"):
            return TRIP
        return {"value": True} if message.startswith("Sure") else {"value": "cash"}

    told: list[Any] = []

    async def work(client: Client) -> Any:
        found = await client.call_tool("rounds")
        told.extend(client.told.progress)
        return found.data

    cases.ran.clear()
    found = run(work, elicitation_handler=answer, sampling_handler=lambda messages: "it", roots=["file:///w"])
    assert found == {
        "trip": TRIP,
        "number": True,
        "sure": True,
        "paid": "cash",
        "roots": ["file:///w"],
        "said": "it",
    }
    assert [message.partition(" ")[0] for message in asked] == ["Which", "Sure", "How?"]
    assert told == [(1, 4, None), (2, 4, None), (3, 4, None)]
    assert len(cases.ran) == 4, "it runs again, and cleans up each time"
    assert schemas[0] == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "title": "City"},
            "nights": {"type": "integer", "minimum": 1, "maximum": 14, "default": 3},
            "color": {"type": "string", "enum": ["red", "blue"], "default": "red"},
        },
        "required": ["city"],
    }
    titles = [{"const": "card", "title": "By card"}, {"const": "cash", "title": "Cash"}]
    assert schemas[2]["properties"]["value"] == {"type": "string", "oneOf": titles}


@pytest.mark.parametrize("action", ["decline", "cancel"])
def test_a_user_can_refuse(action: str) -> None:
    found = call("rounds", elicitation_handler=lambda message: {"action": action})
    assert found.data == {"stopped": action}


def test_an_answer_must_fit_the_form() -> None:
    with pytest.raises(ToolError, match="the answer does not fit the form: nights: expected at most 14"):
        call("rounds", elicitation_handler=lambda message: {"city": "Oslo", "nights": 99})


def test_another_question_than_before_is_an_error() -> None:
    with pytest.raises(ToolError) as raised:
        call("diverging", elicitation_handler=lambda message: {"value": "x"})
    assert "`diverging` asked something else than before: `At " in str(raised.value)
    assert "`ctx.once`" in str(raised.value)


def test_answers_that_are_too_large_are_an_error() -> None:
    def answer(message: str) -> Any:
        return TRIP | {"city": "x" * 40_000}

    with pytest.raises(ToolError, match="at most 32768 can be kept"):
        call("rounds", elicitation_handler=answer)


def test_prompts_and_resources() -> None:
    async def work(client: Client) -> Any:
        assert (await client.get_prompt("asking", {"level": "3"})).messages[0].content.text == "3: Ada"
        with pytest.raises(McpError, match="invalid arguments: level: expected an integer"):
            await client.get_prompt("asking", {"level": "x"})
        for uri, text in (
            ("files://a/b/c.txt?lines=3&numbered=true", "a|b/c.txt|3|True"),
            ("files://a/b%20c", "a|b c|1|False"),
        ):
            blob = (await client.read_resource(uri))[0].blob
            assert __import__("base64").b64decode(blob).decode() == text
        for uri in ("notes://café/x", "notes://caf%C3%A9/x", "NOTES://caf%c3%a9/x"):
            assert (await client.read_resource(uri))[0].text == "# x"
        with pytest.raises(McpError, match="not for you"):
            await client.read_resource("files://secret/x")
        for uri in ("files://none/x", "files://a/x?lines=many", "other://x", "files://a/%FF"):
            with pytest.raises(McpError, match="unknown resource"):
                await client.read_resource(uri)
        return (await client.call_tool("whole")).data

    found = run(work, elicitation_handler=lambda message: {"value": "Ada"})
    assert found == {"caller": None, "session": True, "read": "tea: 4.5", "revision": "2026-07-28"}


def test_uris_compare_as_rfc_3986_says() -> None:
    from spin_mcp.uris import Template

    for template, uri, given in (
        ("greeting://{name}", "GREETING://Bob", {"name": "Bob"}),
        ("http://Host/a{b}", "HTTP://hOST/aX", {"b": "X"}),
        ("http://h.{tld}/A", "http://H.Org/A", {"tld": "Org"}),
        ("http://h.{tld}/A", "http://h.org/a", None),
        ("a://b/{c}", "a://b/%7Ex%2Fy", {"c": "~x/y"}),
        ("a://b/{c}", "a://b/c/d", None),
        ("mail:{c}", "MAIL:x@Y", {"c": "x@Y"}),
    ):
        assert Template(template).fits(uri) == given, template
    with pytest.raises(ValueError, match="`&x` is not supported"):
        Template("a://b{&x}")


def test_a_context_has_any_number_of_type_arguments() -> None:
    from fastmcp import Context, FastMCP

    mcp = FastMCP("x")

    @mcp.tool
    def f(ctx: Context[None, int]) -> bool:  # type: ignore[type-arg]
        return isinstance(ctx, Context)

    async def use() -> Any:
        async with Client(mcp) as client:
            return (await client.call_tool("f")).data

    assert mcp.tools["f"].parameters["properties"] == {}
    assert asyncio.run(use()) is True


def test_state_is_kept_for_a_session_alone() -> None:
    async def ordered(client: Client) -> list[int]:
        call = lambda: client.call_tool("order", {"item": "tea", "count": 1})  # noqa: E731
        return [(await call()).data["number"] for _ in range(2)]

    yes = {"elicitation_handler": lambda message: {"value": "yes"}}
    assert run(ordered, **yes) == [1, 2]
    assert run(ordered, session_id=None, **yes) == [1, 1]


def test_weather_of_the_quickstart(monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["User-Agent"] == "weather-app/1.0"
        if request.url.endswith("/area/CA"):
            return httpx.Response(200, json={"features": [{"properties": {"event": "Wind"}}]})
        return httpx.Response(404)

    made = httpx.AsyncClient
    monkeypatch.setattr("httpx2.AsyncClient", lambda: made(transport=httpx.MockTransport(answer)))

    async def work() -> Any:
        async with Client(weather.mcp) as client:
            with pytest.raises(ToolError, match="Unable to fetch alerts for ZZ."):
                await client.call_tool("get_alerts", {"state": "zz"})
            return (await client.call_tool("get_alerts", {"state": "ca"})).structured_content

    assert asyncio.run(work())[0]["event"] == "Wind"


def test_the_showcase_offers_all_kinds() -> None:
    assert list(showcase.mcp.tools) == ["stock", "logo", "order"]
    assert [resource.uri for resource in showcase.mcp.resources] == ["shop://catalog", "shop://items/{name}"]
    assert list(showcase.mcp.prompts) == ["recommend"]
