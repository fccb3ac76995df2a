package mcp_test

import data.mcp

refund(amount, email, scopes) := {
	"caller": {"scopes": scopes, "claims": {"email": email}},
	"method": "tools/call",
	"params": {"name": "refund", "arguments": {"amount": amount}},
	"target": {"kind": "tool", "name": "refund", "scopes": ["mcp:write"]},
	"transport": "http",
}

test_small_refund if mcp.allow with input as refund(90, "u@example.com", ["mcp:write"])

test_scope_is_missing if {
	not mcp.allow with input as refund(90, "u@example.com", [])
	mcp.scopes == {"mcp:write"} with input as refund(90, "u@example.com", [])
}

test_big_refund if {
	not mcp.allow with input as refund(5000, "u@example.com", ["mcp:write"]) with data.admins as ["admin@example.com"]
	mcp.allow with input as refund(5000, "admin@example.com", ["mcp:write"]) with data.admins as ["admin@example.com"]
}

test_stdio if mcp.allow with input as {"transport": "stdio", "method": "tools/call"}
