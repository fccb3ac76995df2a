"""What the other servers do not do, and the other servers."""

import asyncio
import datetime
import enum
import random
import time
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Optional, TypedDict

import showcase
import weather
from fastmcp import Context, FastMCP
from fastmcp.exceptions import NotFoundError, ResourceError, ToolError
from fastmcp.server.dependencies import CurrentContext, get_access_token
from fastmcp.tools import ToolResult
from fastmcp.utilities.types import Audio, File, Image
from mcp.types import Icon, ResourceLink, TextContent, ToolAnnotations
from pydantic import BaseModel, Field, field_validator

mcp = FastMCP("cases")
mcp.mount(showcase.mcp)
mcp.mount(weather.mcp, prefix="us")
ran: list[str] = []


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Node:
    """A tree."""

    name: str
    children: "list[Node]"


class Person(BaseModel):
    name: str = Field(description="The full name", min_length=1)
    age: Optional[int] = None

    @field_validator("name")
    @classmethod
    def capitalized(cls, name: str) -> str:
        return name.title()


class Size(TypedDict):
    width: int
    height: int


class Trip(BaseModel):
    city: str = Field(title="City")
    nights: int = Field(3, ge=1, le=14)
    color: Color = Color.RED


@mcp.tool(
    "shapes",
    title="Shapes",
    description="Takes all kinds of values.",
    annotations=ToolAnnotations(read_only_hint=True),
    icons=[Icon(src="https://example.com/i.png", mime_type="image/png", sizes=["48x48"])],
    tags={"test"},
    meta={"example.com/level": 3},
)
def shapes(
    color: Color,
    style: Literal["solid", "dotted", 1],
    pair: tuple[int, str],
    tree: Node,
    person: Person,
    size: Size | None = None,
    when: datetime.date = datetime.date(2026, 1, 2),
    scores: Annotated[dict[str, float], "By name."] = {},
    anything: Any = None,
) -> dict[str, Any]:
    return {
        "color": color,
        "style": style,
        "pair": pair,
        "tree": tree,
        "person": person,
        "size": size,
        "when": when,
        "scores": scores,
        "anything": anything,
    }


@mcp.tool()
def tree() -> Node:
    return Node("root", [Node("leaf", [])])


@mcp.tool()
def empty(what: Literal["text", "none"]) -> str | None:
    return "" if what == "text" else None


@mcp.tool()
def media() -> list[Any]:
    link = ResourceLink(uri="shop://catalog", name="catalog")
    return ["text", Image(data=b"i", format="jpeg"), Audio(data=b"a"), File(data=b"{}", format="json", name="f"), link]


@mcp.tool()
def exact() -> ToolResult:
    return ToolResult([TextContent(type="text", text="said")], {"is": 1}, meta={"example.com/m": True})


@mcp.tool()
def infinite() -> float:
    return float("inf")


@mcp.tool()
def failing(how: str) -> str:
    if how == "tool":
        raise ToolError("it is too late")
    raise KeyError("k")


@mcp.tool()
async def waiting() -> dict[str, Any]:
    here: set[str] = set()
    together: list[int] = []

    async def one(name: str) -> str:
        here.add(name)
        await asyncio.sleep(0.01)
        together.append(len(here))
        return name

    names = await asyncio.gather(*map(one, "abc"))
    try:
        await asyncio.wait_for(asyncio.sleep(60), 0.01)
    except asyncio.TimeoutError:
        names.append("late")
    names.append(await asyncio.to_thread(lambda: "thread"))
    # Python reads this module when it is called.
    names.append(str(datetime.datetime.strptime("2026-02-03", "%Y-%m-%d").day))
    return {"names": names, "together": together}


@mcp.tool()
async def rounds(ctx: Context) -> dict[str, Any]:
    """Asks alone, then twice at once, with work in between that happens once."""
    await ctx.report_progress(1, 4)
    trip = await ctx.elicit("Which trip?", response_type=Trip)
    if trip.action != "accept":
        return {"stopped": trip.action}

    async def paying() -> Any:
        for _ in range(3):
            await asyncio.sleep(0)
        return await ctx.elicit("How?", response_type={"card": {"title": "By card"}, "cash": {"title": "Cash"}})

    number = await ctx.once("number", lambda: random.randint(1, 1_000_000_000))
    await ctx.report_progress(2, 4)
    try:
        sure, paid = await asyncio.gather(
            ctx.elicit(f"Sure about {number}?", response_type=bool),
            paying(),
        )
    finally:
        ran.append("finally")
    await ctx.report_progress(3, 4)
    roots, said = await ctx.list_roots(), await ctx.sample("Say it.", max_tokens=7, system_prompt="Be short.")
    return {
        "trip": trip.data,
        "number": number == await ctx.once("number", lambda: 0),
        "sure": getattr(sure, "data", None),
        "paid": getattr(paid, "data", None),
        "roots": [root.uri for root in roots],
        "said": said.text,
    }


@mcp.tool()
async def diverging(ctx: Context) -> str:
    await ctx.elicit(f"At {time.monotonic_ns()}?", response_type=str)
    return "never"


@mcp.tool()
async def whole(ctx: Context = CurrentContext()) -> dict[str, Any]:
    await ctx.warning("careful", extra={"a": 1})
    caller = get_access_token()
    found = await ctx.read_resource("shop://items/tea")
    return {"caller": caller, "session": ctx.session_id is not None, "read": found[0].content, "revision": ctx.protocol_version}


@mcp.resource("files://{folder}/{path*}{?lines,numbered}")
async def file(folder: str, path: str, lines: int = 1, numbered: bool = False) -> bytes:
    if folder == "secret":
        raise ResourceError("not for you")
    if folder == "none":
        raise NotFoundError("no folder")
    return f"{folder}|{path}|{lines}|{numbered}".encode()


@mcp.resource("notes://café/x", mime_type="text/markdown", title="A note", tags={"n"})
def note() -> str:
    return "# x"


@mcp.prompt
async def asking(ctx: Context, level: int = 1) -> str:
    answer = await ctx.elicit("Who?", response_type=str)
    return f"{level}: {answer.data}"
