package mcp_test

import data.mcp

use(role, reads) := {
	"caller": {"claims": {"realm_access": {"roles": [role]}}},
	"target": {"kind": "tool", "annotations": {"readOnlyHint": reads}},
}

test_admin if mcp.allow with input as use("admin", false)

test_user_reads if mcp.visible with input as use("user", true)

test_user_writes if {
	not mcp.allow with input as use("user", false)
	not mcp.visible with input as use("user", false)
}

test_lists if mcp.allow with input as {"method": "tools/list", "target": {"kind": "none"}}
