"""The component's exports, for the server that the author's module makes."""

import json
import sys
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import spin_mcp_app  # written by the build: imports the author's module, and what runs late
from componentize_py_types import Err
from spin_mcp import hints
from spin_mcp.content import ResourceContent
from spin_mcp.errors import McpError
from spin_mcp.host import Caller
from spin_mcp.server import Asked, FastMCP, Prompt, Resource, Tool, chosen
from spin_mcp.types import (
    Annotations,
    AudioContent,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    LoggingLevel,
    TextContent,
)
from wit_world import exports
from wit_world.imports import mcp_types

SERVER: FastMCP[Any] = chosen(spin_mcp_app.module)
SERVER._ready()


def imported(name: str) -> Any:
    """An interface of the world, if the app uses it."""
    try:
        return __import__(f"wit_world.imports.{name}", fromlist=["*"])
    except ImportError:
        return None


request_, input_, changes_ = imported("mcp_request"), imported("input"), imported("changes")
completion_types, tool_types = imported("completion_types"), imported("tool_types")
resource_types, prompt_types = imported("resource_types"), imported("prompt_types")


class Imported:
    """A request that the framework passes on."""

    def __init__(self, request: int) -> None:
        self.request = request

    def protocol_version(self) -> str:
        return str(request_.protocol_version(self.request)) if request_ else ""

    def client_info(self) -> dict[str, Any] | None:
        found = request_.client_info(self.request) if request_ else None
        return json.loads(found) if found else None

    def client_capabilities(self) -> dict[str, Any]:
        return dict(json.loads(request_.client_capabilities(self.request))) if request_ else {}

    def identity(self) -> Caller | None:
        found = request_.identity(self.request) if request_ else None
        return Caller(found.subject, found.issuer, list(found.scopes), json.loads(found.claims)) if found else None

    def headers(self) -> list[tuple[str, str]]:
        return list(request_.headers(self.request)) if request_ else []

    def session_id(self) -> str | None:
        return request_.session_id(self.request) if request_ else None

    def meta(self) -> dict[str, Any]:
        found = request_.meta(self.request) if request_ else None
        return json.loads(found) if found else {}

    def is_cancelled(self) -> bool:
        return bool(request_ and request_.is_cancelled(self.request))

    def progress(self, progress: float, total: float | None, message: str | None) -> None:
        if request_:
            request_.progress(self.request, float(progress), None if total is None else float(total), message)

    def log(self, level: LoggingLevel, logger: str | None, data: str) -> None:
        if request_:
            request_.log(self.request, request_.LogLevel[level.upper()], logger, data)

    def updated(self, uri: str) -> None:
        if changes_:
            changes_.resource_updated(self.request, uri)

    def list_changed(self, kind: str) -> None:
        if changes_:
            changes_.list_changed(self.request, changes_.ListKind[kind.upper()])

    def can_ask(self) -> bool:
        return input_ is not None

    def state(self) -> str | None:
        return input_.state(self.request) if input_ else None

    def responses(self) -> list[tuple[str, str]]:
        return list(input_.responses(self.request)) if input_ else []

    def id(self) -> str:
        return str(self.request)

    def store(self) -> Any:
        from wasi import key_value

        return key_value.Store()


# Lists


def tool(of: Tool) -> Any:
    notes = of.annotations
    annotations = None
    if notes:
        annotations = tool_types.ToolAnnotations(
            title=notes.get("title"),
            read_only=notes.get("readOnlyHint"),
            destructive=notes.get("destructiveHint"),
            idempotent=notes.get("idempotentHint"),
            open_world=notes.get("openWorldHint"),
        )
    return tool_types.Tool(
        name=of.name,
        title=of.title,
        description=of.description,
        input_schema=hints.dumps(of.parameters),
        output_schema=hints.dumps(of.output_schema) if of.output_schema else None,
        annotations=annotations,
        icons=icons(of.icons),
        meta=meta(of.all_meta),
    )


def icons(of: list[dict[str, Any]]) -> list[Any]:
    def icon(one: dict[str, Any]) -> Any:
        theme = one.get("theme")
        sizes = one.get("sizes") or []
        return mcp_types.Icon(
            src=str(one["src"]),
            mime_type=one.get("mimeType", one.get("mime_type")),
            sizes=[sizes] if isinstance(sizes, str) else list(sizes),
            theme=mcp_types.IconTheme[theme.upper()] if theme else None,
        )

    return [icon(one) for one in of]


def meta(of: dict[str, Any] | None) -> str | None:
    return hints.dumps(of) if of else None


def resource(of: Resource) -> Any:
    return mcp_types.ResourceInfo(
        uri=of.uri,
        name=of.name,
        title=of.title,
        description=of.description,
        mime_type=of.mime_type,
        size=None,
        annotations=annotations(of.annotations),
        icons=icons(of.icons),
        meta=meta(of.all_meta),
    )


def template(of: Resource) -> Any:
    return resource_types.ResourceTemplate(
        uri_template=of.uri,
        name=of.name,
        title=of.title,
        description=of.description,
        mime_type=of.mime_type,
        annotations=annotations(of.annotations),
        icons=icons(of.icons),
        meta=meta(of.all_meta),
    )


def prompt(of: Prompt) -> Any:
    def argument(slot: hints.Slot) -> Any:
        about = hints.Schema().member(slot)
        return prompt_types.PromptArgument(slot.key, about.get("title"), about.get("description"), slot.required)

    return prompt_types.Prompt(
        name=of.name,
        title=of.title,
        description=of.description,
        arguments=[argument(slot) for slot in of.function.slots],
        icons=icons(of.icons),
        meta=meta(of.all_meta),
    )


# Results


def annotations(of: Annotations | dict[str, Any] | None) -> Any:
    if not of:
        return None
    known = of if isinstance(of, Annotations) else Annotations.model_validate(of)
    audience = [mcp_types.Role[role.upper()] for role in known.audience or []]
    return mcp_types.Annotations(audience, known.priority, known.last_modified)


def block(of: ContentBlock) -> Any:
    about, more = annotations(of.annotations), meta(of.meta)
    if isinstance(of, TextContent):
        return mcp_types.ContentBlock_Text(mcp_types.TextContent(of.text, about, more))
    if isinstance(of, (ImageContent, AudioContent)):
        media = mcp_types.MediaContent(decoded(of.data), of.mime_type, about, more)
        return mcp_types.ContentBlock_Image(media) if isinstance(of, ImageContent) else mcp_types.ContentBlock_Audio(media)
    if isinstance(of, EmbeddedResource):
        held: Any = of.resource
        body = mcp_types.ResourceBody_Blob(decoded(held.blob)) if hasattr(held, "blob") else mcp_types.ResourceBody_Text(held.text)
        contents = mcp_types.ResourceContents(str(held.uri), held.mime_type, body, meta(held.meta))
        return mcp_types.ContentBlock_EmbeddedResource(mcp_types.EmbeddedResource(contents, about, more))
    return mcp_types.ContentBlock_ResourceLink(
        mcp_types.ResourceInfo(
            uri=str(of.uri),
            name=of.name,
            title=of.title,
            description=of.description,
            mime_type=of.mime_type,
            size=of.size,
            annotations=about,
            icons=icons([hints.plain(icon) for icon in of.icons or []]),
            meta=more,
        )
    )


def decoded(data: str) -> bytes:
    import base64

    return base64.b64decode(data)


def contents(uri: str, of: ResourceContent) -> Any:
    held = of.content
    body = mcp_types.ResourceBody_Text(held) if isinstance(held, str) else mcp_types.ResourceBody_Blob(held)
    return mcp_types.ResourceContents(uri, of.mime_type, body, meta(of.meta))


def questions(asked: Asked) -> Any:
    requests = [
        mcp_types.InputRequest(question.key, question.method, hints.dumps(question.params)) for question in asked.questions
    ]
    return mcp_types.InputRequired(requests, asked.state)


def refused(why: McpError) -> Err[Any]:
    error = why.error
    return Err(mcp_types.Error(error.code, error.message, hints.dumps(error.data) if error.data is not None else None))


def first_page(cursor: str | None) -> None:
    """Lists have one page, which is asked for without a cursor."""
    if cursor is not None:
        raise Err(mcp_types.Error(-32602, "the list has one page, without a cursor", None))


def seen(request: int, every: Iterable[Any]) -> list[Any]:
    return SERVER._seen(Imported(request), every)


# Exports


async def list_tools(request: int, cursor: str | None) -> Any:
    first_page(cursor)
    return tool_types.ToolList([tool(of) for of in seen(request, SERVER.tools.values())], None, None)


async def call_tool(request: int, name: str, arguments: str) -> Any:
    try:
        found = await SERVER._call_tool(Imported(request), name, json.loads(arguments))
        if found is None:
            return None
        structured = None if found.structured_content is None else hints.dumps(found.structured_content)
        result = tool_types.ToolResult([block(of) for of in found.content], structured, found.is_error, meta(found.meta))
        return tool_types.ToolOutcome_Complete(result)
    except Asked as asked:
        return tool_types.ToolOutcome_InputRequired(questions(asked))
    except McpError as why:
        raise refused(why) from None


async def list_resources(request: int, cursor: str | None) -> Any:
    first_page(cursor)
    return resource_types.ResourceList([resource(of) for of in seen(request, SERVER.resources) if not of.is_template], None, None)


async def list_resource_templates(request: int, cursor: str | None) -> Any:
    first_page(cursor)
    return resource_types.ResourceTemplateList([template(of) for of in seen(request, SERVER.resources) if of.is_template], None, None)


async def read_resource(request: int, uri: str) -> Any:
    try:
        found = await SERVER._read_resource(Imported(request), uri)
        if found is None:
            return None
        parts = [contents(uri, part) for part in found.contents]
        return resource_types.ReadOutcome_Complete(resource_types.ReadResult(parts, None, meta(found.meta)))
    except Asked as asked:
        return resource_types.ReadOutcome_InputRequired(questions(asked))
    except McpError as why:
        raise refused(why) from None


async def list_prompts(request: int, cursor: str | None) -> Any:
    first_page(cursor)
    return prompt_types.PromptList([prompt(of) for of in seen(request, SERVER.prompts.values())], None, None)


async def get_prompt(request: int, name: str, arguments: list[tuple[str, str]]) -> Any:
    try:
        found = await SERVER._get_prompt(Imported(request), name, dict(arguments))
        if found is None:
            return None
        messages = [prompt_types.PromptMessage(mcp_types.Role[of.role.upper()], block(of.content)) for of in found.messages]
        return prompt_types.PromptOutcome_Complete(prompt_types.PromptResult(found.description, messages, meta(found.meta)))
    except Asked as asked:
        return prompt_types.PromptOutcome_InputRequired(questions(asked))
    except McpError as why:
        raise refused(why) from None


async def complete(request: int, reference: Any, argument: Any, context: list[tuple[str, str]]) -> Any:
    of_prompt = isinstance(reference, completion_types.CompletionReference_Prompt)
    found = await SERVER._complete(Imported(request), of_prompt, reference.value, argument.name, argument.value, dict(context))
    if found is None:
        return None
    return completion_types.Completion(found.values, found.total, bool(found.has_more))


def export(name: str, *functions: Callable[..., Coroutine[Any, Any, Any]]) -> Any:
    """A class with these functions, which wait for nobody in a synchronous world."""
    base: Any = getattr(exports, f"{name}Async" if ASYNC else name, object)
    return type(name, (base,), {of.__name__: method(of) if ASYNC else at_once(of) for of in functions})


def method(of: Callable[..., Coroutine[Any, Any, Any]]) -> Any:
    async def called(_: Any, *arguments: Any) -> Any:
        return await of(*arguments)

    return called


def at_once(of: Callable[..., Coroutine[Any, Any, Any]]) -> Any:
    from spin_mcp.loop import run

    return lambda _, *arguments: run(of(*arguments))


ASYNC = any(name.endswith("Async") for name in vars(exports))
Tools = ToolsAsync = export("Tools", list_tools, call_tool)
Resources = ResourcesAsync = export("Resources", list_resources, list_resource_templates, read_resource)
Prompts = PromptsAsync = export("Prompts", list_prompts, get_prompt)
Completions = CompletionsAsync = export("Completions", complete)

# A component reads its own modules at build time only.
if "wasi.key_value" not in sys.modules and imported("keyvalue_store"):
    import wasi.key_value as _  # noqa: F401
