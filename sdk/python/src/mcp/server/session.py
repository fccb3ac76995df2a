from spin_mcp.context import Session as ServerSession

__all__ = ["ServerSession"]
