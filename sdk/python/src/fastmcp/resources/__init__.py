from spin_mcp.content import ResourceContent as ResourceContent
from spin_mcp.content import ResourceResult as ResourceResult
from spin_mcp.server import Resource as Resource
from spin_mcp.server import TextResource as TextResource
