"""What `wasi.http` and `wasi.http_async` have in common."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit


class Error(ValueError):
    """There is no answer. Says why."""


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    """By names in lower case."""
    body: bytes

    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


def target_of(url: str) -> SplitResult:
    target = urlsplit(url)
    if target.scheme not in ("http", "https") or not target.netloc:
        raise Error(f"`{url}` is not the URL of a web service")
    return target


def path_of(target: SplitResult) -> str:
    return (target.path or "/") + (f"?{target.query}" if target.query else "")


def fields(headers: Mapping[str, str], body: bytes) -> list[tuple[str, bytes]]:
    entries = [(name, value.encode()) for name, value in headers.items()]
    if body and "content-length" not in map(str.lower, headers):
        entries.append(("content-length", str(len(body)).encode()))
    return entries


def by_name(entries: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    return {name.lower(): value.decode("latin-1") for name, value in entries}


def no_answer(target: SplitResult, code: object) -> Error:
    """Says what an error code means."""
    service = f"{target.scheme}://{target.netloc}"
    name = type(code).__name__
    if name == "ErrorCode_HttpRequestDenied":
        return Error(
            f"requests to `{service}` are not allowed: in `spin.toml`, name it in"
            ' `allowed_outbound_hosts` of the component, and give the feature `allow = ["http"]`'
        )
    why = getattr(code, "value", None)
    return Error(f"no answer from `{service}`: {why if isinstance(why, str) else words(code)}")


def words(code: object) -> str:
    """What a case of a variant says, such as `connection refused`."""
    name = type(code).__name__.partition("_")[2]
    return re.sub("(?<!^)(?=[A-Z])", " ", name).lower()
