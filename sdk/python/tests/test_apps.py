"""MCP Apps, as FastMCP has them."""

import asyncio
from typing import Any

import pytest
from fastmcp import Client, FastMCP
from fastmcp.apps import UI_MIME_TYPE, AppConfig, ResourceCSP

PAGE = "ui://chart/page.html"


def test_a_tool_names_its_page() -> None:
    mcp: FastMCP[Any] = FastMCP("apps")

    @mcp.tool(app=AppConfig(resource_uri=PAGE, visibility=["app"]), meta={"a": 1})
    def chart() -> str:
        return "a chart"

    @mcp.tool(app={"resourceUri": PAGE})
    def table() -> str:
        return "a table"

    @mcp.resource(PAGE, app=AppConfig(csp=ResourceCSP(connect_domains=["https://example.com"])))
    def page() -> str:
        return "<!doctype html>"

    assert mcp.tools["chart"].all_meta == {"a": 1, "ui": {"resourceUri": PAGE, "visibility": ["app"]}}
    assert mcp.tools["table"].all_meta == {"ui": {"resourceUri": PAGE}}
    (resource,) = mcp.resources
    assert resource.all_meta == {"ui": {"csp": {"connectDomains": ["https://example.com"]}}}
    assert resource.mime_type == UI_MIME_TYPE

    async def read() -> Any:
        async with Client(mcp) as client:
            return await client.read_resource(PAGE)

    assert asyncio.run(read())[0].mime_type == UI_MIME_TYPE


def test_what_would_do_nothing_is_refused() -> None:
    mcp: FastMCP[Any] = FastMCP("apps")
    with pytest.raises(TypeError, match="name a page"):
        mcp.tool("a", app=True)(lambda: "")
    with pytest.raises(ValueError, match="visibility"):
        mcp.tool("b", app={"visibility": ["user"]})(lambda: "")
