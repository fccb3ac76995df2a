from spin_mcp.server import FastMCP as FastMCP
