package mcp

default allow := false

# The process is the user's.
allow if input.transport == "stdio"

allow if input.method in {
	"initialize", "ping", "server/discover",
	"tools/list", "prompts/list", "resources/list",
}

allow if {
	count(missing) == 0
	not big_refund
}

# What the client can ask its user for.
scopes contains scope if some scope in missing

missing := {scope | some scope in input.target.scopes; not scope in input.caller.scopes}

big_refund if {
	input.params.name == "refund"
	input.params.arguments.amount > 1000
	not input.caller.claims.email in data.admins
}

reason := "refunds above 1000 need an administrator" if big_refund
