"""JSON Schemas of type hints, and conversion between JSON and the values that hints describe.

A hint is a scalar, an enum, a `Literal`, a date, a container, a union, a dataclass, a `TypedDict`
or a `BaseModel`, in any nesting. `Annotated` adds a description and limits.
"""

import base64
import collections.abc as abc
import dataclasses
import datetime
import decimal
import enum
import inspect
import json
import math
import pathlib
import re
import sys
import types
import typing
import uuid
from collections.abc import Callable
from copy import deepcopy
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

NONE = type(None)
MISSING: Any = type("Missing", (), {"__repr__": lambda _: "MISSING"})()
SCALARS: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean", NONE: "null"}
NAMES = {int: "an integer", str: "a string", float: "a number", bool: "true or false", NONE: "null"}
UNIONS = (Union, types.UnionType)
LISTS = (list, set, frozenset, abc.Sequence, abc.Iterable, abc.Collection, abc.MutableSequence, abc.Set)
MAPS = (dict, abc.Mapping, abc.MutableMapping)
QUALIFIERS = {getattr(typing, name, ...) for name in ("Required", "NotRequired", "ReadOnly", "Final")}
# What Python reads from and writes to a JSON string: the format, the reader.
TEXTS: dict[Any, tuple[str, Callable[[str], Any]]] = {
    datetime.datetime: ("date-time", datetime.datetime.fromisoformat),
    datetime.date: ("date", datetime.date.fromisoformat),
    datetime.time: ("time", datetime.time.fromisoformat),
    uuid.UUID: ("uuid", uuid.UUID),
    bytes: ("binary", str.encode),
    pathlib.Path: ("path", pathlib.Path),
}
LIMITS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
}
OF_ARRAYS = {"minLength": "minItems", "maxLength": "maxItems"}


class Invalid(ValueError):
    """A value does not fit its hint. `path` says where."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}" if path else why)
        self.path, self.why = path, why


@dataclasses.dataclass
class Slot:
    """A member of a JSON object: a parameter, or a field of a class."""

    name: str
    hint: Any
    default: Any = MISSING
    factory: Any = None
    alias: str | None = None
    optional: bool = False
    """Can be absent without a default, as in a `TypedDict`."""

    def __post_init__(self) -> None:
        for note in notes(self.hint):
            if note.__class__.__name__ == "FieldInfo":
                self.alias = note.alias or self.alias
                self.factory = note.default_factory or self.factory
                if self.default is MISSING and note.default is not ...:
                    self.default = note.default

    @property
    def key(self) -> str:
        return self.alias or self.name

    @property
    def required(self) -> bool:
        return self.default is MISSING and self.factory is None and not self.optional

    def absent(self) -> Any:
        if self.factory is not None:
            return self.factory()
        plain_default = isinstance(self.default, (list, dict, set))
        return deepcopy(self.default) if plain_default else self.default


def notes(hint: Any) -> tuple[Any, ...]:
    return get_args(hint)[1:] if get_origin(hint) is Annotated else ()


def described(hint: Any, default: Any) -> tuple[Any, Any]:
    """`name: int = Field(…)` is `name: Annotated[int, Field(…)]`."""
    if type(default).__name__ == "FieldInfo":
        return Annotated[hint, default], MISSING
    return hint, default


def hints_of(of: Any) -> dict[str, Any]:
    try:
        local = {of.__name__: of} if isinstance(of, type) else None
        return get_type_hints(of, localns=local, include_extras=True)
    except NameError as why:
        name = getattr(of, "__name__", of)
        raise TypeError(
            f"`{name}`: {why}; a name in a type hint must be known at the top of the module"
        ) from None


def is_model(hint: Any) -> bool:
    return isinstance(hint, type) and hasattr(hint, "__spin_model__")


def is_record(hint: Any) -> bool:
    """A class with fields."""
    of = get_origin(hint) or hint
    if not isinstance(of, type):
        return False
    return is_model(of) or dataclasses.is_dataclass(of) or typing.is_typeddict(of)


def slots(hint: Any) -> list[Slot]:
    """The fields of a class."""
    of = get_origin(hint) or hint
    known: list[Slot] | None = of.__dict__.get("__slots_of_json__")
    if known is None:
        known = list(read_slots(of))
        if not typing.is_typeddict(of):
            of.__slots_of_json__ = known
    parameters = getattr(of, "__parameters__", ())
    if get_args(hint) and parameters:
        given = dict(zip(parameters, get_args(hint)))
        return [dataclasses.replace(slot, hint=substitute(slot.hint, given)) for slot in known]
    return known


def substitute(hint: Any, given: dict[Any, Any]) -> Any:
    if isinstance(hint, TypeVar):
        return given.get(hint, hint)
    inner = getattr(hint, "__parameters__", ())
    return hint[tuple(given.get(name, name) for name in inner)] if inner else hint


def read_slots(of: Any) -> abc.Iterator[Slot]:
    hints = hints_of(of)
    if typing.is_typeddict(of):
        required = {name for name in hints if name in of.__required_keys__}
        for name, hint in hints.items():
            while get_origin(hint) in QUALIFIERS:
                (hint,) = get_args(hint)
            yield Slot(name, hint, optional=name not in required)
    elif is_model(of):
        naming = of.model_config.get("alias_generator")
        for name, hint in hints.items():
            if name.startswith("_") or name == "model_config" or is_class_var(hint):
                continue
            hint, default = described(hint, getattr(of, name, MISSING))
            slot = Slot(name, hint, default)
            if naming is not None and slot.alias is None:
                slot.alias = naming(name)
            yield slot
    else:
        for field in dataclasses.fields(of):
            if field.init:
                default, factory = field.default, field.default_factory
                default = MISSING if default is dataclasses.MISSING else default
                hint, default = described(hints[field.name], default)
                yield Slot(field.name, hint, default, None if factory is dataclasses.MISSING else factory)


def is_class_var(hint: Any) -> bool:
    return hint is typing.ClassVar or get_origin(hint) is typing.ClassVar


def description(of: Any) -> str | None:
    """The author's docstring: Python writes one for a dataclass, and inherits that of a base."""
    written = of.__dict__.get("__doc__") if isinstance(of, type) else of.__doc__
    if not written or written.startswith(f"{of.__name__}("):
        return None
    return inspect.cleandoc(written)


def literals(hint: Any) -> list[Any]:
    """The values of a `Literal` or an enum."""
    if get_origin(hint) is Literal:
        return list(get_args(hint))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return list(hint)
    return []


class Schema:
    """Writes the schema of one tool. A class within itself becomes a definition in `$defs`."""

    def __init__(self, output: bool = False) -> None:
        self.output = output
        self.open: list[Any] = []
        self.names: dict[Any, str] = {}
        self.definitions: dict[str, Any] = {}

    def root(self, hint: Any) -> dict[str, Any]:
        return self.closed(self.of(hint))

    def closed(self, found: dict[str, Any]) -> dict[str, Any]:
        """With the definitions that it refers to."""
        if "$ref" in found:
            found = self.definitions[found["$ref"].rpartition("/")[2]] | {
                name: value for name, value in found.items() if name != "$ref"
            }
        return found | {"$defs": self.definitions} if self.definitions else found

    def of(self, hint: Any) -> dict[str, Any]:
        origin, of = get_origin(hint), get_args(hint)
        if origin is Annotated:
            found = self.of(of[0])
            for note in of[1:]:
                found = annotate(found, note)
            return found
        if origin in QUALIFIERS:
            return self.of(of[0])
        if hint in (Any, object, inspect.Parameter.empty) or isinstance(hint, TypeVar):
            return {}
        if hasattr(hint, "__supertype__"):
            return self.of(hint.__supertype__)
        if hasattr(hint, "__value__"):
            return self.named(hint, hint.__name__, lambda: self.of(hint.__value__))
        if hint in SCALARS:
            return {"type": SCALARS[hint]}
        if hint is None:
            return {"type": "null"}
        if hint is decimal.Decimal:
            return {"type": "string" if self.output else "number"}
        if hint in TEXTS:
            return {"type": "string", "format": TEXTS[hint][0]}
        if (values := literals(hint)) or literals_end(hint):
            return choice([plain(value) for value in values])
        if origin is tuple or hint is tuple:
            return self.tuple_of(of)
        if (origin or hint) in LISTS:
            found = {"type": "array", "items": self.of(of[0]) if of else {}}
            if (origin or hint) in (set, frozenset):
                found["uniqueItems"] = True
            return found
        if (origin or hint) in MAPS:
            held = self.of(of[1]) if of else {}
            return {"type": "object"} | ({"additionalProperties": held} if held else {})
        if origin in UNIONS:
            return self.union([self.of(option) for option in of])
        if is_model(origin or hint) and (origin or hint).__root__:
            model = origin or hint
            inner, text = model.root_hint(hint), description(model)
            more = {"description": text} if text and model.__module__ != "spin_mcp.models" else {}
            return self.named(hint, model.__name__, lambda: self.of(inner) | more)
        if is_record(hint):
            return self.named(hint, (origin or hint).__name__, lambda: self.record(hint))
        if isinstance(hint, type) and issubclass(hint, str):
            form = getattr(hint, "json_format", None)
            return {"type": "string"} | ({"format": form} if form else {})
        raise TypeError(f"`{shown_hint(hint)}` has no JSON Schema")

    def union(self, options: list[dict[str, Any]]) -> dict[str, Any]:
        unique = [option for at, option in enumerate(options) if option not in options[:at]]
        return unique[0] if len(unique) == 1 else {"anyOf": unique}

    def tuple_of(self, of: tuple[Any, ...]) -> dict[str, Any]:
        if not of:
            return {"type": "array", "items": {}}
        if of[-1] is ...:
            return {"type": "array", "items": self.of(of[0])}
        items = [self.of(item) for item in of]
        # Some clients read `items` alone.
        bounds = {"minItems": len(items), "maxItems": len(items)}
        same = all(item == items[0] for item in items)
        prefix = {} if same else {"prefixItems": items}
        return {"type": "array", **prefix, "items": self.union(items), **bounds}

    def named(self, hint: Any, name: str, write: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        if hint in self.open:
            if hint not in self.names:
                taken = set(self.names.values())
                while name in taken:
                    name += "_"
                self.names[hint] = name
            return {"$ref": f"#/$defs/{self.names[hint]}"}
        self.open.append(hint)
        found = write()
        self.open.pop()
        if hint in self.names:
            self.definitions[self.names[hint]] = found
            return {"$ref": f"#/$defs/{self.names[hint]}"}
        return found

    def record(self, hint: Any) -> dict[str, Any]:
        of = get_origin(hint) or hint
        found = self.object(slots(hint), self.strict(of))
        text = description(of)
        return found | ({"description": text} if text else {})

    def strict(self, of: Any) -> bool:
        if self.output or typing.is_typeddict(of):
            return False
        return not is_model(of) or of.model_config.get("extra") == "forbid"

    def object(self, members: list[Slot], strict: bool) -> dict[str, Any]:
        properties = {}
        for slot in members:
            try:
                properties[slot.key] = self.member(slot)
            except TypeError as why:
                raise TypeError(f"`{slot.name}`: {why}") from None
        found: dict[str, Any] = {"type": "object", "properties": properties}
        if required := [slot.key for slot in members if slot.required]:
            found["required"] = required
        return found | ({"additionalProperties": False} if strict else {})

    def member(self, slot: Slot) -> dict[str, Any]:
        hint = slot.hint
        if not self.output and not slot.required:
            # Absent says it, and some clients refuse `null` as a type.
            hint = without_none(hint)
        found = self.of(hint)
        if slot.default not in (MISSING, None) and slot.factory is None:
            try:
                found = found | {"default": json.loads(dumps(slot.default))}
            except (TypeError, ValueError):
                pass
        return found


def literals_end(hint: Any) -> bool:
    """An enum without members."""
    return isinstance(hint, type) and issubclass(hint, enum.Enum)


def without_none(hint: Any) -> Any:
    origin, of = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return Annotated[(without_none(of[0]), *of[1:])]
    if origin in UNIONS and NONE in of and len(of) > 1:
        return Union[tuple(option for option in of if option is not NONE)]
    return hint


def choice(values: list[Any]) -> dict[str, Any]:
    """An `enum` with its `type` beside it, which some clients need."""
    by_type: dict[str, list[Any]] = {}
    for value in values:
        by_type.setdefault(SCALARS.get(type(value), "object"), []).append(value)
    options = [
        {"type": name} if name == "null" else {"type": name, "enum": of}
        for name, of in by_type.items()
    ]
    return options[0] if len(options) == 1 else {"anyOf": options} if options else {}


def annotate(found: dict[str, Any], note: Any) -> dict[str, Any]:
    if isinstance(note, str):
        return found | {"description": note}
    more: dict[str, Any] = {}
    for name in ("title", "description", "examples"):
        value = getattr(note, name, None)
        if value is not None and not callable(value):
            more[name] = plain(value)
    for name, keyword in LIMITS.items():
        if (value := getattr(note, name, None)) is not None:
            if found.get("type") == "array":
                keyword = OF_ARRAYS.get(keyword, keyword)
            more[keyword] = getattr(value, "pattern", value)
    extra = getattr(note, "json_schema_extra", None)
    return found | more | (extra if isinstance(extra, dict) else {})


class Parser:
    """Makes values out of JSON. A lax one, for values that the author's code passes, also
    converts what pydantic would: `"1"` to a number."""

    def __init__(self, lax: bool = False) -> None:
        self.lax = lax

    def parse(self, hint: Any, value: Any, path: str = "") -> Any:
        origin, of = get_origin(hint), get_args(hint)
        if origin is Annotated:
            return self.annotated(of, value, path)
        if origin in QUALIFIERS:
            return self.parse(of[0], value, path)
        if hint in (Any, object, inspect.Parameter.empty) or isinstance(hint, TypeVar):
            return value
        if hasattr(hint, "__supertype__"):
            return self.parse(hint.__supertype__, value, path)
        if hasattr(hint, "__value__"):
            return self.parse(hint.__value__, value, path)
        if hint in SCALARS or hint is None:
            return self.scalar(NONE if hint is None else hint, value, path)
        if origin in UNIONS:
            return self.union(of, value, path)
        if values := literals(hint):
            return self.literal(values, value, path)
        if hint is decimal.Decimal and type(value) in (int, float, str, decimal.Decimal):
            return self.text("number", lambda text: decimal.Decimal(text), str(value), path)
        if hint in TEXTS:
            if isinstance(value, hint):
                return value
            if isinstance(value, str):
                return self.text(*TEXTS[hint], value, path)
            raise Invalid(path, f"expected a string, not `{shown(value)}`")
        kind = origin or hint
        if kind is tuple or kind in LISTS or kind in MAPS or is_record(hint):
            value = self.opened(kind, value)
        if kind is tuple:
            return self.tuple_of(of, value, path)
        if kind in LISTS:
            items = self.items(value, path)
            inner = of[0] if of else Any
            parsed = [self.parse(inner, item, f"{path}[{at}]") for at, item in enumerate(items)]
            return kind(parsed) if kind in (set, frozenset) else parsed
        if kind in MAPS:
            if not isinstance(value, dict):
                raise Invalid(path, f"expected an object, not `{shown(value)}`")
            if not of:
                return value
            return {self.key(of[0], key, path): self.parse(of[1], item, below(path, key)) for key, item in value.items()}
        if is_model(kind):
            return kind.__parse__(self, hint, value, path)
        if isinstance(kind, type) and dataclasses.is_dataclass(kind):
            if isinstance(value, kind):
                return value
            return kind(**self.members(slots(hint), value, path, "forbid"))
        if typing.is_typeddict(kind):
            return self.members(slots(hint), value, path, "allow")
        if isinstance(kind, type) and issubclass(kind, str) and isinstance(value, str):
            return kind(value)
        raise Invalid(path, f"expected {shown_hint(hint)}, not `{shown(value)}`")

    def opened(self, kind: Any, value: Any) -> Any:
        """Some models send the JSON of an object as a string."""
        if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
            try:
                return json.loads(value)
            except ValueError:
                pass
        return value

    def key(self, hint: Any, key: str, path: str) -> Any:
        return key if hint is str else Parser(lax=True).parse(hint, key, below(path, key))

    def items(self, value: Any, path: str) -> list[Any]:
        if isinstance(value, list) or self.lax and isinstance(value, (tuple, set, frozenset)):
            return list(value)
        raise Invalid(path, f"expected an array, not `{shown(value)}`")

    def tuple_of(self, of: tuple[Any, ...], value: Any, path: str) -> Any:
        items = self.items(list(value) if isinstance(value, tuple) else value, path)
        if of and of[-1] is ...:
            of = (of[0],) * len(items)
        if of and len(of) != len(items):
            raise Invalid(path, f"expected {len(of)} items, not {len(items)}")
        of = of or (Any,) * len(items)
        return tuple(self.parse(hint, item, f"{path}[{at}]") for at, (hint, item) in enumerate(zip(of, items)))

    def text(self, form: str, read: Callable[[str], Any], value: str, path: str) -> Any:
        try:
            return read(value)
        except (ValueError, ArithmeticError):
            raise Invalid(path, f"expected a {form}, not `{shown(value)}`") from None

    def scalar(self, hint: Any, value: Any, path: str) -> Any:
        if type(value) is hint or hint is str and isinstance(value, str):
            return value
        if hint is int and isinstance(value, float) and value.is_integer():
            return int(value)
        if hint is float and type(value) is int:
            return float(value)
        if hint is int and isinstance(value, int) and not isinstance(value, bool):
            return value
        if self.lax and hint in (int, float) and isinstance(value, (str, decimal.Decimal)):
            return self.text(NAMES[hint].partition(" ")[2], hint, str(value), path)
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if self.lax and hint is bool and str(value).lower() in words:
            return words[str(value).lower()]
        raise Invalid(path, f"expected {NAMES[hint]}, not `{shown(value)}`")

    def literal(self, values: list[Any], value: Any, path: str) -> Any:
        for option in values:
            if value is option:
                return option
            known = option.value if isinstance(option, enum.Enum) else option
            if known == value and isinstance(known, bool) == isinstance(value, bool):
                return option
        known = " or ".join(dumps(option) for option in values)
        raise Invalid(path, f"expected {known}, not `{shown(value)}`")

    def union(self, of: tuple[Any, ...], value: Any, path: str) -> Any:
        whys: list[str] = []
        # What fits as it is comes before what has to be converted.
        for parser in (Parser(), self) if self.lax else (self,):
            whys = []
            for option in of:
                try:
                    return parser.parse(option, value, path)
                except ValueError as why:
                    whys.append(why.why if isinstance(why, Invalid) and why.path == path else str(why))
        # A value that is not null was not meant to be null.
        raise Invalid(path, ", or ".join(why for why in whys if "expected null" not in why))

    def annotated(self, of: tuple[Any, ...], value: Any, path: str) -> Any:
        before = [note for note in of[1:] if hasattr(note, "before")]
        for note in before:
            value = checked(note.before, value, path)
        value = self.parse(of[0], value, path)
        for note in of[1:]:
            limit(note, value, path)
            if hasattr(note, "after"):
                value = checked(note.after, value, path)
        return value

    def members(self, known: list[Slot], value: Any, path: str, extra: str, by_name: bool = False) -> dict[str, Any]:
        """The values of an object's members by the names of their slots, defaults included."""
        if not isinstance(value, dict):
            raise Invalid(path, f"expected an object, not `{shown(value)}`")
        given: dict[str, Any] = {}
        rest = dict(value)
        for slot in known:
            key = slot.key if slot.key in rest or not (by_name or self.lax) else slot.name
            if key not in rest:
                if slot.required:
                    raise Invalid(path, f"missing field `{slot.key}`")
                if not slot.optional:
                    given[slot.name] = slot.absent()
                continue
            part = rest.pop(key)
            if part is None and not slot.required and not slot.optional and not takes_none(slot.hint):
                given[slot.name] = slot.absent()
                continue
            given[slot.name] = self.parse(slot.hint, part, below(path, key))
        if extra == "forbid":
            for name in rest:
                names = " or ".join(f"`{slot.key}`" for slot in known) or "none"
                raise Invalid(below(path, name), f"unknown field `{name}`, expected {names}")
        return given | (rest if extra == "allow" else {})


def takes_none(hint: Any) -> bool:
    origin, of = get_origin(hint), get_args(hint)
    if origin is Annotated or origin in QUALIFIERS:
        return takes_none(of[0])
    return hint in (Any, object, None, NONE, inspect.Parameter.empty) or origin in UNIONS and any(map(takes_none, of))


def checked(check: Callable[[Any], Any], value: Any, path: str) -> Any:
    try:
        return check(value)
    except Invalid:
        raise
    except (ValueError, AssertionError) as why:
        raise Invalid(path, str(why) or "it is not valid") from None


def limit(note: Any, value: Any, path: str) -> None:
    """Checks the limits that `Field` or a type of `annotated_types` sets."""

    def bound(name: str) -> Any:
        return getattr(note, name, None)

    if isinstance(note, str) or value is None:
        return
    try:
        for name, words, holds in (
            ("ge", "at least", lambda limit: value >= limit),
            ("gt", "more than", lambda limit: value > limit),
            ("le", "at most", lambda limit: value <= limit),
            ("lt", "less than", lambda limit: value < limit),
            ("multiple_of", "a multiple of", lambda limit: math.isclose(value % limit, 0) or math.isclose(value % limit, limit)),
        ):
            if bound(name) is not None and not holds(bound(name)):
                raise Invalid(path, f"expected {words} {bound(name)}, not `{shown(value)}`")
        for name, words, holds in (
            ("min_length", "at least", lambda limit: len(value) >= limit),
            ("max_length", "at most", lambda limit: len(value) <= limit),
        ):
            if bound(name) is not None and not holds(bound(name)):
                unit = "characters" if isinstance(value, str) else "items"
                raise Invalid(path, f"expected {words} {bound(name)} {unit}, not {len(value)}")
    except TypeError:
        return
    if (pattern := bound("pattern")) is not None and isinstance(value, str):
        if not re.search(pattern, value):
            raise Invalid(path, f"expected a match of `{pattern}`, not `{shown(value)}`")


def below(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)


def plain(value: Any) -> Any:
    """A value as what `json` writes."""
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"JSON has no {value}")
        return value
    if is_model(type(value)):
        return value.model_dump(mode="json", by_alias=True)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, abc.Mapping):
        return {name if isinstance(name, str) else key_text(name): plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset, abc.Iterator)):
        return [plain(part) for part in value]
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, (bytes, bytearray)):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    return str(value)


def key_text(key: Any) -> str:
    found = plain(key)
    return found if isinstance(found, str) else json.dumps(found)


def dumps(value: Any) -> str:
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False)


def shown(value: Any) -> str:
    try:
        found = dumps(value)
    except (TypeError, ValueError):
        found = repr(value)
    return found if len(found) <= 60 else f"{found[:60]}…"


def shown_hint(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint)


assert sys.version_info >= (3, 10), "spin_mcp needs Python 3.10 or later"
