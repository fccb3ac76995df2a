"""The official SDK's `Server` of version 1: handlers instead of functions with type hints.

`run` asks the handlers for their lists, which the component then has.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Annotated, Any, TypeVar

from .content import PromptResult, ResourceContent, ResourceResult, ToolResult
from .context import CURRENT, Context
from .functions import current
from .hints import MISSING, Slot, plain
from .models import Field
from .server import FastMCP, Prompt, Resource, Tool, wire
from .types import CallToolResult, GetPromptResult
from .uris import Template, normal

F = TypeVar("F", bound=Callable[..., Any])


async def handled(handler: Callable[..., Any], context: Context[Any, Any, Any], *arguments: Any) -> Any:
    token = CURRENT.set(context)
    try:
        return await handler(*arguments)
    finally:
        CURRENT.reset(token)


def describe(made: Any, of: Any, handler: Callable[..., Any] | None) -> None:
    """What all entries of lists have in common."""
    made.name, made.title, made.description = of.name, of.title, of.description
    made.icons, made.tags, made.meta, made.enabled = [plain(icon) for icon in of.icons or []], [], of.meta, True
    made.annotations = wire(getattr(of, "annotations", None))
    made.handler = handler


class ListedTool(Tool):
    handler: Callable[..., Any]

    def __init__(self, of: Any, handler: Callable[..., Any] | None) -> None:
        describe(self, of, handler)
        self.parameters, self.output_schema = of.input_schema, of.output_schema
        self.listed = of.name

    async def call(self, context: Context[Any, Any, Any], arguments: Any) -> ToolResult:
        found = await handled(self.handler, context, self.listed, arguments)
        if isinstance(found, CallToolResult):
            return ToolResult(list(found.content), found.structured_content, found.meta, found.is_error)
        if isinstance(found, tuple):
            return ToolResult(list(found[0]), found[1])
        return ToolResult(None, found) if isinstance(found, dict) else ToolResult(list(found))


class ListedPrompt(Prompt):
    handler: Callable[..., Any]

    def __init__(self, of: Any, handler: Callable[..., Any] | None) -> None:
        describe(self, of, handler)
        self.listed = of.name
        slots = [
            Slot(argument.name, Annotated[str, Field(description=argument.description)], MISSING if argument.required else None)
            for argument in of.arguments or []
        ]
        self.function: Any = SimpleNamespace(slots=slots, choices=lambda name: [])

    async def get(self, context: Context[Any, Any, Any], arguments: dict[str, str]) -> PromptResult:
        found: GetPromptResult = await handled(self.handler, context, self.listed, arguments)
        return PromptResult(found.messages, found.description, found.meta)


class ListedResource(Resource):
    handler: Callable[..., Any]

    def __init__(self, of: Any, uri: str, handler: Callable[..., Any] | None) -> None:
        describe(self, of, handler)
        self.uri, self.mime_type = str(uri), of.mime_type
        self.template = Template(self.uri)
        self.function: Any = SimpleNamespace(slots=[], choices=lambda name: [])

    def fits(self, uri: str) -> dict[str, Any] | None:
        fits = self.template.fits(uri) is not None if self.is_template else normal(uri) == normal(self.uri)
        return {"uri": uri} if fits else None

    async def contents(self, context: Context[Any, Any, Any], given: dict[str, Any]) -> ResourceResult | None:
        found = await handled(self.handler, context, given["uri"])
        parts = [found] if isinstance(found, (str, bytes)) else list(found)
        made = [
            ResourceContent(part, self.mime_type)
            if isinstance(part, (str, bytes))
            else ResourceContent(part.content, getattr(part, "mime_type", None) or self.mime_type)
            for part in parts
        ]
        return ResourceResult(made)


class Server(FastMCP[Any]):
    """A server of handlers: `@server.list_tools()`, `@server.call_tool()` and so on."""

    def __init__(self, name: str, version: str | None = None, instructions: str | None = None, **settings: Any) -> None:
        super().__init__(name, instructions, version=version, **settings)
        self.handlers: dict[str, Callable[..., Any]] = {}

    def _handler(self, name: str) -> Callable[[F], F]:
        def mark(function: F) -> F:
            self.handlers[name] = function
            return function

        return mark

    def list_tools(self) -> Callable[[F], F]:
        return self._handler("list_tools")

    def call_tool(self, *, validate_input: bool = True) -> Callable[[F], F]:
        return self._handler("call_tool")

    def list_prompts(self) -> Callable[[F], F]:
        return self._handler("list_prompts")

    def get_prompt(self) -> Callable[[F], F]:
        return self._handler("get_prompt")

    def list_resources(self) -> Callable[[F], F]:
        return self._handler("list_resources")

    def list_resource_templates(self) -> Callable[[F], F]:
        return self._handler("list_resource_templates")

    def read_resource(self) -> Callable[[F], F]:
        return self._handler("read_resource")

    @property
    def request_context(self) -> Context[Any, Any, Any]:
        return current()

    def create_initialization_options(self, *_: Any, **__: Any) -> None:
        return None

    def get_capabilities(self, *_: Any, **__: Any) -> None:
        return None

    async def run(self, *_: Any, **__: Any) -> None:  # type: ignore[override]
        async def listed(name: str) -> list[Any]:
            return list(await self.handlers[name]()) if name in self.handlers else []

        get = self.handlers.get
        self._own_tools = {of.name: ListedTool(of, get("call_tool")) for of in await listed("list_tools")}
        self._own_prompts = {of.name: ListedPrompt(of, get("get_prompt")) for of in await listed("list_prompts")}
        resources = [(of, of.uri) for of in await listed("list_resources")]
        resources += [(of, of.uri_template) for of in await listed("list_resource_templates")]
        self._own_resources = {str(uri): ListedResource(of, uri, get("read_resource")) for of, uri in resources}


@asynccontextmanager
async def stdio_server(*_: Any) -> AsyncIterator[tuple[None, None]]:
    """The host reads and writes."""
    yield None, None


def started(main: Callable[[], Any]) -> None:
    """Runs the function that makes a server and runs it, which ends at once in a component."""
    usual = asyncio.run
    asyncio.run = at_once  # type: ignore[assignment]
    try:
        found = main()
        if inspect.iscoroutine(found):
            at_once(found)
    finally:
        asyncio.run = usual


def at_once(work: Coroutine[Any, Any, Any], **_: Any) -> Any:
    """What a coroutine returns that waits for nobody."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    work.close()
    raise RuntimeError("the server waits for something before it runs, which a build does not have")
