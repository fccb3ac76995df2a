"""Explains imports of modules that the original packages have and a component does not."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

REMEDIES = {
    "fastmcp.server.auth": "use the table `auth` of `spin.toml`",
    "mcp.server.auth": "use the table `auth` of `spin.toml`",
    "fastmcp.server.middleware": "write a middleware component",
    "fastmcp.server.openapi": "use an OpenAPI feature",
}


class Missing(MetaPathFinder):
    """Comes last, so it sees only what no other finder has."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        if name.partition(".")[0] in ("fastmcp", "mcp") and "." in name:
            remedy = REMEDIES.get(name, "docs/reference/python.md lists what is supported")
            raise ModuleNotFoundError(f"`{name}` is not part of a component; {remedy}", name=name)


if not any(type(finder).__name__ == "Missing" for finder in sys.meta_path):
    sys.meta_path.append(Missing())
