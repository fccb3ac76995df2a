"""FastMCP for components of spin-mcp. `sdk/README.md` says what is supported."""

import spin_mcp.missing as _missing  # noqa: F401
from spin_mcp.client import Client as Client
from spin_mcp.context import Context as Context
from spin_mcp.server import FastMCP as FastMCP
from spin_mcp.content import Audio as Audio, File as File, Image as Image

__version__ = "4.2.3"
