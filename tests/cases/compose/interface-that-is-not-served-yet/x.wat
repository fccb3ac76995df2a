(component
  (instance $handler)
  (export "spin-mcp:server/sampling@0.1.0" (instance $handler)))
