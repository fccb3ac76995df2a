"""Idioms of the official SDK's documentation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, List, Dict, Optional, TypeVar, Union
from mcp.server.fastmcp import Context, FastMCP, Image
from mcp.server.fastmcp.prompts import base
from mcp.server.session import ServerSession
from mcp.types import SamplingMessage, TextContent, CallToolResult, Completion, PromptReference, ToolAnnotations
from pydantic import BaseModel, Field, ConfigDict, model_validator, HttpUrl

@dataclass
class AppContext:
    db: str

@asynccontextmanager
async def app_lifespan(server: FastMCP) -> AsyncIterator[AppContext]:
    yield AppContext(db="db")

mcp = FastMCP("My App", lifespan=app_lifespan, dependencies=["x"], stateless_http=True)

@mcp.tool()
def query_db(ctx: Context[ServerSession, AppContext]) -> str:
    return ctx.request_context.lifespan_context.db

class Booking(BaseModel):
    model_config = ConfigDict(extra="forbid")
    checkAlternative: bool = Field(description="Would you like to check another date?")
    alternativeDate: str = Field(default="2024-12-26", description="Alternative date (YYYY-MM-DD)")

@mcp.tool()
async def book_table(date: str, time: str, party_size: int, ctx: Context[ServerSession, None]) -> str:
    result = await ctx.elicit(message=f"No tables available for {party_size} on {date}.", schema=Booking)
    if result.action == "accept" and result.data:
        if result.data.checkAlternative:
            return f"[SUCCESS] Booked for {result.data.alternativeDate}"
        return "[CANCELLED] No booking made"
    return "[CANCELLED] Booking cancelled"

@mcp.tool()
async def generate_poem(topic: str, ctx: Context[ServerSession, None]) -> str:
    result = await ctx.session.create_message(messages=[SamplingMessage(role="user", content=TextContent(type="text", text=f"Write {topic}"))], max_tokens=100)
    if result.content.type == "text":
        return result.content.text
    return str(result.content)

@mcp.resource("greeting://{name}")
def get_greeting(name: str) -> str:
    return f"Hello, {name}!"

@mcp.prompt(title="Debug Assistant")
def debug_error(error: str) -> list[base.Message]:
    return [base.UserMessage("I'm seeing this error:"), base.UserMessage(error), base.AssistantMessage("I'll help debug that.")]

@mcp.completion()
async def handle_completion(ref, argument, context) -> Completion | None:
    if isinstance(ref, PromptReference):
        return Completion(values=[l for l in ["python","js"] if l.startswith(argument.value)], hasMore=False)
    return None

class Item(BaseModel):
    name: str
    url: Optional[HttpUrl] = None
    parent: Optional["Item"] = None
    tags: List[str] = []
    @model_validator(mode="after")
    def check(self):
        if self.name == "bad": raise ValueError("bad name")
        return self

@mcp.tool(annotations=ToolAnnotations(title="T", readOnlyHint=True))
def items(one: Item, more: Dict[str, Item] = {}, mode: Union[int, str] = 1) -> List[Item]:
    return [one, *more.values()]

@mcp.tool()
def untyped(x, y=2):
    return {"x": x, "y": y}

@mcp.tool()
async def long(ctx: Context, steps: int = 2) -> str:
    await ctx.info("Starting"); await ctx.log("warning", "w", logger_name="x")
    for i in range(steps):
        await ctx.report_progress(progress=(i+1)/steps, total=1.0, message=f"Step {i+1}")
    return "done"

@mcp.tool()
def raw() -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text="r")], structuredContent={"a": 1}, isError=False)
