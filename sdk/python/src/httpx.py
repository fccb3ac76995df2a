"""The common surface of httpx, over the host's HTTP client.

There are no sockets in a component: no HTTP/2 settings, proxies, certificates, cookies, event
hooks or streams. The host checks certificates.
"""

import json as json_of
import sys
from base64 import b64encode
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from wasi import exchange

REDIRECTS = 20
DEFAULT_TIMEOUT = 5.0


class HTTPError(Exception):
    """The base of the others."""


class InvalidURL(Exception):
    """A URL that cannot be requested."""


class RequestError(HTTPError):
    """There is no answer."""

    def __init__(self, message: str, *, request: "Request | None" = None) -> None:
        super().__init__(message)
        self.request = request


class TransportError(RequestError):
    pass


class ConnectError(TransportError):
    pass


class TimeoutException(TransportError):
    pass


class ConnectTimeout(TimeoutException):
    pass


class ReadTimeout(TimeoutException):
    pass


class TooManyRedirects(RequestError):
    pass


class HTTPStatusError(HTTPError):
    """The answer is an error."""

    def __init__(self, message: str, *, request: "Request", response: "Response") -> None:
        super().__init__(message)
        self.request, self.response = request, response


class Headers(dict[str, str]):
    """Headers, whatever the case of their names."""

    def __init__(self, of: Any = None) -> None:
        pairs = of.items() if isinstance(of, Mapping) else of or ()
        super().__init__((name.lower(), str(value)) for name, value in pairs)

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __setitem__(self, name: str, value: str) -> None:
        super().__setitem__(name.lower(), value)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


class URL(str):
    @property
    def host(self) -> str:
        return urlsplit(self).hostname or ""

    @property
    def path(self) -> str:
        return urlsplit(self).path

    @property
    def scheme(self) -> str:
        return urlsplit(self).scheme


class Timeout:
    """One limit for each wait; the longest of those that are given."""

    def __init__(self, timeout: float | None = DEFAULT_TIMEOUT, **parts: float | None) -> None:
        self.seconds = max([part for part in parts.values() if part is not None], default=timeout)


class BasicAuth:
    def __init__(self, username: str, password: str) -> None:
        self.header = "Basic " + b64encode(f"{username}:{password}".encode()).decode()


class Request:
    def __init__(self, method: str, url: str, *, headers: Any = None, content: bytes = b"") -> None:
        self.method, self.url, self.headers, self.content = method.upper(), URL(url), Headers(headers), content


class Response:
    def __init__(
        self,
        status_code: int,
        *,
        headers: Any = None,
        content: bytes = b"",
        text: str | None = None,
        json: Any = None,
        request: Request | None = None,
    ) -> None:
        self.status_code, self.headers = status_code, Headers(headers)
        self.content = content if text is None else text.encode()
        if json is not None:
            self.content = json_of.dumps(json).encode()
        self._request = request
        self.history: list[Response] = []

    @property
    def request(self) -> Request:
        if self._request is None:
            raise RuntimeError("this response has no request")
        return self._request

    @property
    def url(self) -> URL:
        return self.request.url

    @property
    def encoding(self) -> str:
        for part in self.headers.get("content-type", "").split(";"):
            name, _, value = part.strip().partition("=")
            if name.lower() == "charset":
                return str(value.strip("\"'"))
        return "utf-8"

    @property
    def text(self) -> str:
        try:
            return self.content.decode(self.encoding, errors="replace")
        except LookupError:
            return self.content.decode(errors="replace")

    def json(self, **options: Any) -> Any:
        return json_of.loads(self.content, **options)

    @property
    def reason_phrase(self) -> str:
        try:
            return HTTPStatus(self.status_code).phrase
        except ValueError:
            return ""

    is_informational = property(lambda self: self.status_code // 100 == 1)
    is_success = property(lambda self: self.status_code // 100 == 2)
    is_redirect = property(lambda self: self.status_code // 100 == 3)
    is_client_error = property(lambda self: self.status_code // 100 == 4)
    is_server_error = property(lambda self: self.status_code // 100 == 5)
    is_error = property(lambda self: self.status_code >= 400)

    @property
    def has_redirect_location(self) -> bool:
        return self.status_code in (301, 302, 303, 307, 308) and "location" in self.headers

    def raise_for_status(self) -> "Response":
        if self.is_success:
            return self
        kind = {3: "Redirect response", 4: "Client error", 5: "Server error"}.get(self.status_code // 100, "Answer")
        message = f"{kind} '{self.status_code} {self.reason_phrase}' for url '{self.url}'"
        raise HTTPStatusError(message, request=self.request, response=self)

    def __repr__(self) -> str:
        return f"<Response [{self.status_code} {self.reason_phrase}]>"


class BaseClient:
    def __init__(
        self,
        *,
        base_url: str = "",
        headers: Any = None,
        params: Any = None,
        timeout: Any = DEFAULT_TIMEOUT,
        follow_redirects: bool = False,
        auth: Any = None,
        transport: Any = None,
        **_: Any,
    ) -> None:
        self.base_url, self.headers, self.params = str(base_url), Headers(headers), params
        self.timeout, self.follow_redirects, self.auth = timeout, follow_redirects, auth
        self.transport = transport
        self.is_closed = False

    def build_request(
        self,
        method: str,
        url: Any,
        *,
        headers: Any = None,
        params: Any = None,
        json: Any = None,
        data: Any = None,
        content: bytes | str | None = None,
        auth: Any = None,
        **more: Any,
    ) -> Request:
        if unknown := [name for name, value in more.items() if value is not None and name not in ("timeout", "follow_redirects", "cookies", "extensions")]:
            raise TypeError(f"`{unknown[0]}` is not supported in a component")
        address = str(url)
        if self.base_url and not urlsplit(address).scheme:
            address = self.base_url.rstrip("/") + "/" + address.lstrip("/")
        if query := [*pairs(self.params), *pairs(params)]:
            before, mark, end = address.partition("#")
            address = before + ("&" if "?" in before else "?") + urlencode(query) + mark + end
        given = Headers({"accept": "*/*", "user-agent": "python-httpx"} | self.headers | Headers(headers))
        body = content.encode() if isinstance(content, str) else content or b""
        if json is not None:
            body = json_of.dumps(json, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
            given.setdefault("content-type", "application/json")
        elif data is not None:
            body = urlencode(pairs(data)).encode()
            given.setdefault("content-type", "application/x-www-form-urlencoded")
        if (credentials := auth or self.auth) is not None:
            basic = credentials if isinstance(credentials, BasicAuth) else BasicAuth(*credentials)
            given.setdefault("authorization", basic.header)
        return Request(method, address, headers=given, content=body)

    def seconds(self, timeout: Any) -> float:
        chosen = self.timeout if timeout is USE_DEFAULT else timeout
        seconds = chosen.seconds if isinstance(chosen, Timeout) else chosen
        return 3600.0 if seconds is None else float(seconds)

    def redirected(self, response: Response, follow: Any, so_far: list[Response]) -> Request | None:
        wanted = self.follow_redirects if follow is USE_DEFAULT else follow
        if not wanted or not response.has_redirect_location:
            response.history = so_far
            return None
        if len(so_far) >= REDIRECTS:
            raise TooManyRedirects("Exceeded maximum allowed redirects.", request=response.request)
        before = response.request
        target = urljoin(before.url, response.headers["location"])
        headers = Headers(before.headers)
        if urlsplit(target).netloc != urlsplit(before.url).netloc:
            headers.pop("authorization", None)
        keeps = response.status_code in (307, 308) or before.method in ("GET", "HEAD")
        return Request(before.method if keeps else "GET", target, headers=headers, content=before.content if keeps else b"")


USE_DEFAULT: Any = object()


def pairs(of: Any) -> list[tuple[str, str]]:
    def text(value: Any) -> str:
        return {True: "true", False: "false", None: ""}[value] if value is None or isinstance(value, bool) else str(value)

    items = of.items() if isinstance(of, Mapping) else of or ()
    return [
        (name, text(one)) for name, value in items for one in (value if isinstance(value, (list, tuple)) else [value])
    ]


def failed(why: Exception, request: Request) -> RequestError:
    told = str(why)
    kind = ReadTimeout if "timeout" in told else ConnectError
    return kind(told, request=request)


def received(answer: exchange.Response, request: Request) -> Response:
    return Response(answer.status, headers=answer.headers, content=answer.body, request=request)


class AsyncClient(BaseClient):
    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.is_closed = True

    async def aclose(self) -> None:
        self.is_closed = True

    async def send(self, request: Request, *, timeout: Any = USE_DEFAULT, follow_redirects: Any = USE_DEFAULT, **_: Any) -> Response:
        so_far: list[Response] = []
        while True:
            response = await self._once(request, self.seconds(timeout))
            following = self.redirected(response, follow_redirects, so_far)
            if following is None:
                return response
            so_far, request = [*so_far, response], following

    async def _once(self, request: Request, seconds: float) -> Response:
        if self.transport is not None:
            response: Response = self.transport.handler(request)
            response._request = request
            return response
        from wasi import http_async

        try:
            answer = await http_async.fetch(request.url, request.method, request.headers, request.content, seconds)
        except exchange.Error as why:
            raise failed(why, request) from None
        return received(answer, request)

    async def request(self, method: str, url: Any, *, timeout: Any = USE_DEFAULT, follow_redirects: Any = USE_DEFAULT, **more: Any) -> Response:
        request = self.build_request(method, url, **more)
        return await self.send(request, timeout=timeout, follow_redirects=follow_redirects)

    async def get(self, url: Any, **more: Any) -> Response:
        return await self.request("GET", url, **more)

    async def head(self, url: Any, **more: Any) -> Response:
        return await self.request("HEAD", url, **more)

    async def options(self, url: Any, **more: Any) -> Response:
        return await self.request("OPTIONS", url, **more)

    async def post(self, url: Any, **more: Any) -> Response:
        return await self.request("POST", url, **more)

    async def put(self, url: Any, **more: Any) -> Response:
        return await self.request("PUT", url, **more)

    async def patch(self, url: Any, **more: Any) -> Response:
        return await self.request("PATCH", url, **more)

    async def delete(self, url: Any, **more: Any) -> Response:
        return await self.request("DELETE", url, **more)


class Client(BaseClient):
    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.is_closed = True

    def close(self) -> None:
        self.is_closed = True

    def send(self, request: Request, *, timeout: Any = USE_DEFAULT, follow_redirects: Any = USE_DEFAULT, **_: Any) -> Response:
        so_far: list[Response] = []
        while True:
            response = self._once(request, self.seconds(timeout))
            following = self.redirected(response, follow_redirects, so_far)
            if following is None:
                return response
            so_far, request = [*so_far, response], following

    def _once(self, request: Request, seconds: float) -> Response:
        if self.transport is not None:
            response: Response = self.transport.handler(request)
            response._request = request
            return response
        from wasi import http

        try:
            answer = http.fetch(request.url, request.method, request.headers, request.content, seconds)
        except exchange.Error as why:
            raise failed(why, request) from None
        return received(answer, request)

    def request(self, method: str, url: Any, *, timeout: Any = USE_DEFAULT, follow_redirects: Any = USE_DEFAULT, **more: Any) -> Response:
        request = self.build_request(method, url, **more)
        return self.send(request, timeout=timeout, follow_redirects=follow_redirects)

    def get(self, url: Any, **more: Any) -> Response:
        return self.request("GET", url, **more)

    def head(self, url: Any, **more: Any) -> Response:
        return self.request("HEAD", url, **more)

    def post(self, url: Any, **more: Any) -> Response:
        return self.request("POST", url, **more)

    def put(self, url: Any, **more: Any) -> Response:
        return self.request("PUT", url, **more)

    def patch(self, url: Any, **more: Any) -> Response:
        return self.request("PATCH", url, **more)

    def delete(self, url: Any, **more: Any) -> Response:
        return self.request("DELETE", url, **more)


class MockTransport:
    """Answers requests in tests: a function from `Request` to `Response`."""

    def __init__(self, handler: Any) -> None:
        self.handler = handler


def request(method: str, url: Any, **more: Any) -> Response:
    return Client().request(method, url, **more)


def get(url: Any, **more: Any) -> Response:
    return request("GET", url, **more)


def post(url: Any, **more: Any) -> Response:
    return request("POST", url, **more)


def put(url: Any, **more: Any) -> Response:
    return request("PUT", url, **more)


def patch(url: Any, **more: Any) -> Response:
    return request("PATCH", url, **more)


def delete(url: Any, **more: Any) -> Response:
    return request("DELETE", url, **more)


if sys.platform == "wasi":
    # A component has the modules that are imported at build time.
    from wasi import http_async as http_async

    try:
        from wasi import http as http
    except ImportError:
        pass
