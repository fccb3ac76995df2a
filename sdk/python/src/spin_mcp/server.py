"""FastMCP's server: decorators, and what a host asks of it."""

import functools
import inspect
import json
import re
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, get_args, get_origin, overload

from . import hints
from .apps import UI_MIME_TYPE, with_app
from .content import (
    Media,
    Message,
    PromptResult,
    ResourceContent,
    ResourceResult,
    ToolResult,
    blocks,
    message,
)
from .context import Context
from .errors import FastMCPError, McpError, NotFoundError, ToolError
from .functions import Function
from .hints import Schema
from .host import Request
from .replay import Diverged, Question, Replay, TooMuch
from .types import (
    BLOCKS,
    CallToolResult,
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
    ToolAnnotations,
)
from .uris import Template, normal

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C", bound="Component")
T = TypeVar("T")
if TYPE_CHECKING:
    from typing_extensions import TypeVar as WithDefault

    L = WithDefault("L", default=Any)
else:
    L = TypeVar("L")
PAGE = "docs/reference/python.md"
# A server of the official SDK or of FastMCP does this natively; in a component the host does.
OF_THE_HOST = {
    "http_app": "the component is the app",
    "streamable_http_app": "the component is the app",
    "sse_app": "the component is the app",
    "custom_route": "a component serves MCP alone",
    "add_middleware": "write a middleware component",
}


class NotSet:
    """No output schema was given."""


class Component:
    """What tools, resources and prompts have in common."""

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        title: str | None = None,
        description: str | None = None,
        icons: Iterable[Any] | None = None,
        tags: Iterable[str] | None = None,
        meta: dict[str, Any] | None = None,
        app: Any = None,
        annotations: Any = None,
        enabled: "bool | Callable[[Context[Any, Any, Any]], bool]" = True,
        **_: Any,
    ) -> None:
        self.function = Function(function, name)
        self.name = self.function.name
        self.title, self.enabled = title, enabled
        self.description = description if description is not None else inspect.getdoc(function)
        self.icons = [hints.plain(icon) for icon in icons or ()]
        self.tags = sorted(tags or ())
        self.meta = with_app(meta, app)
        self.annotations = wire(annotations)

    @property
    def fn(self) -> Callable[..., Any]:
        return self.function.of

    @property
    def all_meta(self) -> dict[str, Any] | None:
        own = {"fastmcp": {"tags": self.tags}} if self.tags else {}
        return own | (self.meta or {}) or None

    @classmethod
    def from_function(cls, function: Callable[..., Any], **options: Any) -> Any:
        return cls(function, **options)

    def named(self, name: str) -> Any:
        made = cast(Any, type(self).__new__(type(self)))
        made.__dict__.update(self.__dict__, name=name)
        return made


def wire(annotations: Any) -> dict[str, Any]:
    if annotations is None:
        return {}
    if isinstance(annotations, dict):
        annotations = ToolAnnotations.model_validate(annotations)
    found: dict[str, Any] = annotations.model_dump(mode="json", by_alias=True, exclude_none=True)
    return found


class Tool(Component):
    def __init__(
        self,
        function: Callable[..., Any],
        *,
        output_schema: dict[str, Any] | type[NotSet] | None = NotSet,
        structured_output: bool | None = None,
        **options: Any,
    ) -> None:
        super().__init__(function, **options)
        self.parameters = self.function.schema()
        self.output_schema: dict[str, Any] | None
        if output_schema is not NotSet:
            self.output_schema = cast("dict[str, Any] | None", output_schema)
            if self.output_schema is not None and self.output_schema.get("type") != "object":
                raise ValueError(f"`{self.name}`: the type of an output schema must be `object`")
        else:
            self.output_schema = None if structured_output is False else output_of(self.function.returns)
        if structured_output and self.output_schema is None:
            raise TypeError(f"`{self.name}`: what it returns has no JSON Schema")

    @property
    def wraps(self) -> bool:
        return bool((self.output_schema or {}).get("x-fastmcp-wrap-result"))

    async def call(self, context: Context[Any, Any, Any], arguments: Any) -> ToolResult:
        found = await self.function.call(context, self.function.parse(arguments))
        if isinstance(found, ToolResult):
            return found
        if isinstance(found, CallToolResult):
            made = ToolResult(list(found.content), found.structured_content, found.meta, found.is_error)
            return made
        made = ToolResult(blocks(found) if found is not None else [])
        if self.output_schema is not None:
            value = hints.plain(found)
            if self.output_schema.get("type") == "object" and not self.wraps and not isinstance(value, dict):
                raise TypeError(f"`{self.name}` has an output schema, and must return an object or a `ToolResult`")
            made.structured_content = {"result": value} if self.wraps else value
        elif isinstance(found, dict) or hints.is_record(type(found)) and not isinstance(found, BLOCKS):
            value = hints.plain(found)
            made.structured_content = value if isinstance(value, dict) else None
        return made


def holds_content(hint: Any) -> bool:
    """Whether a result is content, or may be: a list of anything."""
    of = get_args(hint)
    if (get_origin(hint) or hint) in (*hints.LISTS, tuple) and (not of or Any in of):
        return True
    if isinstance(hint, type) and not of:
        return issubclass(hint, (*BLOCKS, Media, ToolResult, CallToolResult))
    return any(map(holds_content, of))


def output_of(returns: Any) -> dict[str, Any] | None:
    """The output schema: that of an object, or of an object around anything else."""
    if returns in (inspect.Signature.empty, None, hints.NONE, Any, object) or holds_content(returns):
        return None
    try:
        found = Schema(output=True).root(returns)
    except TypeError:
        return None
    if not found:
        return None
    if found.get("type") == "object" or hints.is_model(returns):
        return found
    definitions = found.pop("$defs", None)
    wrapped = {
        "type": "object",
        "properties": {"result": found},
        "required": ["result"],
        "x-fastmcp-wrap-result": True,
    }
    return wrapped | ({"$defs": definitions} if definitions else {})


class Resource(Component):
    """A resource, or a template of resources."""

    def __init__(self, function: Callable[..., Any], uri: Any, *, mime_type: str | None = None, **options: Any) -> None:
        super().__init__(function, **options)
        self.uri = str(uri)
        self.template = Template(self.uri)
        self.mime_type = mime_type or (UI_MIME_TYPE if self.uri.startswith("ui://") else "text/plain")
        takes = {slot.name: slot for slot in self.function.slots}
        given = {*self.template.variables, *self.template.query}
        if unknown := given - takes.keys():
            raise ValueError(f"`{self.name}` has no parameter `{sorted(unknown)[0]}` for `{self.uri}`")
        missing = [name for name, slot in takes.items() if slot.required and name not in self.template.variables]
        if missing:
            raise ValueError(f"`{self.uri}` has no variable for the parameter `{missing[0]}` of `{self.name}`")

    @property
    def is_template(self) -> bool:
        return bool(self.template.variables or self.template.query)

    def fits(self, uri: str) -> dict[str, Any] | None:
        """The arguments for a URI; none if there is no such resource."""
        given = self.template.fits(uri)
        if given is None:
            return None
        try:
            return self.function.parse(read_texts(self.function, given))
        except ValueError:
            return None

    async def contents(self, context: Context[Any, Any, Any], given: dict[str, Any]) -> ResourceResult | None:
        found = await self.function.call(context, given)
        if found is None:
            return None
        result = found if isinstance(found, ResourceResult) else ResourceResult(found)
        for part in result.contents:
            part.mime_type = part.mime_type or self.mime_type
        return result


class TextResource(Resource):
    """A text that is known from the beginning."""

    def __init__(self, uri: Any, text: str, name: str | None = None, **options: Any) -> None:
        super().__init__(lambda: text, uri, name=name or str(uri), **options)


class Prompt(Component):
    async def get(self, context: Context[Any, Any, Any], arguments: dict[str, str]) -> PromptResult:
        given = self.function.parse(read_texts(self.function, arguments))
        found = await self.function.call(context, given)
        if isinstance(found, PromptResult):
            return found
        return PromptResult([message(part) for part in found] if isinstance(found, (list, tuple)) else [message(found)])


def read_texts(function: Function, arguments: dict[str, str]) -> dict[str, Any]:
    """Texts as they are, or the JSON in them where the parameter takes no text."""
    given: dict[str, Any] = dict(arguments)
    known = {slot.key: slot for slot in function.slots}
    for name, text in arguments.items():
        try:
            hints.Parser().parse(known[name].hint if name in known else str, text)
        except ValueError:
            try:
                given[name] = json.loads(text)
            except ValueError:
                pass
    return given


class Asked(Exception):
    """The call ends with questions."""

    def __init__(self, questions: list[Question], state: str) -> None:
        super().__init__("the client is asked")
        self.questions, self.state = questions, state


class FastMCP(Generic[L]):
    """A server. Its component has the tools, resources and prompts that it was given."""

    created: "list[FastMCP[Any]]" = []

    def __init__(
        self,
        name: str | None = None,
        instructions: str | None = None,
        *,
        version: str | None = None,
        lifespan: "Callable[[FastMCP[L]], AbstractAsyncContextManager[L]] | None" = None,
        tools: Iterable[Any] | None = None,
        mask_error_details: bool = False,
        **settings: Any,
    ) -> None:
        self.name, self.instructions, self.version = name or "FastMCP", instructions, version
        self.lifespan, self.mask_error_details, self.settings = lifespan, mask_error_details, settings
        self._own_tools: dict[str, Tool] = {}
        self._own_resources: dict[str, Resource] = {}
        self._own_prompts: dict[str, Prompt] = {}
        self._mounted: list[tuple[str, FastMCP[Any]]] = []
        self._completion: Callable[..., Any] | None = None
        for tool in tools or ():
            self.add_tool(tool)
        FastMCP.created.append(self)

    def __getattr__(self, name: str) -> Any:
        if name in OF_THE_HOST:
            raise AttributeError(f"`{name}` is not supported in a component: {OF_THE_HOST[name]}")
        raise AttributeError(f"`FastMCP` has no `{name}` here; {PAGE} lists what is supported")

    # Decorators

    @overload
    def tool(self, name_or_fn: F, **options: Any) -> F: ...
    @overload
    def tool(self, name_or_fn: str | None = None, **options: Any) -> Callable[[F], F]: ...

    def tool(self, name_or_fn: Any = None, **options: Any) -> Any:
        """Makes a tool out of a function, which stays as it is."""
        return self._mark(name_or_fn, options, self.add_tool)

    @overload
    def prompt(self, name_or_fn: F, **options: Any) -> F: ...
    @overload
    def prompt(self, name_or_fn: str | None = None, **options: Any) -> Callable[[F], F]: ...

    def prompt(self, name_or_fn: Any = None, **options: Any) -> Any:
        """Makes a prompt out of a function, which stays as it is."""
        return self._mark(name_or_fn, options, self.add_prompt)

    def resource(self, uri: str, **options: Any) -> Callable[[F], F]:
        """Makes a resource out of a function, which stays as it is. A URI with variables, such as
        `notes://{name}`, is a template; the function takes the variables."""
        if callable(uri):
            raise TypeError('a resource needs its URI: `@mcp.resource("notes://{name}")`')

        def marked(function: F) -> F:
            self.add_resource(function, uri=uri, **options)
            return function

        return marked

    @overload
    def completion(self, handler: F) -> F: ...
    @overload
    def completion(self) -> Callable[[F], F]: ...

    def completion(self, handler: Any = None) -> Any:
        """Suggests values for arguments of prompts and templates: `(ref, argument, context)`."""

        def marked(function: F) -> F:
            self._completion = function
            return function

        return marked if handler is None else marked(handler)

    def _mark(self, name_or_fn: Any, options: dict[str, Any], add: Callable[..., Any]) -> Any:
        if callable(name_or_fn):
            add(name_or_fn, **options)
            return name_or_fn
        if name_or_fn is not None:
            options["name"] = name_or_fn
        return functools.partial(self._added, add, options)

    def _added(self, add: Callable[..., Any], options: dict[str, Any], function: F) -> F:
        add(function, **options)
        return function

    def add_tool(self, tool: Any, **options: Any) -> Tool:
        made = tool if isinstance(tool, Tool) else Tool(tool, **options)
        self._own_tools[made.name] = made
        return made

    def add_resource(self, resource: Any, *, uri: str = "", **options: Any) -> Resource:
        made = resource if isinstance(resource, Resource) else Resource(resource, uri, **options)
        self._own_resources[made.uri] = made
        return made

    add_template = add_resource

    def add_prompt(self, prompt: Any, **options: Any) -> Prompt:
        made = prompt if isinstance(prompt, Prompt) else Prompt(prompt, **options)
        self._own_prompts[made.name] = made
        return made

    def remove_tool(self, name: str) -> None:
        if self._own_tools.pop(name, None) is None:
            raise NotFoundError(f"unknown tool `{name}`")

    def mount(self, server: "FastMCP[Any]", prefix: str | None = None, *, namespace: str | None = None, **_: Any) -> None:
        """Offers what another server has, with a prefix before its names."""
        self._mounted.append((namespace or prefix or "", server))

    async def import_server(self, server: "FastMCP[Any]", prefix: str | None = None, **_: Any) -> None:
        self.mount(server, prefix)

    def run(self, transport: str | None = None, **_: Any) -> None:
        """Does nothing: the component runs. Tests use `fastmcp.Client`."""

    async def run_async(self, transport: str | None = None, **_: Any) -> None:
        self.run()

    run_stdio_async = run_http_async = run_streamable_http_async = run_async

    # What it offers

    @property
    def tools(self) -> dict[str, Tool]:
        found = {name: tool for name, tool in self._own_tools.items() if tool.enabled}
        for prefix, server in self._mounted:
            for name, tool in server.tools.items():
                name = f"{prefix}_{name}" if prefix else name
                found.setdefault(name, tool.named(name))
        return found

    @property
    def prompts(self) -> dict[str, Prompt]:
        found = {name: prompt for name, prompt in self._own_prompts.items() if prompt.enabled}
        for prefix, server in self._mounted:
            for name, prompt in server.prompts.items():
                name = f"{prefix}_{name}" if prefix else name
                found.setdefault(name, prompt.named(name))
        return found

    @property
    def resources(self) -> list[Resource]:
        found = [resource for resource in self._own_resources.values() if resource.enabled]
        for prefix, server in self._mounted:
            for resource in server.resources:
                made = resource.named(resource.name)
                made.uri = re.sub("://", lambda _: f"://{prefix}/", resource.uri, count=1) if prefix else resource.uri
                made.template = Template(made.uri)
                found.append(made)
        return found

    # What a host calls

    def _ready(self) -> None:
        """Does what the author's program does before it serves."""

    def _seen(self, request: Request, every: Iterable[C]) -> list[C]:
        """What a request sees: `enabled` can be a function of the context."""
        seen = []
        for one in every:
            if not callable(one.enabled) or one.enabled(Context(self, request, Replay(None, []))):
                seen.append(one)
        return seen

    async def _run(self, request: Request, name: str, work: Callable[[Context[Any, Any, Any]], Awaitable[T]]) -> T:
        """Runs a function; raises `Asked` once it asks."""
        replay = Replay(request.state(), request.responses())
        context: Context[Any, Any, Any] = Context(self, request, replay)

        async def alive() -> Any:
            async with self._lifespan() as value:
                context.lifespan_context = value
                return await work(context)

        found = await replay.run(alive())
        if replay.ended:
            raise Asked(replay.open, replay.state(name))
        return cast(T, found)

    @asynccontextmanager
    async def _lifespan(self) -> AsyncIterator[Any]:
        if self.lifespan is None:
            yield {}
            return
        async with self.lifespan(self) as value:
            yield value

    async def _call_tool(self, request: Request, name: str, arguments: Any) -> ToolResult | None:
        if (tool := self.tools.get(name)) is None or not self._seen(request, [tool]):
            return None
        try:
            return await self._run(request, name, lambda context: tool.call(context, arguments))
        except (Asked, McpError):
            raise
        except (ValueError, FastMCPError, Diverged, TooMuch) as why:
            return ToolResult(self._why(why, name, isinstance(why, ToolError)), is_error=True)
        except Exception as why:
            traceback.print_exc()
            return ToolResult(self._why(why, name), is_error=True)

    def _why(self, why: Exception, name: str, always: bool = False) -> str:
        if self.mask_error_details and not always:
            return f"`{name}` failed"
        told = isinstance(why, (ValueError, FastMCPError, Diverged, TooMuch)) and str(why)
        return told or f"{type(why).__name__}: {why}"

    async def _read_resource(self, request: Request, uri: str) -> ResourceResult | None:
        async def work(context: Context[Any, Any, Any]) -> ResourceResult | None:
            return await self._result(context, uri)

        try:
            return await self._run(request, uri, work)
        except (Asked, McpError):
            raise
        except NotFoundError:
            return None
        except Exception as why:
            if not isinstance(why, (ValueError, FastMCPError, Diverged, TooMuch)):
                traceback.print_exc()
            raise McpError(-32603, self._why(why, uri)) from None

    async def _result(self, context: Context[Any, Any, Any], uri: str) -> ResourceResult | None:
        # A resource of its own comes before the template that it fits.
        seen = self._seen(context._request, self.resources)
        for resource in sorted(seen, key=lambda of: len(of.template.variables)):
            if (given := resource.fits(uri)) is not None:
                if (found := await resource.contents(context, given)) is not None:
                    return found
        return None

    async def _contents(self, context: Context[Any, Any, Any], uri: str) -> list[ResourceContent] | None:
        found = await self._result(context, uri)
        return found.contents if found else None

    async def _get_prompt(self, request: Request, name: str, arguments: dict[str, str]) -> PromptResult | None:
        if (prompt := self.prompts.get(name)) is None or not self._seen(request, [prompt]):
            return None
        try:
            return await self._run(request, name, lambda context: prompt.get(context, arguments))
        except (Asked, McpError):
            raise
        except (ValueError, FastMCPError) as why:
            raise McpError(-32602, self._why(why, name)) from None
        except Exception as why:
            traceback.print_exc()
            raise McpError(-32603, self._why(why, name)) from None

    async def _complete(
        self, request: Request, of_prompt: bool, reference: str, argument: str, value: str, given: dict[str, str]
    ) -> Completion | None:
        """None if the reference is not of this server."""
        known: Component | None = self.prompts.get(reference) if of_prompt else None
        if not of_prompt:
            same = (resource for resource in self.resources if normal(resource.uri) == normal(reference))
            known = next(same, None)
        if known is None or not self._seen(request, [known]):
            return None
        if self._completion is not None:
            ref = PromptReference(name=reference) if of_prompt else ResourceTemplateReference(uri=reference)
            asked = CompletionArgument(name=argument, value=value)
            found = self._completion(ref, asked, CompletionContext(arguments=given) if given else None)
            found = await found if inspect.isawaitable(found) else found
            if isinstance(found, Completion):
                return found
            if found is not None:
                return Completion(values=list(found))
        fitting = [text for text in known.function.choices(argument) if text.startswith(value)]
        return Completion(values=fitting, total=len(fitting), has_more=False)


def chosen(module: Any) -> FastMCP[Any]:
    """The server of a module: the one called `mcp`, `server` or `app`, or the only one."""
    for name in ("mcp", "server", "app"):
        if isinstance(found := getattr(module, name, None), FastMCP):
            return found
    mounted = [server for of in FastMCP.created for _, server in of._mounted]
    free = [server for server in FastMCP.created if server not in mounted]
    if len(free) != 1:
        name = getattr(module, "__name__", "the module")
        raise RuntimeError(f"`{name}` has {len(free)} servers, and none is called `mcp`, `server` or `app`")
    return free[0]


__all__ = ["FastMCP", "Message", "Prompt", "Resource", "TextResource", "Tool", "chosen"]
