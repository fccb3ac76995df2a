from spin_mcp.errors import McpError as McpError
from spin_mcp.errors import UrlElicitationRequiredError as UrlElicitationRequiredError

MCPError = McpError
