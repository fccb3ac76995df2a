package mcp

# A caller works with the data of its own tenant.
default allow := false

allow if not "tenant" in object.keys(input.params.arguments)

allow if input.params.arguments.tenant == input.caller.claims.tenant

reason := "this tenant is not yours" if not allow
