"""URIs and URI templates."""

import re
from urllib.parse import quote, unquote

UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


def normal(uri: str, fold: bool = True) -> str:
    """A URI as RFC 3986 compares it: scheme and host in lower case, and only those characters
    encoded that must be. Without `fold`, the host keeps its case."""

    def decoded(found: "re.Match[str]") -> str:
        character = chr(int(found[1], 16))
        return character if UNRESERVED.fullmatch(character) else found[0].upper()

    encoded = re.sub(r"[^\x21-\x7e]", lambda found: quote(found[0]), uri)
    encoded = re.sub(r"%([0-9A-Fa-f]{2})", decoded, encoded)
    parts = re.fullmatch(r"([^:/?#]+)(:(?://[^/?#]*)?)(.*)", encoded, re.DOTALL)
    if parts is None:
        return encoded
    host = re.sub(r"%[0-9a-f]{2}", lambda found: found[0].upper(), parts[2].lower()) if fold else parts[2]
    return parts[1].lower() + host + parts[3]


class Template:
    """A URI template: `{name}` is one segment, `{name*}` any number, `{?a,b}` a query."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.variables: list[str] = []
        self.query: list[str] = []
        pattern, in_host = "", True
        for literal, expression in re.findall(r"([^{]*)(?:\{([^}]*)\})?", uri):
            literal = normal(literal, fold=False)
            if in_host:
                # Variables keep their case, and the host around them has none.
                host = re.match(r"([^:/?#]*:(?://)?)?[^/?#]*", literal)
                end = host.end() if host else 0
                pattern += f"(?i:{re.escape(literal[:end])})"
                in_host, literal = end == len(literal), literal[end:]
            pattern += re.escape(literal)
            if expression.startswith("?"):
                self.query += expression[1:].split(",")
            elif expression:
                name = expression.lstrip("+").removesuffix("*")
                if not name.isidentifier():
                    supported = "`{name}`, `{name*}` or `{?a,b}`"
                    raise ValueError(f"`{uri}`: `{expression}` is not supported; use {supported}")
                many = expression != name
                self.variables.append(name)
                pattern += "([^?#]*)" if many else "([^/?#]*)"
        self.pattern = re.compile(pattern + (r"(?:\?([^#]*))?" if self.query else ""))

    def fits(self, uri: str) -> dict[str, str] | None:
        """What the variables stand for in a URI, if it fits."""
        if (found := self.pattern.fullmatch(normal(uri, fold=False))) is None:
            return None
        values = list(found.groups())
        query = values.pop() if self.query else None
        try:
            given = {name: unquote(value, errors="strict") for name, value in zip(self.variables, values)}
            for pair in (query or "").split("&"):
                name, _, value = pair.partition("=")
                if name in self.query:
                    given[name] = unquote(value.replace("+", " "), errors="strict")
        except UnicodeDecodeError:
            return None
        return given

