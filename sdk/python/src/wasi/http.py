"""Requests to web services.

In `spin.toml`, the feature has `allow = ["http"]`, and `allowed_outbound_hosts` of the component
names the services.
"""

import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from wasi import exchange
from wasi.exchange import Error as Error
from wasi.exchange import Response as Response

if sys.platform == "wasi":
    from componentize_py_types import Err

    try:
        from wit_world.imports import http_types, outgoing_handler, streams
        from wit_world.imports.poll import Pollable
    except ImportError:
        raise ImportError("`wasi.http` blocks: async tools use `wasi.http_async`") from None


def fetch(
    url: str,
    method: str = "GET",
    headers: Mapping[str, str] = {},
    body: bytes | str = b"",
    timeout: float = 30,
) -> Response:
    """Sends a request. Any status is an answer, and redirects are not followed. `timeout`, in
    seconds, is for the connection, for the answer to begin, and for each pause in it."""
    if sys.platform != "wasi":
        raise RuntimeError("only a component sends requests; a test replaces `http.fetch`")
    work = start(url, method, headers, body, timeout, blocking)
    try:
        work.send(None)
    except StopIteration as end:
        found: Response = end.value
        return found
    raise AssertionError("it blocks")


async def start(
    url: str,
    method: str,
    headers: Mapping[str, str],
    body: bytes | str,
    timeout: float,
    ready: Callable[["Pollable"], Awaitable[None]],
) -> Response:
    target = exchange.target_of(url)
    data = body.encode() if isinstance(body, str) else body
    try:
        request = http_types.OutgoingRequest(
            http_types.Fields.from_list(exchange.fields(headers, data))
        )
    except Err as why:
        raise Error(f"cannot send these headers: {exchange.words(why.value)}") from None
    try:
        request.set_method(http_types.Method_Other(method))
        https = target.scheme == "https"
        request.set_scheme(http_types.Scheme_Https() if https else http_types.Scheme_Http())
        request.set_authority(target.netloc)
        request.set_path_with_query(exchange.path_of(target))
    except Err:
        raise Error(f"cannot send `{method} {url}`: it is not a valid request") from None
    try:
        return await send(request, data, int(timeout * 1e9), ready)
    except Err as why:
        raise exchange.no_answer(target, why.value) from None


async def send(
    request: "http_types.OutgoingRequest",
    body: bytes,
    nanoseconds: int,
    ready: Callable[["Pollable"], Awaitable[None]],
) -> Response:
    options = http_types.RequestOptions()
    options.set_connect_timeout(nanoseconds)
    options.set_first_byte_timeout(nanoseconds)
    options.set_between_bytes_timeout(nanoseconds)
    outgoing = request.body() if body else None
    with outgoing_handler.handle(request, options) as answer:
        if outgoing is not None:
            # If the body cannot be sent, the answer says why.
            with suppress(Err):
                write(outgoing, body)
            with suppress(Err):
                http_types.OutgoingBody.finish(outgoing, None)
        with answer.subscribe() as answered:
            await ready(answered)
        result = answer.get()
    assert result is not None, "it answered"
    if isinstance(result, Err):
        raise result
    if isinstance(result.value, Err):
        raise result.value
    with result.value.value as response, response.headers() as found:
        headers = exchange.by_name(found.entries())
        with response.consume() as incoming, incoming.stream() as stream:
            return Response(response.status(), headers, await read(stream, ready))


def write(outgoing: "http_types.OutgoingBody", body: bytes) -> None:
    with outgoing.write() as stream:
        # The most that one call takes.
        for at in range(0, len(body), 4096):
            stream.blocking_write_and_flush(body[at : at + 4096])


async def read(stream: "streams.InputStream", ready: Callable[["Pollable"], Awaitable[None]]) -> bytes:
    data = bytearray()
    try:
        while True:
            with stream.subscribe() as more:
                await ready(more)
            data += stream.read(65536)
    except Err as end:
        if isinstance(end.value, streams.StreamError_Closed):
            return bytes(data)
        raise Err(http_types.ErrorCode_HttpResponseIncomplete()) from None


async def blocking(pollable: "Pollable") -> None:
    pollable.block()
