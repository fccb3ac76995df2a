"""What type hints say of JSON: its schema, and what a value of it is in Python.

Hints may be `str`, `int`, `float`, `bool`, `None`, `Any`, `list[…]`, `dict[str, …]`,
`Literal[…]`, unions, enums and dataclasses of these. `Annotated[…, "…"]` describes any of them.
Values may be as clients and models write them: `3.0` for `3`, `null` for what has a default, and
text of JSON for an array or object.
"""

import dataclasses
import enum
import functools
import inspect
import json
import math
import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

NONE = type(None)
SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean", NONE: "null"}
UNIONS = (Union, types.UnionType)
Defs = dict[Any, dict[str, Any]]
"""The dataclasses around a hint and those that hold themselves, the latter with their schemas."""


@functools.cache
def fields(of: Callable[..., object]) -> "Fields":
    return Fields(of)


class Fields:
    """What a JSON object may hold: the parameters of a function or the fields of a dataclass."""

    def __init__(self, of: Callable[..., object]) -> None:
        hints = get_type_hints(of, include_extras=True)
        self.name = of.__name__
        self.hints: dict[str, object] = {}
        self.defaults: dict[str, object] = {}
        for name, parameter in inspect.signature(of).parameters.items():
            if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                raise TypeError(f"`{of.__name__}`: `{name}` cannot be passed by its name")
            if name not in hints:
                raise TypeError(f"`{of.__name__}`: `{name}` has no type hint")
            self.hints[name] = hints[name]
            if parameter.default is not parameter.empty:
                self.defaults[name] = parameter.default

    def schema(self, defs: Defs | None = None) -> dict[str, Any]:
        """The schema: the whole one, or a part of one with these `$defs`."""
        known: Defs = {} if defs is None else defs
        properties = {}
        for name, hint in self.hints.items():
            try:
                properties[name] = schema(hint, known)
            except TypeError as why:
                raise TypeError(f"`{self.name}`: `{name}`: {why}") from None
        for name, default in self.defaults.items():
            if type(default) in SCALARS:
                properties[name]["default"] = default
        named = {of.__name__: part for of, part in known.items()}
        if len(named) < len(known):
            raise TypeError(f"`{self.name}`: two dataclasses have the same name; rename one")
        return {
            "type": "object",
            "properties": properties,
            "required": [name for name in self.hints if name not in self.defaults],
            "additionalProperties": False,
        } | ({"$defs": named} if named and defs is None else {})

    def parse(self, value: object, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise wrong(path, f"expected an object, not `{shown(value)}`")
        at = f"{path}." if path else ""
        for name in value:
            if name not in self.hints:
                known = " or ".join(f"`{known}`" for known in self.hints) or "none"
                raise wrong(at + name, f"unknown field `{name}`, expected {known}")
        for name in self.hints:
            if name not in value and name not in self.defaults:
                raise wrong(path, f"missing field `{name}`")
        return {
            name: parse(self.hints[name], part, at + name)
            for name, part in value.items()
            if part is not None or name not in self.defaults or takes_null(self.hints[name])
        }


def schema(hint: Any, defs: Defs | None = None) -> dict[str, Any]:
    """The JSON Schema of a type hint. Dataclasses that hold themselves become `$defs`."""
    defs = {} if defs is None else defs
    origin, of = get_origin(hint), get_args(hint)
    if origin is Annotated:
        notes = [note for note in of[1:] if isinstance(note, str)]
        return schema(of[0], defs) | ({"description": notes[0]} if notes else {})
    if hint is Any:
        return {}
    if hint in SCALARS:
        return {"type": SCALARS[hint]}
    if origin is list:
        return {"type": "array", "items": schema(of[0], defs)}
    if origin is dict and of[0] is str:
        return {"type": "object", "additionalProperties": schema(of[1], defs)}
    if origin in UNIONS:
        return {"anyOf": [schema(option, defs) for option in of]}
    if options := choices(hint):
        return {"enum": [json.loads(option) for option in options]}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        reference = {"$ref": f"#/$defs/{hint.__name__}"}
        if hint in defs:
            defs[hint] = defs[hint] or reference
            return reference
        defs[hint] = {}
        # Python writes a docstring where the author did not.
        written = not (hint.__doc__ or "").startswith(f"{hint.__name__}(")
        whole = fields(hint).schema(defs) | ({"description": inspect.getdoc(hint)} if written else {})
        if not defs[hint]:
            del defs[hint]
            return whole
        defs[hint] = whole
        return reference
    raise TypeError(f"`{hint}` cannot be the type of an argument; `hints.py` says what can")


def parse(hint: Any, value: Any, path: str) -> object:
    """What a JSON value is as a type hint wants it. `path` says where it was."""
    origin, of = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return parse(of[0], value, path)
    is_dataclass = isinstance(hint, type) and dataclasses.is_dataclass(hint)
    if isinstance(value, str) and (origin in (list, dict) or is_dataclass):
        value = decoded(value)
    if hint is Any or (hint in SCALARS and type(value) is hint):
        return value
    if hint is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if hint is float and type(value) is int:
        return float(value)
    if origin is list and isinstance(value, list):
        return [parse(of[0], part, f"{path}[{at}]") for at, part in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {key: parse(of[1], part, f"{path}.{key}") for key, part in value.items()}
    if origin in UNIONS:
        whys = []
        for option in sorted(of, key=lambda option: option is not type(value)):
            try:
                return parse(option, value, path)
            except ValueError as why:
                whys.append(str(why).removeprefix(f"{path}: "))
        # Nobody who sent something meant nothing.
        raise wrong(path, ", or ".join(why for why in whys if "expected null" not in why))
    if is_dataclass:
        return hint(**fields(hint).parse(value, path))
    options = choices(hint)
    if (found := json.dumps(value)) in options:
        return options[found]
    names = {int: "an integer", list: "an array", dict: "an object", NONE: "null"}
    name = names.get(origin or hint) or f"a {SCALARS.get(hint)}"
    raise wrong(path, f"expected {' or '.join(options) or name}, not `{shown(value)}`")


def takes_null(hint: Any) -> bool:
    try:
        parse(hint, None, "")
    except ValueError:
        return False
    return True


def decoded(text: str) -> object:
    """The array or object in a text, or else the text."""
    try:
        found = loads(text)
    except ValueError:
        return text
    return found if isinstance(found, (list, dict)) else text


def loads(text: str) -> object:
    return json.loads(text, parse_float=finite)


def finite(text: str) -> float:
    """A number that JSON can hold: Python makes infinity of others."""
    if math.isinf(number := float(text)):
        raise ValueError(f"`{text}` is too large for a number")
    return number


def choices(hint: Any) -> dict[str, object]:
    """The values of a `Literal` or an enum, by their JSON text."""
    if get_origin(hint) is Literal:
        return {json.dumps(value): value for value in get_args(hint)}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {json.dumps(member.value): member for member in hint}
    return {}


def wrong(path: str, why: str) -> ValueError:
    return ValueError(f"{path}: {why}" if path else why)


def shown(value: object) -> str:
    found = text(value)
    return found if len(found) <= 60 else f"{found[:60]}…"


def text(value: object) -> str:
    """JSON text, of dataclasses and enums, too."""

    def plain(value: Any) -> object:
        return value.value if isinstance(value, enum.Enum) else dataclasses.asdict(value)

    return json.dumps(value, default=plain, ensure_ascii=False, allow_nan=False)
