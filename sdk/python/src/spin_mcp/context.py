"""What a function knows of its request, and how it talks to the client."""

import hashlib
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from . import hints
from .content import block
from .elicit import AcceptedElicitation, CancelledElicitation, DeclinedElicitation, answered, form
from .host import Caller, Request
from .replay import Replay
from .types import CreateMessageResult, ElicitResult, LoggingLevel, Root, TextContent

T = TypeVar("T")
if TYPE_CHECKING:
    from typing_extensions import TypeVar as WithDefault

    from .server import FastMCP

    S = WithDefault("S", default=Any)
    L = WithDefault("L", default=Any)
    R = WithDefault("R", default=Any)
else:
    S, L, R = TypeVar("S"), TypeVar("L"), TypeVar("R")

CURRENT: ContextVar["Context[Any, Any, Any] | None"] = ContextVar("CURRENT", default=None)


@dataclass
class SamplingResult:
    """What the client's model wrote."""

    text: str | None
    content: Any
    role: str = "assistant"
    model: str = ""
    stop_reason: str | None = None

    @property
    def result(self) -> Any:
        return self.text


class Context(Generic[S, L, R]):
    """Passed to each function that has a parameter of this type.

    A function that asks the client runs again from its beginning with the answers so far. Messages
    are not sent again. Use `once` for what must not happen twice.
    """

    if not TYPE_CHECKING:

        def __class_getitem__(cls, _: Any) -> Any:
            """`Context[Session, Lifespan]` says nothing more at run time."""
            return cls

    def __init__(self, server: "FastMCP[Any]", request: Request, replay: Replay) -> None:
        self.fastmcp, self._request, self._replay = server, request, replay
        self._of_request: dict[str, Any] = {}
        self.lifespan_context: Any = {}

    # Messages

    async def report_progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """Tells how far the work is, if the client asked for that."""
        if self._replay.fresh():
            self._request.progress(progress, total, message)

    async def log(
        self,
        message: Any = None,
        level: LoggingLevel | None = None,
        logger_name: str | None = None,
        extra: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> None:
        """Sends a log message, if the client asked for its level."""
        levels = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
        if message in levels and isinstance(level, str) and level not in levels:
            # The official SDK has them the other way round.
            message, level = level, message
        message = more.get("data", message)
        data = {"msg": message, "extra": dict(extra)} if extra else message
        if self._replay.fresh():
            self._request.log(level or "info", logger_name, hints.dumps(data))

    async def debug(self, message: Any, logger_name: str | None = None, extra: Mapping[str, Any] | None = None) -> None:
        await self.log(message, "debug", logger_name, extra)

    async def info(self, message: Any, logger_name: str | None = None, extra: Mapping[str, Any] | None = None) -> None:
        await self.log(message, "info", logger_name, extra)

    async def warning(self, message: Any, logger_name: str | None = None, extra: Mapping[str, Any] | None = None) -> None:
        await self.log(message, "warning", logger_name, extra)

    async def error(self, message: Any, logger_name: str | None = None, extra: Mapping[str, Any] | None = None) -> None:
        await self.log(message, "error", logger_name, extra)

    # Questions

    async def _ask(self, method: str, params: dict[str, Any]) -> Any:
        if not self._request.can_ask():
            raise RuntimeError(
                "this component cannot ask: its build found no `elicit`, `sample` or `list_roots` in "
                "the sources; call one of them by its name"
            )
        return await self._replay.ask(method, {name: value for name, value in params.items() if value is not None})

    @overload
    async def elicit(
        self, message: str, response_type: type[T], *, response_title: str | None = None, response_description: str | None = None
    ) -> AcceptedElicitation[T] | DeclinedElicitation | CancelledElicitation: ...
    @overload
    async def elicit(
        self, message: str, *, schema: type[T]
    ) -> AcceptedElicitation[T] | DeclinedElicitation | CancelledElicitation: ...
    @overload
    async def elicit(
        self,
        message: str,
        response_type: list[str] | dict[str, dict[str, str]],
        *,
        response_title: str | None = None,
        response_description: str | None = None,
    ) -> AcceptedElicitation[str] | DeclinedElicitation | CancelledElicitation: ...
    @overload
    async def elicit(
        self,
        message: str,
        response_type: list[list[str]] | list[dict[str, dict[str, str]]],
        *,
        response_title: str | None = None,
        response_description: str | None = None,
    ) -> AcceptedElicitation[list[str]] | DeclinedElicitation | CancelledElicitation: ...
    @overload
    async def elicit(
        self, message: str, response_type: None = None
    ) -> AcceptedElicitation[Any] | DeclinedElicitation | CancelledElicitation: ...

    async def elicit(
        self,
        message: str,
        response_type: Any = None,
        *,
        schema: Any = None,
        response_title: str | None = None,
        response_description: str | None = None,
    ) -> Any:
        """Asks the user to fill in a form."""
        asked = form(schema if response_type is None else response_type, response_title, response_description)
        params = {"mode": "form", "message": message, "requestedSchema": asked.schema}
        return answered(asked, await self._ask("elicitation/create", params))

    async def elicit_url(
        self, message: str, url: str, elicitation_id: str | None = None
    ) -> AcceptedElicitation[None] | DeclinedElicitation | CancelledElicitation:
        """Asks the user to open a page."""
        identified = elicitation_id or hashlib.sha256(url.encode()).hexdigest()[:16]
        params = {"mode": "url", "message": message, "url": url, "elicitationId": identified}
        answer = await self._ask("elicitation/create", params)
        return cast("AcceptedElicitation[None] | DeclinedElicitation | CancelledElicitation", answered(form(None), answer))

    async def sample(
        self,
        messages: Any,
        *,
        system_prompt: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = 512,
        model_preferences: Any = None,
        include_context: str | None = None,
        **more: Any,
    ) -> SamplingResult:
        """Has the client's model write something."""
        for name in ("tools", "tool_choice", "result_type"):
            if more.get(name) is not None:
                raise TypeError(f"`sample` does not support `{name}`")
        written = await self.session.create_message(
            messages if isinstance(messages, (list, tuple)) else [messages],
            max_tokens=max_tokens or 512,
            system_prompt=system_prompt,
            temperature=temperature,
            model_preferences=preferences(model_preferences),
            include_context=include_context,
        )
        text = getattr(written.content, "text", None)
        return SamplingResult(text, written.content, written.role, written.model, written.stop_reason)

    async def list_roots(self) -> list[Root]:
        """The folders that the client works in."""
        found = await self._ask("roots/list", {})
        return [Root.model_validate(root) for root in found.get("roots", [])]

    async def once(self, key: str, work: Callable[[], Awaitable[T] | T]) -> T:
        """Runs `work` once, however often the function runs again, and keeps its result, which is
        JSON. The result of `work` that no question follows is not kept."""
        if key not in self._replay.once:
            found = work()
            result = await found if inspect.isawaitable(found) else found
            self._replay.once[key] = hints.plain(result)
        return cast(T, json.loads(json.dumps(self._replay.once[key])))

    # State

    def _state_key(self, name: str, handle: str | None) -> str | None:
        caller = self._request.identity()
        if handle is not None:
            owner: list[Any] = ["handle", handle]
        elif session := self._request.session_id():
            owner = ["session", session]
        elif caller is not None:
            owner = ["caller", caller.issuer, caller.subject]
        else:
            return None
        return "state:" + hashlib.sha256(json.dumps([owner, name]).encode()).hexdigest()[:40]

    async def get_state(self, key: str, *, handle: str | None = None) -> Any:
        """What `set_state` kept for this session, or for this caller if there is no session. With
        neither, state lasts as long as the request. A `handle` names state of its own."""
        if key in self._of_request and handle is None:
            return self._of_request[key]
        if (name := self._state_key(key, handle)) is None:
            return None
        found = self._request.store().get(name)
        return json.loads(found) if found else None

    async def set_state(self, key: str, value: Any, *, serializable: bool = True, handle: str | None = None) -> None:
        """Keeps a JSON value in the key-value store, or any value for this request alone."""
        self._of_request.pop(key, None)
        name = self._state_key(key, handle)
        if name is None or not serializable:
            self._of_request[key] = value
        else:
            self._request.store().set(name, hints.dumps(value).encode())

    async def delete_state(self, key: str, *, handle: str | None = None) -> None:
        self._of_request.pop(key, None)
        if name := self._state_key(key, handle):
            self._request.store().delete(name)

    # The request

    async def read_resource(self, uri: Any) -> Any:
        """A resource of this server's own."""
        found = await self.fastmcp._contents(self, str(uri))
        if found is None:
            raise ValueError(f"unknown resource `{uri}`")
        return found

    @property
    def request_id(self) -> str:
        return self._request.id()

    @property
    def session_id(self) -> str | None:
        """None for clients of revision 2026-07-28 and later, and on stdio."""
        return self._request.session_id()

    @property
    def identity(self) -> Caller | None:
        """The caller, if the server has authorization."""
        return self._request.identity()

    @property
    def headers(self) -> dict[str, str]:
        """The request headers that `headers` of the server in `spin.toml` names, in lower case. The
        values of a header that occurs more than once are joined."""
        found: dict[str, str] = {}
        for name, value in self._request.headers():
            found[name] = f"{found[name]}, {value}" if name in found else value
        return found

    @property
    def client_id(self) -> str | None:
        caller = self._request.identity()
        return caller.client_id if caller else None

    @property
    def client_info(self) -> dict[str, Any] | None:
        return self._request.client_info()

    @property
    def client_capabilities(self) -> dict[str, Any]:
        return self._request.client_capabilities()

    @property
    def protocol_version(self) -> str:
        return self._request.protocol_version()

    @property
    def meta(self) -> dict[str, Any]:
        """What the client added to the request, such as trace context."""
        return self._request.meta()

    @property
    def is_cancelled(self) -> bool:
        return self._request.is_cancelled()

    @property
    def session(self) -> "Session":
        return Session(self)

    @property
    def request_context(self) -> "Context[S, L, R]":
        return self

    @property
    def server(self) -> "FastMCP[Any]":
        return self.fastmcp


class Session:
    """The official SDK's way to the client."""

    def __init__(self, context: Context[Any, Any, Any]) -> None:
        self._context = context

    async def create_message(
        self,
        messages: Any,
        *,
        max_tokens: int = 512,
        system_prompt: str | None = None,
        temperature: float | None = None,
        model_preferences: Any = None,
        include_context: str | None = None,
        stop_sequences: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **_: Any,
    ) -> CreateMessageResult:
        params = {
            "messages": [spoken(message) for message in messages],
            "maxTokens": max_tokens,
            "systemPrompt": system_prompt,
            "temperature": temperature,
            "modelPreferences": hints.plain(model_preferences),
            "includeContext": include_context,
            "stopSequences": stop_sequences,
            "metadata": metadata,
        }
        found = CreateMessageResult.model_validate(await self._context._ask("sampling/createMessage", params))
        if isinstance(found.content, dict) and found.content.get("type") == "text":
            found.content = TextContent.model_validate(found.content)
        return found

    async def list_roots(self) -> Any:
        return Roots(await self._context.list_roots())

    async def send_log_message(self, level: LoggingLevel, data: Any, logger: str | None = None, **_: Any) -> None:
        await self._context.log(data, level, logger)

    async def send_progress_notification(
        self, progress_token: Any, progress: float, total: float | None = None, message: str | None = None, **_: Any
    ) -> None:
        await self._context.report_progress(progress, total, message)

    async def send_resource_updated(self, uri: Any, **_: Any) -> None:
        self._context._request.updated(str(uri))

    async def send_tool_list_changed(self, **_: Any) -> None:
        self._context._request.list_changed("tools")

    async def send_prompt_list_changed(self, **_: Any) -> None:
        self._context._request.list_changed("prompts")

    async def send_resource_list_changed(self, **_: Any) -> None:
        self._context._request.list_changed("resources")

    async def elicit_form(self, message: str, requested_schema: dict[str, Any], **_: Any) -> Any:
        params = {"mode": "form", "message": message, "requestedSchema": requested_schema}
        return ElicitResult.model_validate(await self._context._ask("elicitation/create", params))

    elicit = elicit_form

    async def elicit_url(self, message: str, url: str, elicitation_id: str, **_: Any) -> Any:
        params = {"mode": "url", "message": message, "url": url, "elicitationId": elicitation_id}
        return ElicitResult.model_validate(await self._context._ask("elicitation/create", params))

    @property
    def client_params(self) -> Any:
        return None


@dataclass
class Roots:
    roots: list[Root]


def spoken(message: Any) -> dict[str, Any]:
    if isinstance(message, str):
        return {"role": "user", "content": {"type": "text", "text": message}}
    if isinstance(message, dict):
        return message
    content = message.content
    parts = [drop_none(block(part)) for part in content] if isinstance(content, list) else drop_none(block(content))
    return {"role": message.role, "content": parts}


def drop_none(of: Any) -> dict[str, Any]:
    found: dict[str, Any] = of.model_dump(mode="json", by_alias=True, exclude_none=True)
    return found


def preferences(of: Any) -> Any:
    if isinstance(of, str):
        of = [of]
    if isinstance(of, (list, tuple)):
        return {"hints": [{"name": name} for name in of]}
    return of
