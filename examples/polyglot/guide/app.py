"""The resources of this server. Their docstrings are what models read."""

from dataclasses import dataclass
from typing import Any

from fastmcp import FastMCP
from fastmcp.exceptions import NotFoundError
from fastmcp.resources import ResourceContent, ResourceResult

mcp = FastMCP("guide")


@dataclass
class City:
    latitude: float
    longitude: float
    see: list[str]


CITIES = {
    "Lisbon": City(38.72, -9.14, ["Torre de Belém", "Alfama"]),
    "Quito": City(-0.18, -78.47, ["La Compañía", "Mitad del Mundo"]),
    "Vienna": City(48.21, 16.37, ["Prater", "Naschmarkt"]),
}


@mcp.resource("guide://cities/")
def cities() -> str:
    """The names of all cities of the guide, one on each line."""
    return "\n".join(CITIES)


@mcp.resource("guide://cities/{name}", mime_type="application/json")
def city(name: str) -> ResourceResult:
    """Where a city is, in degrees, and what to see there."""
    if name not in CITIES:
        raise NotFoundError(f"the guide has no city `{name}`")
    return ResourceResult([ResourceContent(CITIES[name])])


@mcp.completion
def suggest(ref: Any, argument: Any, context: Any) -> list[str]:
    """Suggests cities."""
    return [name for name in CITIES if name.startswith(argument.value)]
