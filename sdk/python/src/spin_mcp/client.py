"""A client in the same process, for tests: `async with Client(mcp) as client: …`.

It serves its requests as a component does: a function that asks runs again with the answers.
"""

import inspect
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from . import hints
from .content import ResourceContent
from .errors import McpError, ToolError
from .host import Caller, Store
from .server import Asked, FastMCP, Prompt, Resource, Tool
from .types import BlobResourceContents, Completion, ContentBlock, LoggingLevel, Root, TextResourceContents, encoded

ROUNDS = 32


class Memory:
    """A key-value store."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        return self.held.get(key)

    def set(self, key: str, value: bytes) -> None:
        self.held[key] = value

    def delete(self, key: str) -> None:
        self.held.pop(key, None)

    def keys(self) -> list[str]:
        return list(self.held)


@dataclass
class Told:
    """What a test can look at: the messages of a server."""

    progress: list[tuple[float, float | None, str | None]] = field(default_factory=list)
    log: list[tuple[str, Any]] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    lists_changed: list[str] = field(default_factory=list)


@dataclass
class CallToolResult:
    content: list[ContentBlock]
    structured_content: dict[str, Any] | None
    is_error: bool
    meta: dict[str, Any] | None
    data: Any = None
    """The structured content without the object around a plain value."""


class Here:
    """A request of this client."""

    def __init__(self, client: "Client") -> None:
        self.client = client
        self.held: str | None = None
        self.answers: list[tuple[str, str]] = []

    def protocol_version(self) -> str:
        return "2026-07-28"

    def client_info(self) -> dict[str, Any] | None:
        return {"name": "spin_mcp.client", "version": "0"}

    def client_capabilities(self) -> dict[str, Any]:
        return {"elicitation": {}, "sampling": {}, "roots": {}}

    def identity(self) -> Caller | None:
        return self.client.identity

    def headers(self) -> list[tuple[str, str]]:
        return list(self.client.headers.items())

    def session_id(self) -> str | None:
        return self.client.session_id

    def meta(self) -> dict[str, Any]:
        return self.client.meta

    def is_cancelled(self) -> bool:
        return False

    def progress(self, progress: float, total: float | None, message: str | None) -> None:
        self.client.told.progress.append((progress, total, message))

    def log(self, level: LoggingLevel, logger: str | None, data: str) -> None:
        self.client.told.log.append((level, json.loads(data)))

    def updated(self, uri: str) -> None:
        self.client.told.updated.append(uri)

    def list_changed(self, kind: str) -> None:
        self.client.told.lists_changed.append(kind)

    def can_ask(self) -> bool:
        return True

    def state(self) -> str | None:
        return self.held

    def responses(self) -> list[tuple[str, str]]:
        return self.answers

    def id(self) -> str:
        return "1"

    def store(self) -> Store:
        return self.client.store


class Client:
    """Calls a server. `elicitation_handler` gets the message and the schema, and returns the
    content, `None` to decline, or a whole answer with its `action`."""

    def __init__(
        self,
        server: FastMCP[Any],
        *,
        elicitation_handler: Callable[..., Any] | None = None,
        sampling_handler: Callable[..., Any] | None = None,
        roots: list[Any] | None = None,
        session_id: str | None = "test",
        identity: Caller | None = None,
        headers: dict[str, str] | None = None,
        meta: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        self.server, self.elicit, self.sample = server, elicitation_handler, sampling_handler
        self.roots = [root if isinstance(root, Root) else Root(uri=str(root)) for root in roots or []]
        self.session_id, self.identity, self.meta = session_id, identity, meta or {}
        self.headers = {name.lower(): value for name, value in (headers or {}).items()}
        self.told, self.store = Told(), Memory()

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def ping(self) -> bool:
        return True

    async def list_tools(self) -> list[Tool]:
        return self.server._seen(Here(self), self.server.tools.values())

    async def list_prompts(self) -> list[Prompt]:
        return self.server._seen(Here(self), self.server.prompts.values())

    async def list_resources(self) -> list[Resource]:
        return self.server._seen(Here(self), (of for of in self.server.resources if not of.is_template))

    async def list_resource_templates(self) -> list[Resource]:
        return self.server._seen(Here(self), (of for of in self.server.resources if of.is_template))

    async def call_tool(self, name: str, arguments: dict[str, Any] | None = None, *, raise_on_error: bool = True) -> CallToolResult:
        given = json.loads(hints.dumps(arguments or {}))
        found = await self._finish(lambda request: self.server._call_tool(request, name, given))
        if found is None:
            raise McpError(-32602, f"unknown tool `{name}`")
        if found.is_error and raise_on_error:
            raise ToolError(getattr(found.content[0], "text", "") if found.content else "")
        structured = found.structured_content
        wraps = self.server.tools[name].wraps
        data = structured["result"] if wraps and structured else structured
        return CallToolResult(found.content, structured, found.is_error, found.meta, data)

    async def read_resource(self, uri: str) -> list[TextResourceContents | BlobResourceContents]:
        found = await self._finish(lambda request: self.server._read_resource(request, uri))
        if found is None:
            raise McpError(-32602, f"unknown resource `{uri}`")
        return [held(uri, part) for part in found.contents]

    async def get_prompt(self, name: str, arguments: dict[str, str] | None = None) -> Any:
        found = await self._finish(lambda request: self.server._get_prompt(request, name, arguments or {}))
        if found is None:
            raise McpError(-32602, f"unknown prompt `{name}`")
        return found

    async def complete(self, ref: Any, argument: dict[str, str], context_arguments: dict[str, str] | None = None) -> Completion:
        of_prompt = ref.type == "ref/prompt"
        name = ref.name if of_prompt else ref.uri
        found = await self.server._complete(
            Here(self), of_prompt, name, argument["name"], argument["value"], context_arguments or {}
        )
        return found or Completion(values=[])

    async def _finish(self, call: Callable[[Here], Awaitable[Any]]) -> Any:
        request = Here(self)
        for _ in range(ROUNDS):
            try:
                return await call(request)
            except Asked as asked:
                request.held = asked.state
                request.answers = [
                    (question.key, hints.dumps(await self._answer(question.method, question.params)))
                    for question in asked.questions
                ]
        raise McpError(-32603, f"the call asked {ROUNDS} times and is still not done")

    async def _answer(self, method: str, params: dict[str, Any]) -> Any:
        params = json.loads(hints.dumps(params))
        if method == "roots/list":
            return {"roots": [hints.plain(root) for root in self.roots]}
        elicits = method == "elicitation/create"
        handler = self.elicit if elicits else self.sample
        if handler is None:
            raise McpError(-32021, f"the client has no handler for `{method}`")
        takes = len(inspect.signature(handler).parameters)
        given = (params.get("message"), params.get("requestedSchema"), params, None) if elicits else (params["messages"], params, None)
        found = handler(*given[:takes])
        found = await found if inspect.isawaitable(found) else found
        if elicits:
            if isinstance(found, dict) and "action" in found:
                return found
            content = hints.plain(found)
            return {"action": "accept", "content": content} if found is not None else {"action": "decline"}
        if isinstance(found, str):
            return {"role": "assistant", "model": "test", "content": {"type": "text", "text": found}}
        return found


def held(uri: str, part: ResourceContent) -> TextResourceContents | BlobResourceContents:
    if isinstance(part.content, str):
        return TextResourceContents(uri=uri, mime_type=part.mime_type, text=part.content)
    return BlobResourceContents(uri=uri, mime_type=part.mime_type, blob=encoded(part.content))


__all__ = ["Client", "Memory"]
