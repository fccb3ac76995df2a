"""Requests to web services, for functions that are async.

In `spin.toml`, the feature has `allow = ["http"]`, and `allowed_outbound_hosts` of the component
names the services.
"""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from wasi import exchange
from wasi.exchange import Error as Error
from wasi.exchange import Response as Response

if TYPE_CHECKING:
    from spin_mcp.loop import Loop

if sys.platform == "wasi":
    import wit_world
    from componentize_py_types import Err, Ok

    try:
        from wit_world.imports import client, http_types
    except ImportError:
        # The exports are synchronous: what is async waits in a loop of its own.
        from wasi import http

        client = None
    else:
        from componentize_py_async_support import spawn
        from componentize_py_async_support.streams import ByteStreamWriter


async def fetch(
    url: str,
    method: str = "GET",
    headers: Mapping[str, str] = {},
    body: bytes | str = b"",
    timeout: float = 30,
) -> Response:
    """Sends a request. Any status is an answer, and redirects are not followed. `timeout`, in
    seconds, is for the connection, for the answer to begin, and for each pause in it."""
    if sys.platform != "wasi":
        raise RuntimeError("only a component sends requests; a test replaces `http_async.fetch`")
    if client is None:
        loop = cast("Loop", asyncio.get_running_loop())
        return await http.start(url, method, headers, body, timeout, loop.ready)
    target = exchange.target_of(url)
    data = body.encode() if isinstance(body, str) else body
    try:
        fields = http_types.Fields.from_list(exchange.fields(headers, data))
    except Err as why:
        raise Error(f"cannot send these headers: {exchange.words(why.value)}") from None
    request = new_request(fields, data, int(timeout * 1e9))
    try:
        request.set_method(http_types.Method_Other(method))
        https = target.scheme == "https"
        request.set_scheme(http_types.Scheme_Https() if https else http_types.Scheme_Http())
        request.set_authority(target.netloc)
        request.set_path_with_query(exchange.path_of(target))
    except Err:
        raise Error(f"cannot send `{method} {url}`: it is not a valid request") from None
    try:
        return await received(await client.send(request))
    except Err as why:
        raise exchange.no_answer(target, why.value) from None


def new_request(
    fields: "http_types.Fields", body: bytes, nanoseconds: int
) -> "http_types.Request":
    options = http_types.RequestOptions()
    options.set_connect_timeout(nanoseconds)
    options.set_first_byte_timeout(nanoseconds)
    options.set_between_bytes_timeout(nanoseconds)
    contents = None
    if body:
        sending, contents = wit_world.byte_stream()
        spawn(write(sending, body))
    trailers = wit_world.result_option_http_types_fields_http_types_error_code_future
    return http_types.Request.new(fields, contents, trailers(lambda: Ok(None))[1], options)[0]


async def write(sending: "ByteStreamWriter", body: bytes) -> None:
    with sending:
        # A service need not read all of it; its answer says why.
        with suppress(Exception):
            await sending.write_all(body)


async def received(response: "http_types.Response") -> Response:
    status = response.get_status_code()
    with response.get_headers() as found:
        headers = exchange.by_name(found.copy_all())
    done = wit_world.result_unit_http_types_error_code_future(lambda: Ok(None))[1]
    stream, trailers = http_types.Response.consume_body(response, done)
    data = bytearray()
    with stream:
        while not stream.writer_dropped:
            data += await stream.read(65536)
    if isinstance(end := await trailers.read(), Err):
        raise end
    return Response(status, headers, bytes(data))
