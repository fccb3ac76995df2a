from fastmcp.resources import Resource as Resource
from fastmcp.resources import ResourceContent as ResourceContent
from fastmcp.resources import ResourceResult as ResourceResult
from fastmcp.resources import TextResource as TextResource
