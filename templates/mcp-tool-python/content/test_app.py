{%- if async == "yes" -%}
{%- assign case = "IsolatedAsyncioTestCase" %}{% assign def = "async def" %}{% assign await = "await " -%}
{%- else -%}
{%- assign case = "TestCase" %}{% assign def = "def" %}{% assign await = "" -%}
{%- endif -%}
"""Run with `python3 -m unittest`: tools are plain functions."""

import unittest

from app import add


class Add(unittest.{{ case }}):
    {{ def }} test_adds(self) -> None:
        self.assertEqual({{ await }}add(2, 3), 5)

    {{ def }} test_refuses_a_sum_that_does_not_fit(self) -> None:
        with self.assertRaises(ValueError):
            {{ await }}add(2**63 - 1, 1)
