from spin_mcp.errors import McpError as McpError

MCPError = McpError
