from fastmcp.prompts import Message as Message
from fastmcp.prompts import Prompt as Prompt
from fastmcp.prompts import PromptResult as PromptResult
from spin_mcp.types import PromptMessage as PromptMessage
from spin_mcp.types import TextContent as TextContent
