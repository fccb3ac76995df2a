"""Makes prompts out of functions. A function gives its prompt the name; its docstring becomes the
description, and its parameters become the arguments, as `hints.py` says. It returns the text of
the prompt, or raises `ValueError` to say why there is none. A parameter with a default need not
be given; the values of a `Literal` or an enum are its completions."""

import inspect
import json
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, get_args, get_origin

import hints

Function = TypeVar("Function", bound=Callable[..., str])


class Prompt:
    """A function as a prompt."""

    def __init__(self, function: Callable[..., str]) -> None:
        self.name = function.__name__
        self.description = inspect.getdoc(function)
        self.function = function
        self.fields = hints.fields(function)
        self.fields.schema()  # says which hints cannot be

    def get(self, arguments: list[tuple[str, str]]) -> str:
        """The text for the arguments of a client, which are texts."""
        values = {name: self.value(name, text) for name, text in arguments}
        try:
            parsed = self.fields.parse(values, "")
        except ValueError as why:
            raise ValueError(f"invalid arguments: {why}") from None
        return self.function(**parsed)

    def value(self, name: str, text: str) -> object:
        """A text as it is, or the JSON in it where the parameter takes no text."""
        try:
            hints.parse(self.fields.hints.get(name), text, name)
        except ValueError:
            try:
                return json.loads(text)
            except ValueError:
                pass
        return text

    def completions(self, name: str) -> list[str]:
        """The texts that an argument may be, if its hint names them."""
        return texts(self.fields.hints.get(name))


PROMPTS: dict[str, Prompt] = {}


def prompt(function: Function) -> Function:
    """Makes a prompt out of a function, which stays as it is."""
    PROMPTS[function.__name__] = Prompt(function)
    return function


def texts(hint: Any) -> list[str]:
    origin, of = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return texts(of[0])
    if origin in hints.UNIONS:
        return [text for option in of for text in texts(option)]
    values = [json.loads(option) for option in hints.choices(hint)]
    return [value for value in values if isinstance(value, str)]
