"""Errors that authors raise."""

from typing import Any

from .types import ElicitRequestURLParams, ErrorData


class FastMCPError(Exception):
    """The base of the others."""


class ValidationError(FastMCPError):
    """Arguments or results do not fit."""


class ToolError(FastMCPError):
    """Tells the model why a tool failed."""


class ResourceError(FastMCPError):
    """Tells the client why a resource cannot be read."""


class PromptError(FastMCPError):
    """Tells the client why there is no prompt."""


class NotFoundError(FastMCPError):
    """There is nothing of that name."""


class McpError(Exception):
    """An error of the protocol, with its code."""

    def __init__(self, code: int | ErrorData = -32603, message: str = "", data: Any = None) -> None:
        self.error = code if isinstance(code, ErrorData) else ErrorData(code=code, message=message, data=data)
        super().__init__(self.error.message)


class UrlElicitationRequiredError(McpError):
    """The user has to open pages first. Clients then call again."""

    def __init__(self, elicitations: list[ElicitRequestURLParams], message: str | None = None) -> None:
        asked = [one.model_dump(mode="json", by_alias=True) for one in elicitations]
        super().__init__(-32042, message or "URL elicitation required", {"elicitations": asked})
