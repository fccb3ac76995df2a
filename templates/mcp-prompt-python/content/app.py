"""The prompts of this server. Their docstrings and type hints are what people read."""

from typing import Annotated, Literal

from fastmcp import FastMCP

mcp = FastMCP("{{project-name | kebab_case}}")


@mcp.prompt
def summarize(
    text: Annotated[str, "What to sum up."],
    length: Annotated[
        Literal["sentence", "paragraph", "page"], "How long the summary may be."
    ] = "paragraph",
) -> str:
    """Asks for a summary of a text."""
    if not text.strip():
        raise ValueError("there is no text to sum up")
    return f"Summarize this text in one {length}:\n\n{text}"
