{%- if async == "yes" -%}
{%- assign def = "async def" %}{% assign await = "await " -%}
{%- else -%}
{%- assign def = "def" %}{% assign await = "" -%}
{%- endif -%}
"""Each request of a client passes through `handle` on its way to the features, and so does the
answer on its way back."""

import json
import sys
import time
from dataclasses import dataclass

import mcp


@dataclass
class Settings:
    """What `settings` of this middleware in spin.toml may hold."""

    slow_ms: int = 0
    """Requests that take less time are not logged."""


{{ def }} handle(settings: Settings, method: str, params: str, next: mcp.Next) -> str:
    """Logs how long a request took, to stderr: stdout may belong to the client.

    `method` is a method of MCP, such as `tools/call`; `params` and the answer are JSON objects.
    `next` passes a request on, unchanged or changed. A middleware can also answer itself.
    """
    begun = time.monotonic()
    outcome = "failed"
    try:
        answer = {{ await }}next(method, params)
        outcome = "answered"
        return answer
    finally:
        ms = int((time.monotonic() - begun) * 1000)
        if ms >= settings.slow_ms:
            print(f"{json.dumps(method)} {outcome} in {ms} ms", file=sys.stderr)
