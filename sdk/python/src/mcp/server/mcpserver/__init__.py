from spin_mcp.content import AssistantMessage as AssistantMessage
from spin_mcp.content import Audio as Audio
from spin_mcp.content import Image as Image
from spin_mcp.content import Message as Message
from spin_mcp.content import UserMessage as UserMessage
from spin_mcp.context import Context as Context
from spin_mcp.server import FastMCP as FastMCP
from spin_mcp.types import Icon as Icon

MCPServer = FastMCP
