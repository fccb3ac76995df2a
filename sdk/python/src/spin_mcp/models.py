"""`BaseModel`, `RootModel` and `Field` in pure Python: pydantic's own need native code.

There are no generics at run time beyond fields, no discriminated unions beyond trying each option,
no serializers, no computed fields, and a `ValidationError` names the first mistake only.
"""

import re
import sys
from collections.abc import Callable
from copy import copy, deepcopy
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast, get_args, get_origin

from . import hints
from .hints import MISSING, Invalid, Parser, Schema, Slot

if TYPE_CHECKING:
    from typing_extensions import Self, dataclass_transform
elif sys.version_info >= (3, 11):
    from typing import dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Any:
        return lambda of: of


T = TypeVar("T")
Function = TypeVar("Function", bound=Callable[..., Any])


class ValidationError(ValueError):
    """A value does not fit a model."""

    def __init__(self, path: str, why: str, title: str = "") -> None:
        super().__init__(f"{path}: {why}" if path else why)
        self.title, self.path, self.why = title, path, why

    def errors(self, **_: Any) -> list[dict[str, Any]]:
        return [{"type": "value_error", "loc": tuple(self.path.split(".")), "msg": self.why}]

    def error_count(self) -> int:
        return 1


class FieldInfo:
    """What `Field` says of a field."""

    def __init__(self, default: Any = ..., **more: Any) -> None:
        self.default = default
        self.default_factory: Callable[[], Any] | None = more.get("default_factory")
        self.alias: str | None = more.get("alias") or more.get("validation_alias")
        self.annotation: Any = more.get("annotation")
        for name in ("title", "description", "examples", "json_schema_extra", "exclude", *hints.LIMITS):
            setattr(self, name, more.get(name))
        if not hasattr(self, "pattern") or more.get("regex"):
            self.pattern = more.get("regex")

    def is_required(self) -> bool:
        return self.default is ... and self.default_factory is None

    def __repr__(self) -> str:
        known = {name: value for name, value in vars(self).items() if value not in (None, ...)}
        return f"FieldInfo({', '.join(f'{name}={value!r}' for name, value in known.items())})"


def Field(default: Any = ..., **more: Any) -> Any:  # noqa: N802
    """Describes a field or a parameter, and sets its limits."""
    return FieldInfo(default, **more)


class Private:
    def __init__(self, default: Any = None, default_factory: Callable[[], Any] | None = None) -> None:
        self.make = default_factory or (lambda: deepcopy(default))


def PrivateAttr(default: Any = None, *, default_factory: Callable[[], Any] | None = None) -> Any:  # noqa: N802
    """An attribute that is not a field."""
    return Private(default, default_factory)


def validator_of(kind: str, mode: str, names: tuple[str, ...]) -> Callable[[Function], Function]:
    def mark(function: Function) -> Function:
        inner: Any = getattr(function, "__func__", function)
        inner.__validates__ = (kind, mode, names)
        return function

    return mark


def field_validator(*names: str, mode: str = "after", **_: Any) -> Callable[[Function], Function]:
    """Checks or changes fields. Modes `before` and `after`; under `@classmethod` or above it."""
    supported(mode)
    return validator_of("field", mode, names)


def model_validator(*, mode: str) -> Callable[[Function], Function]:
    """Checks or changes a model. Modes `before` (a class method) and `after`."""
    supported(mode)
    return validator_of("model", mode, ())


def supported(mode: str) -> None:
    if mode not in ("before", "after", "plain"):
        raise TypeError(f"a validator of mode `{mode}` is not supported: use `before` or `after`")


@dataclass_transform(kw_only_default=True, field_specifiers=(Field, PrivateAttr))
class Meta(type):
    @property
    def model_fields(cls) -> dict[str, FieldInfo]:
        found = {}
        for slot in hints.slots(cls):
            infos = [note for note in hints.notes(slot.hint) if isinstance(note, FieldInfo)]
            info = copy(infos[-1]) if infos else FieldInfo()
            info.annotation = get_args(slot.hint)[0] if hints.notes(slot.hint) else slot.hint
            info.default = ... if slot.default is MISSING else slot.default
            found[slot.name] = info
        return found


class BaseModel(metaclass=Meta):
    """A class whose fields are checked when it is made."""

    __spin_model__: ClassVar[bool] = True
    __root__: ClassVar[bool] = False
    model_config: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, **config: Any) -> None:
        super().__init_subclass__()
        merged: dict[str, Any] = {}
        for base in reversed(cls.__mro__):
            merged |= base.__dict__.get("model_config", {})
        cls.model_config = merged | config

    def __init__(self, **given: Any) -> None:
        cls = type(self)
        try:
            cls.__fill__(self, Parser(lax=True), cls, given, "")
        except Invalid as why:
            raise ValidationError(why.path, why.why, cls.__name__) from None

    @classmethod
    def __parse__(cls, parser: Parser, hint: Any, value: Any, path: str) -> Any:
        if isinstance(value, cls):
            return value
        made = cls.__new__(cls)
        cls.__fill__(made, parser, hint, value, path)
        return made

    @classmethod
    def __validators__(cls, kind: str, *modes: str) -> list[tuple[Any, tuple[str, ...]]]:
        found: dict[str, Any] = {}
        for base in reversed(cls.__mro__):
            found |= base.__dict__
        marked = []
        for name, member in found.items():
            inner = getattr(member, "__func__", member)
            known = getattr(inner, "__validates__", None)
            if known is not None and known[0] == kind and known[1] in modes:
                marked.append((member if kind == "model" else inner, known[2]))
        return marked

    @classmethod
    def __fill__(cls, made: Any, parser: Parser, hint: Any, value: Any, path: str) -> None:
        for check, _ in cls.__validators__("model", "before"):
            value = hints.checked(lambda given: getattr(check, "__func__", check)(cls, given), value, path)
        if isinstance(value, str):
            value = parser.opened(cls, value)
        known = hints.slots(hint)
        if isinstance(value, dict):
            value = cls.__checked__(known, "before", dict(value), path)
        config = cls.model_config
        by_name = bool(config.get("populate_by_name") or config.get("validate_by_name"))
        fields = parser.members(known, value, path, config.get("extra", "ignore"), by_name)
        if config.get("str_strip_whitespace"):
            fields = {name: part.strip() if isinstance(part, str) else part for name, part in fields.items()}
        fields = cls.__checked__([Slot(slot.name, slot.hint) for slot in known], "after", fields, path)
        made.__dict__.update(fields)
        given = set(value)
        made.__dict__["model_fields_set"] = {slot.name for slot in known if slot.key in given or slot.name in given}
        for base in reversed(cls.__mro__):
            for name, private in base.__dict__.items():
                if isinstance(private, Private):
                    made.__dict__[name] = private.make()
        made.model_post_init(None)
        for check, _ in cls.__validators__("model", "after"):
            hints.checked(lambda _: check(made), None, path)

    @classmethod
    def __checked__(cls, known: list[Slot], mode: str, fields: dict[str, Any], path: str) -> dict[str, Any]:
        modes = (mode,) if mode == "before" else (mode, "plain")
        for check, names in cls.__validators__("field", *modes):
            for slot in known:
                key = slot.key if slot.key in fields else slot.name
                if (slot.name in names or "*" in names) and key in fields:
                    where = hints.below(path, key)
                    takes = check.__code__.co_argcount
                    arguments = (cls,) if takes > 1 else ()
                    info = (ValidationInfo(slot.name, fields),) if takes > 2 else ()
                    fields[key] = hints.checked(lambda part: check(*arguments, part, *info), fields[key], where)
        return fields

    def model_post_init(self, _context: Any, /) -> None:
        """For what is to be done after the fields are set."""

    @classmethod
    def model_validate(cls, value: Any, **_: Any) -> "Self":
        try:
            return cast("Self", Parser(lax=True).parse(cls, value, ""))
        except Invalid as why:
            raise ValidationError(why.path, why.why, cls.__name__) from None

    @classmethod
    def model_validate_json(cls, text: str | bytes, **_: Any) -> "Self":
        import json

        return cls.model_validate(json.loads(text))

    @classmethod
    def model_construct(cls, **given: Any) -> "Self":
        made: Any = cls.__new__(cls)
        defaults = {slot.name: slot.absent() for slot in hints.slots(cls) if not slot.required}
        made.__dict__.update(defaults | given)
        return cast("Self", made)

    @classmethod
    def model_json_schema(cls, **_: Any) -> dict[str, Any]:
        return Schema().root(cls)

    def __fields__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "model_fields_set" and not name.startswith("_")}

    def model_dump(
        self,
        *,
        mode: str = "python",
        by_alias: bool = False,
        exclude_none: bool = False,
        exclude_unset: bool = False,
        include: Any = None,
        exclude: Any = None,
        **_: Any,
    ) -> dict[str, Any]:
        slots = {slot.name: slot for slot in hints.slots(type(self))}
        found = {}
        for name, value in self.__fields__().items():
            slot = slots.get(name)
            info = next((note for note in hints.notes(slot.hint) if isinstance(note, FieldInfo)), None) if slot else None
            hidden = info is not None and getattr(info, "exclude", None)
            if hidden or exclude and name in exclude or include and name not in include:
                continue
            if exclude_none and value is None or exclude_unset and name not in self.__dict__.get("model_fields_set", ()):
                continue
            dumped = self.__dump__(value, mode, by_alias, exclude_none)
            found[slot.key if by_alias and slot else name] = dumped
        return found

    @classmethod
    def __dump__(cls, value: Any, mode: str, by_alias: bool, exclude_none: bool) -> Any:
        def inner(part: Any) -> Any:
            return cls.__dump__(part, mode, by_alias, exclude_none)

        if isinstance(value, RootModel):
            return inner(value.root)
        if isinstance(value, BaseModel):
            return value.model_dump(mode=mode, by_alias=by_alias, exclude_none=exclude_none)
        if isinstance(value, dict):
            return {key if mode == "python" else hints.key_text(key): inner(part) for key, part in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            parts = [inner(part) for part in value]
            return parts if mode == "json" else type(value)(parts)
        return hints.plain(value) if mode == "json" else value

    def model_dump_json(self, *, indent: int | None = None, **more: Any) -> str:
        import json

        dumped = self.model_dump(mode="json", **more)
        separators = None if indent else (",", ":")
        return json.dumps(dumped, ensure_ascii=False, indent=indent, separators=separators)

    def model_copy(self, *, update: dict[str, Any] | None = None, deep: bool = False) -> "Self":
        made: Any = (deepcopy if deep else copy)(self)
        made.__dict__.update(update or {})
        return cast("Self", made)

    def __setattr__(self, name: str, value: Any) -> None:
        if self.model_config.get("frozen"):
            raise ValidationError(name, "the model is frozen", type(self).__name__)
        object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__fields__() == other.__fields__()

    def __hash__(self) -> int:
        return hash((type(self), tuple(self.__fields__().values())))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.__fields__().items())
        return f"{type(self).__name__}({fields})"


@dataclass_transform(kw_only_default=False, field_specifiers=(Field, PrivateAttr))
class RootMeta(Meta):
    pass


class RootModel(BaseModel, Generic[T], metaclass=RootMeta):
    """A model of one value that is not an object."""

    __root__: ClassVar[bool] = True
    root: T

    def __init__(self, root: Any = MISSING, /, **given: Any) -> None:
        value = given if root is MISSING else root
        try:
            self.__dict__["root"] = Parser(lax=True).parse(self.root_hint(type(self)), value, "")
        except Invalid as why:
            raise ValidationError(why.path, why.why, type(self).__name__) from None

    @classmethod
    def root_hint(cls, hint: Any) -> Any:
        """The type of the value: of `RootModel[int]`, of a subclass of it, or of the field `root`."""
        if get_args(hint):
            return get_args(hint)[0]
        for base in cls.__mro__:
            for generic in base.__dict__.get("__orig_bases__", ()):
                if get_origin(generic) is RootModel and not isinstance(get_args(generic)[0], TypeVar):
                    return get_args(generic)[0]
        return hints.hints_of(cls).get("root", Any)

    @classmethod
    def __parse__(cls, parser: Parser, hint: Any, value: Any, path: str) -> Any:
        if isinstance(value, cls):
            return value
        made = cls.__new__(cls)
        made.__dict__["root"] = parser.parse(cls.root_hint(hint), value, path)
        return made

    def model_dump(self, *, mode: str = "python", by_alias: bool = False, exclude_none: bool = False, **_: Any) -> Any:
        return self.__dump__(self.root, mode, by_alias, exclude_none)


class ValidationInfo:
    """What a validator can ask for: the fields so far."""

    def __init__(self, field_name: str, data: dict[str, Any]) -> None:
        self.field_name, self.data = field_name, data


def to_camel(name: str) -> str:
    """`mime_type` as `mimeType`."""
    return re.sub("_([a-z0-9])", lambda found: found[1].upper(), name)
