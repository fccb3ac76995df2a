from mcp.server.lowlevel import NotificationOptions as NotificationOptions
from mcp.server.lowlevel import Server as Server
