from spin_mcp.client import Client as Client
