from spin_mcp.types import *  # noqa: F403
from spin_mcp.types import Wire as Wire
