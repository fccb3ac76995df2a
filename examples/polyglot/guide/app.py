"""The resources of this component. Their docstrings are what models read."""

import json
from dataclasses import asdict, dataclass

import mcp


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


@mcp.resource("guide://cities/", "text/plain")
def cities() -> str:
    """The names of all cities of the guide, one on each line."""
    return "\n".join(CITIES)


@mcp.resource("guide://cities/{name}", "application/json", name=CITIES.keys)
def city(name: str) -> str | None:
    """Where a city is, in degrees, and what to see there."""
    if (found := CITIES.get(name)) is None:
        return None
    return json.dumps(asdict(found), ensure_ascii=False)
