{%- if async == "yes" -%}
{%- assign case = "IsolatedAsyncioTestCase" %}{% assign def = "async def" %}{% assign await = "await " -%}
{%- else -%}
{%- assign case = "TestCase" %}{% assign def = "def" %}{% assign await = "" -%}
{%- endif -%}
"""Run with `python3 -m unittest`: `handle` is a plain function."""

import unittest

import mcp
from app import Settings, handle


class Handle(unittest.{{ case }}):
    {{ def }} test_passes_answers_on(self) -> None:
        {{ def }} next(method: str, params: str) -> str:
            self.assertEqual((method, params), ("ping", "{}"))
            return '{"a":1}'

        self.assertEqual({{ await }}handle(Settings(), "ping", "{}", next), '{"a":1}')

    {{ def }} test_passes_errors_on(self) -> None:
        {{ def }} next(method: str, params: str) -> str:
            raise mcp.Error(-32602, "unknown tool")

        with self.assertRaises(mcp.Error) as raised:
            {{ await }}handle(Settings(slow_ms=10), "tools/call", "{}", next)
        self.assertEqual(raised.exception.code, -32602)
