from spin_mcp.errors import FastMCPError as FastMCPError
from spin_mcp.errors import McpError as McpError
from spin_mcp.errors import NotFoundError as NotFoundError
from spin_mcp.errors import PromptError as PromptError
from spin_mcp.errors import ResourceError as ResourceError
from spin_mcp.errors import ToolError as ToolError
from spin_mcp.errors import ValidationError as ValidationError
