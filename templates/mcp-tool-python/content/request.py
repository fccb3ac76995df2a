"""What is known of the request that a tool serves, and what can be sent while it does.

Takes `import spin-mcp:server/request@0.1.0;` in `wit/world.wit`. Outside of a component, nothing
is known and nothing is sent.
"""

import json
import sys
from typing import Any, Literal

from mcp import REQUEST

Level = Literal["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]

if sys.platform == "wasi":
    try:
        from wit_world.imports import mcp_request
    except ImportError:
        line = "import spin-mcp:server/request@0.1.0;"
        raise ImportError(f"`request` needs `{line}` in `wit/world.wit`") from None


def progress(done: float, total: float | None = None, message: str | None = None) -> None:
    """Tells how far the work is. Goes nowhere if the client did not ask for it."""
    if sys.platform == "wasi":
        mcp_request.progress(REQUEST.get(), done, total, message)


def log(level: Level, data: object, logger: str | None = None) -> None:
    """Sends a message. Goes nowhere if the client did not ask for that level."""
    if sys.platform == "wasi":
        severity = mcp_request.LogLevel[level.upper()]
        mcp_request.log(REQUEST.get(), severity, logger, json.dumps(data))


def meta() -> dict[str, Any]:
    """What the client added, such as trace context."""
    found = mcp_request.meta(REQUEST.get()) if sys.platform == "wasi" else None
    return json.loads(found) if found else {}


def is_cancelled() -> bool:
    """The client is gone; the answer will reach nobody."""
    return sys.platform == "wasi" and mcp_request.is_cancelled(REQUEST.get())
