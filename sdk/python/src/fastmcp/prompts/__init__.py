from spin_mcp.content import Message as Message
from spin_mcp.content import PromptResult as PromptResult
from spin_mcp.server import Prompt as Prompt
