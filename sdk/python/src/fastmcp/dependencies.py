from fastmcp.server.dependencies import CurrentContext as CurrentContext
from fastmcp.server.dependencies import Depends as Depends
