package mcp_test

import data.mcp

call(tenant) := {"caller": {"claims": {"tenant": "a"}}, "params": {"arguments": {"tenant": tenant}}}

test_own_tenant if mcp.allow with input as call("a")

test_other_tenants if {
	every tenant in ["b", "", null, false] {
		not mcp.allow with input as call(tenant)
	}
}

test_anonymous if not mcp.allow with input as {"caller": null, "params": {"arguments": {"tenant": "a"}}}

test_no_tenant if mcp.allow with input as {"method": "tools/list", "params": {}}
