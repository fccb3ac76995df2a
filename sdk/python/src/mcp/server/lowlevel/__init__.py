from mcp.server.models import NotificationOptions as NotificationOptions
from spin_mcp.lowlevel import Server as Server
