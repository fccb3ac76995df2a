(component
  (instance $nothing)
  (export "spin-mcp:server/prompts-async@0.1.0" (instance $nothing)))
