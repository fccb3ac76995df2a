from spin_mcp.content import Message as Message
