from mcp.server.models import InitializationOptions as InitializationOptions
from mcp.server.models import NotificationOptions as NotificationOptions
from spin_mcp.context import Context as ServerRequestContext
from spin_mcp.lowlevel import Server as Server
from spin_mcp.server import FastMCP as FastMCP

MCPServer = FastMCP
__all__ = ["FastMCP", "InitializationOptions", "MCPServer", "NotificationOptions", "Server", "ServerRequestContext"]
