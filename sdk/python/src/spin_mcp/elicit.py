"""Forms for the user: their schemas, and the answers."""

from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from . import hints
from .hints import Parser, Schema

T = TypeVar("T")
FLAT = ("string", "integer", "number", "boolean")


@dataclass
class AcceptedElicitation(Generic[T]):
    """The user filled in the form."""

    data: T
    action: Literal["accept"] = "accept"


@dataclass
class DeclinedElicitation:
    """The user said no."""

    action: Literal["decline"] = "decline"
    data: None = None


@dataclass
class CancelledElicitation:
    """The user closed the form."""

    action: Literal["cancel"] = "cancel"
    data: None = None


@dataclass
class Form:
    schema: dict[str, Any]
    hint: Any
    wrapped: bool

    def read(self, content: Any) -> Any:
        if self.hint is None:
            return None
        value = content.get("value") if self.wrapped and isinstance(content, dict) else content
        try:
            return Parser().parse(self.hint, value)
        except hints.Invalid as why:
            raise ValueError(f"the answer does not fit the form: {why}") from None


def form(of: Any, title: str | None = None, description: str | None = None) -> Form:
    """The form for a response type: a class with fields, a scalar, or a list of choices."""
    if of is None:
        return Form({"type": "object", "properties": {}}, None, False)
    wrapped, hint = choices(of)
    if wrapped is None and not hints.is_record(hint):
        wrapped = Schema(output=True).of(hint)
    if wrapped is None:
        schema = {name: value for name, value in Schema().root(hint).items() if name != "additionalProperties"}
        for name, member in schema["properties"].items():
            flat(name, member)
        return Form(schema, hint, False)
    labels = {"title": title, "description": description}
    wrapped |= {name: value for name, value in labels.items() if value}
    flat("value", wrapped)
    return Form({"type": "object", "properties": {"value": wrapped}, "required": ["value"]}, hint, True)


def choices(of: Any) -> tuple[dict[str, Any] | None, Any]:
    """`["a", "b"]`, `{"a": {"title": "A"}}`, and lists of these for several choices."""
    if isinstance(of, dict):
        return titled(of, "oneOf"), literal(of)
    if isinstance(of, list):
        if len(of) == 1 and isinstance(of[0], dict):
            return {"type": "array", "items": titled(of[0], "anyOf")}, list[literal(of[0])]  # type: ignore[misc]
        if len(of) == 1 and isinstance(of[0], list):
            return {"type": "array", "items": {"type": "string", "enum": of[0]}}, list[literal(of[0])]  # type: ignore[misc]
        return {"type": "string", "enum": of}, literal(of)
    return None, of


def literal(of: Any) -> Any:
    return Literal[tuple(of)]


def titled(of: dict[str, Any], keyword: str) -> dict[str, Any]:
    options = [{"const": name, "title": (about or {}).get("title", name)} for name, about in of.items()]
    return ({"type": "string"} if keyword == "oneOf" else {}) | {keyword: options}


def flat(name: str, member: dict[str, Any]) -> None:
    items = member.get("items", {})
    several = member.get("type") == "array" and ("enum" in items or "anyOf" in items)
    if member.get("type") not in FLAT and not several:
        raise TypeError(
            f"a form cannot have the field `{name}`: a field is a string, a number, a boolean, or one or several choices"
        )


def answered(form: Form, answer: dict[str, Any]) -> Any:
    match answer.get("action"):
        case "accept":
            return AcceptedElicitation(form.read(answer.get("content") or {}))
        case "decline":
            return DeclinedElicitation()
    return CancelledElicitation()

