from spin_mcp.content import ResourceContent as ReadResourceContents

__all__ = ["ReadResourceContents"]
