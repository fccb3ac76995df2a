(component
  (import "spin-mcp:server/handler@0.1.0" (instance))
  (instance $nothing)
  (export "spin-mcp:server/handler-async@0.1.0" (instance $nothing)))
