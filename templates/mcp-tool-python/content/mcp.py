"""Makes tools out of functions. A function gives its tool the name; its docstring becomes the
description, and its parameters become the schema of the arguments, as `hints.py` says. It
returns what it found, or raises `ValueError` to say why it failed."""

import inspect
import json
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

import hints

Function = TypeVar("Function", bound=Callable[..., object])

REQUEST = ContextVar("REQUEST", default=0)
"""Names the request that is being served, for `request.py`."""


class Tool:
    """A function as a tool."""

    def __init__(self, function: Callable[..., object]) -> None:
        self.name = function.__name__
        self.description = inspect.getdoc(function)
        self.function = function
        self.fields = hints.fields(function)
        self.schema = json.dumps(self.fields.schema(), ensure_ascii=False)

    def parse(self, arguments: str) -> dict[str, Any]:
        """What JSON text passes to the function."""
        try:
            return self.fields.parse(hints.loads(arguments), "")
        except ValueError as why:
            raise ValueError(f"invalid arguments: {why}") from None


TOOLS: dict[str, Tool] = {}


def tool(function: Function) -> Function:
    """Makes a tool out of a function, which stays as it is."""
    TOOLS[function.__name__] = Tool(function)
    return function


def text(answer: object) -> str:
    """What a function returned, as the model reads it."""
    if answer is None:
        return ""
    return answer if isinstance(answer, str) else hints.text(answer)
