"""The resources of this server. Their docstrings are what models read."""

from typing import Any

from fastmcp import FastMCP
from fastmcp.exceptions import NotFoundError

mcp = FastMCP("{{project-name | kebab_case}}")
NOTES = {"shopping": "Milk, flour and eggs.", "travel": "The train leaves at 9."}


@mcp.resource("notes://{{project-name | kebab_case}}/")
def notes() -> str:
    """The names of all notes, one on each line."""
    return "\n".join(NOTES)


@mcp.resource("notes://{{project-name | kebab_case}}/{name}")
def note(name: str) -> str:
    """One note."""
    if name not in NOTES:
        raise NotFoundError(f"there is no note `{name}`")
    return NOTES[name]


@mcp.completion
def suggest(ref: Any, argument: Any, context: Any) -> list[str]:
    """Suggests names of notes."""
    return [name for name in NOTES if argument.name == "name" and name.startswith(argument.value)]
