package mcp

# Administrators use every tool, and everybody else those that only read.
default allow := false

allow if input.target.kind == "none"

allow if may_use

# Nobody sees a tool that they cannot use.
default visible := false

visible if may_use

may_use if input.target.annotations.readOnlyHint

may_use if "admin" in input.caller.claims.realm_access.roles
