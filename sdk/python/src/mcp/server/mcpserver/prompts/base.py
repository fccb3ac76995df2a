from spin_mcp.content import AssistantMessage as AssistantMessage
from spin_mcp.content import Message as Message
from spin_mcp.content import UserMessage as UserMessage
