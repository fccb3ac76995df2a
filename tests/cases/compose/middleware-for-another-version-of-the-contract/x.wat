(component
  (instance $nothing)
  (export "spin-mcp:server/handler@0.2.0" (instance $nothing)))
