from fastmcp.tools import Tool as Tool
from fastmcp.tools import ToolResult as ToolResult
