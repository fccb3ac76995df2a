"""What a server with an `auth` table must refuse, and what it must let through, by HTTP alone.

Each check is a function that gets a `Place`. It fails by an `AssertionError` that says why.
"""

import base64
import http.client
import json
import re
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from oauth import OAuthServer

OPEN_TOOL = "test_simple_text"
GUARDED_TOOL = "test_tool_with_progress"
# Its tokens are from the same OAuth servers.
ANOTHER_SERVER = "https://another.example/mcp"
MODERN = "2026-07-28"
LEGACY = "2025-11-25"
CLIENT = {"name": "acceptance", "version": "1.0.0"}
# An answer that takes longer is none.
PATIENCE = 20
# `mcp serve` reads 4 MiB before the server gets the request.
MORE_THAN_READ_AHEAD = 5 << 20
# What servers grant clocks that differ, and a second for ours.
LEEWAY = 31
CHECKS = {}


@dataclass
class Place:
    """A server, and those that issue tokens: its OAuth server, one that it does not know, and one
    that signs as if it were its OAuth server."""

    name: str
    url: str
    log: Path
    oauth: OAuthServer
    foreign: OAuthServer = None
    impostor: OAuthServer = None

    def token(self, scope="mcp:read", client="machine-ES256"):
        return self.oauth.token(self.url, scope, client)

    @property
    def metadata(self):
        return self.url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp")


@dataclass
class Answer:
    status: int
    headers: list
    body: bytes

    def header(self, name):
        """All values of a header, joined as RFC 9110 does."""
        return ", ".join(value for key, value in self.headers if key.lower() == name) or None

    def message(self):
        """The message of JSON-RPC, also of a stream of events."""
        text = self.body.decode()
        if self.header("content-type") == "text/event-stream":
            text = re.findall(r"^data: ?(.+)$", text, re.MULTILINE)[-1]
        return json.loads(text)

    def challenge(self):
        header = self.header("www-authenticate") or ""
        assert re.fullmatch(r'Bearer( [a-z_]+="[ -!#-\[\]-~]*"(,(?=.)|$))*', header), f"a bad challenge: {header!r}"
        return dict(re.findall(r'([a-z_]+)="([^"]*)"', header))


def check(function):
    CHECKS[function.__name__.replace("_", " ")] = function
    return function


def verdict(check, place, *arguments):
    """Why a check failed, or nothing."""
    try:
        check(place, *arguments)
    except (AssertionError, OSError, ValueError, http.client.HTTPException) as failure:
        return str(failure) or repr(failure)
    return None


# --- requests


def connect(url):
    parts = urllib.parse.urlsplit(url)
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE)


def send(url, method="GET", headers=(), body=None):
    """`headers` are pairs, of which two can have the same name."""
    connection = begin(url, method, headers, body)
    response = connection.getresponse()
    answer = Answer(response.status, response.getheaders(), response.read())
    connection.close()
    return answer


def begin(url, method, headers, body):
    connection = connect(url)
    parts = urllib.parse.urlsplit(url)
    connection.putrequest(method, parts.path + (f"?{parts.query}" if parts.query else ""))
    for name, value in headers:
        connection.putheader(name, value)
    data = json.dumps(body).encode() if body is not None else b""
    if method == "POST":
        connection.putheader("content-type", "application/json")
        connection.putheader("content-length", str(len(data)))
    connection.endheaders(data)
    return connection


def bearer(token):
    return [("authorization", f"Bearer {token}")] if token else []


ACCEPT = ("accept", "application/json, text/event-stream")


def modern(url, method, token=None, headers=(), **params):
    """A request of revision 2026-07-28."""
    key = "io.modelcontextprotocol/"
    meta = {f"{key}protocolVersion": MODERN, f"{key}clientInfo": CLIENT, f"{key}clientCapabilities": {}}
    about = [("mcp-protocol-version", MODERN), ("mcp-method", method)]
    if "name" in params:
        about.append(("mcp-name", params["name"]))
    body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params | {"_meta": meta}}
    return send(url, "POST", [ACCEPT, *about, *bearer(token), *headers], body)


def legacy(url, method, token=None, session=None, headers=(), **params):
    """A request of revision 2025-11-25."""
    about = [("mcp-protocol-version", LEGACY)] + ([("mcp-session-id", session)] if session else [])
    body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
    return send(url, "POST", [ACCEPT, *about, *bearer(token), *headers], body)


def initialize(url, token=None, capabilities={}):
    about = {"protocolVersion": LEGACY, "capabilities": capabilities, "clientInfo": CLIENT}
    return legacy(url, "initialize", token, **about)


def open_session(url, token, capabilities={}):
    answer = initialize(url, token, capabilities)
    assert answer.status == 200, f"`initialize` is answered by {described(answer)}"
    session = answer.header("mcp-session-id")
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    noted = send(url, "POST", in_session(session, token), ready)
    assert noted.status == 202, f"`initialized` is answered by {described(noted)}"
    return session


def in_session(session, token):
    return [ACCEPT, ("mcp-protocol-version", LEGACY), ("mcp-session-id", session), *bearer(token)]


def bare(url, method, session, token):
    """`GET` or `DELETE` of a session."""
    return url, method, in_session(session, token), None


def call(request, url, tool, token, *, session=None, **params):
    own = {"session": session} if session else {}
    return request(url, "tools/call", token, name=tool, arguments={}, **own, **params)


# --- what is expected


def described(answer):
    challenge = answer.header("www-authenticate")
    return f"{answer.status} {answer.body[:300]!r}" + (f", `{challenge}`" if challenge else "")


def good(answer, what):
    assert answer.status == 200 and "result" in answer.message(), f"{what} is answered by {described(answer)}"


def refused(place, answer, what, status, code=None, **challenge):
    """Whether it is refused so, with this challenge but for `error_description`."""
    assert answer.status == status, f"{what} is answered by {described(answer)}"
    found = answer.challenge()
    description = found.pop("error_description", "")
    assert len(description) <= 200, f"{what}: the description is too long: {description}"
    expected = challenge | {"resource_metadata": place.metadata}
    assert found == expected, f"{what}: the challenge is {found} and should be {expected}"
    if code:
        error = answer.message()
        assert error.get("error", {}).get("code") == code, f"{what}: the message is {error}"
    return description


def bad_token(place, token, what):
    for request in (modern, legacy):
        answer = request(place.url, "tools/list", token)
        description = refused(place, answer, what, 401, -32010, error="invalid_token", scope="mcp:read")
        assert "id" not in answer.message(), f"{what}: the refusal has an id, but the body was not to be read"
        assert description, f"{what}: no `error_description`"
    return description


# --- the checks


@check
def metadata(place):
    expected = {"resource": place.url, "authorization_servers": [place.oauth.issuer], "scopes_supported": ["mcp:read"]}
    forged = [("x-forwarded-host", "evil.example"), ("x-forwarded-proto", "https"), ("forwarded", "host=evil.example")]
    answer = send(place.metadata, headers=forged)
    assert answer.status == 200, f"it is answered by {described(answer)}"
    found = json.loads(answer.body)
    assert {key: found.get(key) for key in expected} == expected, f"it is {found}"
    assert (answer.header("content-type") or "").startswith("application/json"), "it is not called JSON"
    assert answer.header("access-control-allow-origin") == "*", "web pages cannot read it"
    head = send(place.metadata, "HEAD")
    assert head.status == 200 and not head.body, f"`HEAD` is answered by {described(head)}"
    posted = send(place.metadata, "POST")
    assert posted.status == 405, f"`POST` is answered by {described(posted)}"
    for path in ("oauth-authorization-server", "oauth-authorization-server/mcp", "openid-configuration"):
        answer = send(place.url.replace("/mcp", f"/.well-known/{path}"))
        assert answer.status == 404 and not answer.header("www-authenticate"), f"`{path}` is {described(answer)}"


@check
def no_token(place):
    for what, answer in {
        "a modern request": modern(place.url, "tools/list"),
        "`server/discover`": modern(place.url, "server/discover"),
        "`initialize`": initialize(place.url),
        "a request without a session": legacy(place.url, "tools/list"),
        "another scheme": modern(place.url, "tools/list", headers=[("authorization", "Basic YTpi")]),
        "`x-api-key`": modern(place.url, "tools/list", headers=[("x-api-key", place.token())]),
        "a cookie": modern(place.url, "tools/list", headers=[("cookie", f"token={place.token()}")]),
    }.items():
        refused(place, answer, what, 401, -32010, scope="mcp:read")
    for method in ("GET", "DELETE"):
        answer = send(*bare(place.url, method, "some-session", None))
        refused(place, answer, f"`{method}`", 401, scope="mcp:read")


@check
def refused_before_the_body(place):
    connection = connect(place.url)
    connection.putrequest("POST", "/mcp")
    connection.putheader("content-type", "application/json")
    connection.putheader("content-length", str(MORE_THAN_READ_AHEAD))
    connection.endheaders()
    response = connection.getresponse()
    assert response.status == 401, f"it is answered by {response.status}"
    connection.close()


@check
def every_algorithm(place):
    for algorithm in ("ES256", "EdDSA", "RS256"):
        token = place.token(client=f"machine-{algorithm}")
        assert header_of(token)["alg"] == algorithm, f"the OAuth server signs by {header_of(token)}"
        good(modern(place.url, "tools/list", token), f"a token signed by {algorithm}")
        good(initialize(place.url, token), f"`initialize` with a token signed by {algorithm}")
    token = place.token()
    lower = modern(place.url, "tools/list", headers=[("authorization", f"bearer {token}")])
    good(lower, "`bearer` in lower case")


@check
def a_scope_that_is_missing(place):
    reads, writes = place.token(), place.token("mcp:read mcp:write")
    session = open_session(place.url, reads)
    progress = {"_meta": {"progressToken": 1}}
    calls = {
        "a modern call": call(modern, place.url, GUARDED_TOOL, reads),
        "a call in a session": call(legacy, place.url, GUARDED_TOOL, reads, session=session),
        "a call that streams": call(legacy, place.url, GUARDED_TOOL, reads, session=session, **progress),
    }
    for what, answer in calls.items():
        scopes = ["mcp:read", "mcp:write"]
        refused(place, answer, what, 403, -32011, error="insufficient_scope", scope=" ".join(scopes))
        error = answer.message()
        assert error["id"] == 7, f"{what}: the id is lost: {error}"
        assert error["error"].get("data") == {"scopes": scopes}, f"{what}: the data is {error}"
    good(call(modern, place.url, OPEN_TOOL, reads), "a tool that needs no more")
    good(call(legacy, place.url, OPEN_TOOL, reads, session=session), "a tool that needs no more")
    good(call(modern, place.url, GUARDED_TOOL, writes), "a call with the scope")
    # A login that adds a scope is not a new user.
    good(call(legacy, place.url, GUARDED_TOOL, writes, session=session), "a call with the scope in the session")
    only_writes = modern(place.url, "tools/list", place.token("mcp:write"))
    refused(place, only_writes, "a token without `mcp:read`", 403, -32011, error="insufficient_scope", scope="mcp:read")


@check
def token_for_another_server(place):
    bad_token(place, place.oauth.token(ANOTHER_SERVER), "a token for another server")


@check
def token_of_another_oauth_server(place):
    token = place.foreign.token(place.url)
    assert claims_of(token)["iss"] != place.oauth.issuer, "it is the same OAuth server"
    bad_token(place, token, "a token of an OAuth server that is not the server's")


@check
def token_of_an_impostor(place):
    token, genuine = place.impostor.token(place.url), place.token()
    for part in (header_of, lambda token: {key: claims_of(token)[key] for key in ("iss", "aud", "sub", "scope")}):
        assert part(token) == part(genuine), f"the impostor is easy to tell: {part(token)}"
    bad_token(place, token, "a token that another key signed")


@check
def tokens_that_are_not_access_tokens(place):
    tokens = place.oauth.login(place.url, "openid offline_access mcp:read")
    good(modern(place.url, "tools/list", tokens["access_token"]), "the user's access token")
    bad_token(place, tokens["id_token"], "an ID token")
    bad_token(place, tokens["refresh_token"], "a refresh token")


@check
def tokens_that_somebody_changed(place):
    header, claims, signature = place.token().split(".")
    more = encode(claims_of(f".{claims}") | {"scope": "mcp:read mcp:write"})
    bad_token(place, f"{header}.{more}.{signature}", "a token with more scopes")
    bad_token(place, f'{encode({"alg": "none", "typ": "at+jwt"})}.{claims}.', "a token without a signature")
    bad_token(place, f"{header}.{claims}.{signature[:-8]}", "half a signature")


@check
def credentials_that_are_malformed(place):
    token = place.token()
    in_query = modern(f"{place.url}?access_token={token}", "tools/list")
    twice = modern(place.url, "tools/list", token, headers=bearer(token))
    for what, answer in {
        "a token in the address": in_query,
        "a token in the address and in its header": modern(f"{place.url}?access_token=x", "tools/list", token),
        "two headers": twice,
        "a long token": modern(place.url, "tools/list", "a" * 20_000),
    }.items():
        refused(place, answer, what, 400, error="invalid_request")


@check
def stolen_session(place):
    """For anyone but its owner, a session id is that of another session."""
    owner, thief = place.token(), place.token(client="machine-EdDSA")
    session = open_session(place.url, owner, {"elicitation": {}})
    asking = {"name": "test_elicitation", "arguments": {"message": "Who are you?"}}
    body = {"jsonrpc": "2.0", "id": 8, "method": "tools/call", "params": asking}
    connection = begin(place.url, "POST", in_session(session, owner), body)
    stream = connection.getresponse()
    question = next_message(stream)
    assert question and question.get("method") == "elicitation/create", f"the server asks by {question}"

    def reply(token, name):
        content = {"username": name, "email": f"{name}@example.com"}
        answer = {"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": content}}
        return send(place.url, "POST", in_session(session, token), answer)

    reply(thief, "eve")
    send(*bare(place.url, "DELETE", session, thief))
    answer = reply(owner, "ada")
    assert answer.status == 202, f"after the thief, the owner's reply is answered by {described(answer)}"
    result = next_message(stream)
    connection.close()
    text = json.dumps(result)
    assert "ada" in text and "eve" not in text, f"the owner's call ends with {text}"
    good(legacy(place.url, "tools/list", owner, session), "after the thief's `DELETE`, the owner's session")
    refused(place, legacy(place.url, "tools/list", None, session), "the session id alone", 401, -32010, scope="mcp:read")
    ended = send(*bare(place.url, "DELETE", session, owner))
    assert ended.status in (200, 204), f"the owner's `DELETE` is answered by {described(ended)}"
    gone = legacy(place.url, "tools/list", owner, session)
    assert gone.status == 404, f"after the owner's `DELETE`, the session answers {described(gone)}"


def next_message(stream):
    for line in stream:
        if line.startswith(b"data:") and line[5:].strip():
            return json.loads(line[5:])
    return None


@check
def expired_token(place):
    brief = place.token(client="machine-brief")
    expires = claims_of(brief)["exp"]
    good(modern(place.url, "tools/list", brief), "a token that expires soon")
    durable = place.token()
    soon = begin(*bare(place.url, "GET", open_session(place.url, brief), brief))
    later = begin(*bare(place.url, "GET", open_session(place.url, durable), durable))
    streams = soon.getresponse(), later.getresponse()
    for stream in streams:
        assert stream.status == 200, f"a stream is answered by {stream.status}"
    streams[0].read()
    late = time.time() - expires
    assert -1 <= late <= 3, f"the stream ended {late:.1f} s after its token"
    later.sock.settimeout(0.2)
    try:
        while streams[1].read1():
            pass
        raise AssertionError("the stream of a token that has not expired ended as well")
    except TimeoutError:
        later.close()
    time.sleep(max(0, expires + LEEWAY - time.time()))
    description = bad_token(place, brief, "a token that has expired")
    assert "expired" in description, f"the description is {description!r}"


@check
def browsers(place):
    page, token = ("origin", "http://localhost:5173"), place.token()
    asked = "authorization, content-type, mcp-protocol-version, mcp-method, mcp-name, mcp-session-id"
    asks = [("access-control-request-method", "POST"), ("access-control-request-headers", asked)]
    preflight = send(place.url, "OPTIONS", [page, *asks])
    assert preflight.status in (200, 204), f"the preflight is answered by {described(preflight)}"
    readable(preflight, page)
    allowed = words(preflight, "access-control-allow-headers")
    assert set(asked.split(", ")) <= allowed, f"only {allowed} are allowed"
    assert {"post", "get", "delete"} <= words(preflight, "access-control-allow-methods"), "a method is missing"
    for what, answer in {
        "the refusal": modern(place.url, "tools/list", headers=[page]),
        "the answer": modern(place.url, "tools/list", token, headers=[page]),
    }.items():
        readable(answer, page)
        exposed = words(answer, "access-control-expose-headers")
        assert {"www-authenticate", "mcp-session-id"} <= exposed, f"{what} exposes {exposed}"
    for origin in ("https://evil.example", "null"):
        for token in (None, place.token()):
            answer = modern(place.url, "tools/list", token, headers=[("origin", origin)])
            assert answer.status == 403, f"a page of {origin} is answered by {described(answer)}"
            assert not answer.header("www-authenticate"), "it is asked to log in"
            assert not answer.header("access-control-allow-origin"), f"{origin} can read the answer"


def readable(answer, origin):
    allowed = answer.header("access-control-allow-origin")
    assert allowed in (origin[1], "*"), f"pages of {origin[1]} cannot read {described(answer)}"


def words(answer, header):
    return {word.strip().lower() for word in (answer.header(header) or "").split(",")}


# --- tokens, unverified


def header_of(token):
    return decode(token.split(".")[0])


def claims_of(token):
    return decode(token.split(".")[1])


def decode(part):
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def encode(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
