(component
  (instance $handler)
  (export "spin-mcp:server/handler@0.1.0" (instance $handler)))
