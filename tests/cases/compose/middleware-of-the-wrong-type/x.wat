(component
  (instance $nothing)
  (export "spin-mcp:server/handler@0.1.0" (instance $nothing)))
