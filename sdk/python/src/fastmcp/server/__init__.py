from spin_mcp.context import Context as Context
from spin_mcp.server import FastMCP as FastMCP
