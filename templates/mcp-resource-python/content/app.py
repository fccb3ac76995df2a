"""The resources of this component. Their docstrings are what models read."""

import mcp

NOTES = {
    "shopping": "Milk, flour and eggs.",
    "travel": "The train leaves at 9.",
}


@mcp.resource("notes://{{project-name | kebab_case}}/", "text/plain")
def notes() -> str:
    """The names of all notes, one on each line."""
    return "\n".join(NOTES)


@mcp.resource("notes://{{project-name | kebab_case}}/{name}", "text/plain", name=NOTES.keys)
def note(name: str) -> str | None:
    """One note."""
    return NOTES.get(name)
