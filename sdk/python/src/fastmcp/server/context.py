from spin_mcp.context import Context as Context
