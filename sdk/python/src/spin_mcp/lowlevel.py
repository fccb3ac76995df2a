"""The official SDK's `Server`: handlers instead of functions with type hints.

Version 1 has decorators, version 2 parameters `on_list_tools` and so on.

`run` asks the handlers for their lists, which the component then has.
"""

import asyncio
import inspect
import sys
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from .content import PromptResult, ResourceContent, ResourceResult, ToolResult
from .context import CURRENT, Context
from .functions import current
from .hints import MISSING, Slot, plain
from .models import Field
from .server import FastMCP, Prompt, Resource, Tool, wire
from .types import (
    BlobResourceContents,
    CallToolRequestParams,
    CallToolResult,
    CompleteRequestParams,
    GetPromptRequestParams,
    GetPromptResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
)
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
        if isinstance(found, ReadResourceResult):
            found = [
                ResourceContent(b64decode(part.blob) if isinstance(part, BlobResourceContents) else part.text, part.mime_type)
                for part in found.contents
            ]
        parts = [found] if isinstance(found, (str, bytes)) else list(found)
        made = [
            ResourceContent(part, self.mime_type)
            if isinstance(part, (str, bytes))
            else ResourceContent(part.content, getattr(part, "mime_type", None) or self.mime_type)
            for part in parts
        ]
        return ResourceResult(made)


def lists(result: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A handler of version 2 that lists, as one of version 1: all pages at once."""

    def older(handler: Callable[..., Any]) -> Callable[..., Any]:
        async def handle() -> list[Any]:
            found, cursor = [], None
            while True:
                page = await handler(None, PaginatedRequestParams(cursor=cursor) if cursor else None)
                found += getattr(page, result)
                if (cursor := page.next_cursor) is None:
                    return found

        return handle

    return older


def calls(params: type[Any], *names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A handler of version 2 with parameters of this type, as one of version 1."""

    def older(handler: Callable[..., Any]) -> Callable[..., Any]:
        async def handle(*given: Any) -> Any:
            return await handler(current(), params(**dict(zip(names, given))))

        return handle

    return older


def completes(handler: Callable[..., Any]) -> Callable[..., Any]:
    async def handle(ref: Any, argument: Any, context: Any) -> Any:
        found = await handler(None, CompleteRequestParams(ref=ref, argument=argument, context=context))
        return found.completion

    return handle


NEWER = {
    "list_tools": lists("tools"),
    "list_prompts": lists("prompts"),
    "list_resources": lists("resources"),
    "list_resource_templates": lists("resource_templates"),
    "call_tool": calls(CallToolRequestParams, "name", "arguments"),
    "get_prompt": calls(GetPromptRequestParams, "name", "arguments"),
    "read_resource": calls(ReadResourceRequestParams, "uri"),
}


class Server(FastMCP[Any]):
    """A server of handlers: `@server.list_tools()` or `on_list_tools=`, and so on."""

    def __init__(self, name: str, version: str | None = None, instructions: str | None = None, **settings: Any) -> None:
        given = {key[3:]: settings.pop(key) for key in [*settings] if key.startswith("on_")}
        super().__init__(name, instructions, version=version, **settings)
        self.handlers: dict[str, Callable[..., Any]] = {
            key: NEWER[key](handler) for key, handler in given.items() if handler is not None and key in NEWER
        }
        self.listed = False
        if handler := given.get("completion"):
            self._completion = completes(handler)

    if not TYPE_CHECKING:

        def __class_getitem__(cls, _: Any) -> Any:
            """`Server[Lifespan]` says nothing more at run time."""
            return cls

    def _ready(self) -> None:
        if not self.listed:
            at_once(self.run())

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

        self.listed = True
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
    anyio: Any = sys.modules.get("anyio")
    usual = asyncio.run, anyio and anyio.run
    asyncio.run = at_once  # type: ignore[assignment]
    if anyio:
        anyio.run = lambda main, *arguments, **_: at_once(main(*arguments))
    try:
        # A command of `click` would end the program.
        command: Any = main
        found = command.main([], standalone_mode=False) if hasattr(main, "make_context") else main()
        if inspect.iscoroutine(found):
            at_once(found)
    finally:
        asyncio.run = usual[0]
        if anyio:
            anyio.run = usual[1]


def at_once(work: Coroutine[Any, Any, Any], **_: Any) -> Any:
    """What a coroutine returns that waits for nobody."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    work.close()
    raise RuntimeError("the server waits for something before it runs, which a build does not have")
