package mcp_test

import data.mcp

test_stdio if mcp.allow with input as {"transport": "stdio"}

test_http if not mcp.allow with input as {"transport": "http"}
