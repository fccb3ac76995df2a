from spin_mcp.errors import ResourceError as ResourceError
from spin_mcp.errors import ToolError as ToolError
