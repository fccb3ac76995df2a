"""The official SDK's names for components of spin-mcp. `sdk/README.md` says what is supported."""

import spin_mcp.missing as _missing  # noqa: F401
from mcp import types as types
from spin_mcp.errors import McpError as McpError

MCPError = McpError
