"""Makes resources out of functions. A function gives its resource the name, and its docstring
becomes the description. It returns what the resource holds, text or bytes, or raises
`ValueError` to say why that cannot be read.

A URI with variables, such as `notes:///{name}`, makes a template, which stands for all resources
whose URIs fit it. Its function takes what the variables stand for, and returns `None` for what
does not exist.
"""

import inspect
import re
from collections.abc import Callable, Iterable
from typing import TypeVar
from urllib.parse import unquote

Body = str | bytes
Function = TypeVar("Function", bound=Callable[..., Body | None])
Values = Callable[[], Iterable[str]]


class Resource:
    """A function as a resource or as a template."""

    def __init__(
        self, function: Callable[..., Body | None], uri: str, mime_type: str, values: dict[str, Values]
    ) -> None:
        self.function, self.uri, self.mime_type, self.values = function, uri, mime_type, values
        self.name = function.__name__
        self.description = inspect.getdoc(function)
        # The text between variables, and their names.
        texts, self.variables = re.split(r"\{\w+\}", uri), re.findall(r"\{(\w+)\}", uri)
        self.pattern = re.compile("([^/?#]*)".join(map(re.escape, texts)))
        takes = list(inspect.signature(function).parameters)
        if takes != self.variables:
            raise TypeError(f"`{self.name}` takes {takes}, but `{uri}` gives {self.variables}")
        if unknown := values.keys() - self.variables:
            raise TypeError(f"`{uri}` has no variable {unknown}")

    def fits(self, uri: str) -> dict[str, str] | None:
        """What the variables stand for in a URI, if it fits. None of them holds `/`, `?` or `#`
        unless they are percent-encoded."""
        if (found := self.pattern.fullmatch(uri)) is None:
            return None
        try:
            values = [unquote(value, errors="strict") for value in found.groups()]
        except UnicodeDecodeError:
            return None
        return dict(zip(self.variables, values))


RESOURCES: list[Resource] = []


def resource(
    uri: str, mime_type: str, /, **values: Values
) -> Callable[[Function], Function]:
    """Makes a resource or a template out of a function, which stays as it is. `values` suggest,
    by the name of a variable, what it may stand for."""

    def mark(function: Function) -> Function:
        RESOURCES.append(Resource(function, uri, mime_type, values))
        return function

    return mark


def read(uri: str) -> tuple[Body, str] | None:
    """What the resource with this URI holds, and its MIME type."""
    # A resource of its own comes before the template that it fits.
    for found in sorted(RESOURCES, key=lambda resource: len(resource.variables)):
        if (variables := found.fits(uri)) is not None:
            if (body := found.function(**variables)) is not None:
                return body, found.mime_type
    return None
