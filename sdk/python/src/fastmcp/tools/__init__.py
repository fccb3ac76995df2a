from spin_mcp.content import ToolResult as ToolResult
from spin_mcp.server import Tool as Tool
