"""Idioms of the documentation of FastMCP."""

from typing import Annotated, Literal
from enum import Enum
from datetime import datetime
from uuid import UUID
from pathlib import Path
from fastmcp import FastMCP, Context
from fastmcp.prompts.prompt import Message, PromptMessage, TextContent
from fastmcp.resources import TextResource
from fastmcp.tools import Tool
from fastmcp.tools.tool import ToolResult
from fastmcp.exceptions import ToolError, ResourceError
from fastmcp.dependencies import CurrentContext, Depends
from pydantic import Field, BaseModel

mcp = FastMCP(name="HelpfulAssistant", instructions="x", on_duplicate_tools="error", include_tags={"public"})

@mcp.tool(name="find_products", description="Search the product catalog.", tags={"catalog"}, meta={"version": "1.2"}, timeout=30.0)
def search(query: str, category: str | None = None) -> list[dict]:
    """Internal."""
    return [{"id": 2, "name": "Another"}]

@mcp.tool
def process_image(url: Annotated[str, "URL"], size: Annotated[int, Field(ge=1, le=2000)] = 800, fmt: Literal["jpeg","png"]="jpeg", ids: set[UUID] | None = None, at: datetime | None = None, p: Path = Path("/x")) -> dict:
    return {"url": url, "ids": ids, "at": at, "p": p}

class Calc:
    def __init__(self, m): self.m = m
    def mul(self, x: int) -> int:
        """Multiplies."""
        return x * self.m
mcp.tool(Calc(3).mul)
mcp.add_tool(Tool.from_function(lambda x: x, name="lam", description="l"))

def get_user() -> str: return "u"
@mcp.tool
async def dep(q: int, user: str = Depends(get_user), ctx: Context = CurrentContext()) -> str:
    await ctx.set_state("a", {"b": 1}); 
    return f"{user} {await ctx.get_state('a')} {ctx.fastmcp.name}"

mcp.add_resource(TextResource(uri="resource://notice", name="Notice", text="N", tags={"x"}))

@mcp.resource("data://config", mime_type="application/json")
def config() -> dict:
    return {"a": 1}
@mcp.resource("repos://{owner}/{repo}/info")
async def info(owner: str, repo: str, ctx: Context) -> dict:
    return {"o": owner, "r": ctx.request_id}

@mcp.prompt("gen")
def gen(language: str, n: int = 2, data: dict[str, str] = {}) -> PromptMessage:
    return PromptMessage(role="user", content=TextContent(type="text", text=f"{language}{n}{data}"))
@mcp.prompt
def role(character: str) -> list[Message]:
    return [Message(f"a {character}"), Message("ok", role="assistant"), "plain"]

sub = FastMCP("sub")
@sub.tool
def inner() -> bool: return True
@sub.resource("data://x")
def x() -> str: return "X"
mcp.mount(sub, namespace="s")
if __name__ == "__main__":
    mcp.run(transport="http", port=8000)
