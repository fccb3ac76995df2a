"""Functions as MCP calls them: by name, with JSON, and with what is injected."""

import inspect
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, get_args, get_origin

from . import hints
from .context import CURRENT, Context
from .hints import MISSING, Parser, Schema, Slot


class Dependency:
    """A default that is made for each call: `Depends(make)`."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self.make = make

    async def value(self, context: Context[Any, Any, Any], stack: AsyncExitStack) -> Any:
        made = self.make()
        if inspect.isawaitable(made):
            made = await made
        if hasattr(made, "__aenter__"):
            return await stack.enter_async_context(made)
        return stack.enter_context(made) if hasattr(made, "__enter__") else made


def Depends(make: Callable[..., Any]) -> Any:  # noqa: N802
    return Dependency(make)


def current() -> Context[Any, Any, Any]:
    """The context of the call that is served."""
    if (found := CURRENT.get()) is None:
        raise RuntimeError("there is no request: this runs outside of a tool, a resource and a prompt")
    return found


def is_context(hint: Any) -> bool:
    if get_origin(hint) in hints.UNIONS:
        return any(map(is_context, get_args(hint)))
    of = get_origin(hint) or hint
    return isinstance(of, type) and issubclass(of, Context)


class Function:
    """A function, its parameters and what it returns."""

    def __init__(self, of: Callable[..., Any], name: str | None = None) -> None:
        self.of = of
        self.name = name or str(getattr(of, "__name__", ""))
        if not self.name or self.name == "<lambda>":
            raise ValueError("a function without a name needs `name=…`")
        found = hints.hints_of(of if hasattr(of, "__code__") or inspect.ismethod(of) else getattr(of, "func", of.__call__))  # type: ignore[operator]
        self.returns: Any = found.get("return", inspect.Signature.empty)
        self.slots: list[Slot] = []
        self.contexts: list[str] = []
        self.dependencies: dict[str, Dependency] = {}
        for parameter in inspect.signature(of).parameters.values():
            self.take(parameter, found.get(parameter.name, Any))

    def take(self, parameter: inspect.Parameter, hint: Any) -> None:
        name = parameter.name
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"`{self.name}`: `{name}` cannot be passed by its name")
        if isinstance(parameter.default, Dependency):
            self.dependencies[name] = parameter.default
            return
        if is_context(hint):
            self.contexts.append(name)
            return
        default = MISSING if parameter.default is parameter.empty else parameter.default
        self.slots.append(Slot(name, *hints.described(hint, default)))

    def schema(self) -> dict[str, Any]:
        writer = Schema()
        try:
            return writer.closed(writer.object(self.slots, strict=True))
        except TypeError as why:
            raise TypeError(f"`{self.name}`: {why}") from None

    def parse(self, arguments: Any) -> dict[str, Any]:
        try:
            return Parser().members(self.slots, arguments, "", "forbid")
        except ValueError as why:
            raise ValueError(f"invalid arguments: {why}") from None

    async def call(self, context: Context[Any, Any, Any], given: dict[str, Any]) -> Any:
        token = CURRENT.set(context)
        try:
            async with AsyncExitStack() as stack:
                for name, dependency in self.dependencies.items():
                    given[name] = await dependency.value(context, stack)
                given |= {name: context for name in self.contexts}
                found = self.of(**given)
                return await found if inspect.isawaitable(found) else found
        finally:
            CURRENT.reset(token)

    def choices(self, name: str) -> list[str]:
        """The texts that a parameter may be, if its hint names them."""
        for slot in self.slots:
            if slot.key == name:
                return texts(slot.hint)
        return []


def texts(hint: Any) -> list[str]:
    if hints.notes(hint):
        return texts(get_args(hint)[0])
    if get_origin(hint) in hints.UNIONS:
        return [text for option in get_args(hint) for text in texts(option)]
    values = map(hints.plain, hints.literals(hint))
    return [value for value in values if isinstance(value, str)]
