{%- assign run = "" %}{% assign end = "" -%}
{%- if async == "yes" -%}
{%- assign run = "asyncio.run(" %}{% assign end = ")" -%}
{%- endif -%}
"""Run with `.venv/bin/pytest`: tools are plain functions."""

{% if async == "yes" -%}
import asyncio

{% endif -%}
import pytest

from app import add


def test_adds() -> None:
    assert {{ run }}add(2, 3){{ end }} == 5


def test_refuses_a_sum_that_does_not_fit() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        {{ run }}add(2**63 - 1, 1){{ end }}
