(component
  (import "acme:db/client@1.0.0" (instance))
  (instance $tools)
  (export "spin-mcp:server/tools@0.1.0" (instance $tools)))
