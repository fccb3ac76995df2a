from spin_mcp.types import *  # noqa: F403
