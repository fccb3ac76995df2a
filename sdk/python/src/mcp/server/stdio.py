from spin_mcp.lowlevel import stdio_server as stdio_server
