"""The tools of this server. Their docstrings and type hints are what models read."""

from typing import Annotated

from fastmcp import FastMCP

mcp = FastMCP("{{project-name | kebab_case}}")


@mcp.tool
{% if async == "yes" %}async {% endif %}def add(
    a: Annotated[int, "The first number."],
    b: Annotated[int, "The number to add to it."],
) -> int:
    """Adds two whole numbers."""
    total = a + b
    if not -(2**63) <= total < 2**63:
        raise ValueError(f"the sum of {a} and {b} does not fit in 64 bits")
    return total
