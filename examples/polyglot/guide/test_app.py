"""Run with `.venv/bin/pytest`: resources are plain functions."""

import asyncio
import json

import pytest
from fastmcp import Client
from fastmcp.exceptions import NotFoundError

from app import CITIES, cities, city, mcp


def test_lists_each_city() -> None:
    async def read(name: str) -> str:
        async with Client(mcp) as client:
            return str((await client.read_resource(f"guide://cities/{name}"))[0].text)

    for name in cities().splitlines():
        assert json.loads(asyncio.run(read(name)))["see"] == CITIES[name].see


def test_has_no_other_city() -> None:
    with pytest.raises(NotFoundError):
        city("Atlantis")
