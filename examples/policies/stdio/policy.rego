package mcp

# The server is for its own user only.
default allow := false

allow if input.transport == "stdio"
