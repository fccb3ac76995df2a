package mcp_test

import data.mcp

at(now) := {"method": "tools/call", "now": now}

test_monday_morning if mcp.allow with input as at(1796029200)

test_too_early if not mcp.allow with input as at(1796025599)

test_too_late if not mcp.allow with input as at(1796061600)

test_saturday if not mcp.allow with input as at(1795856400)
