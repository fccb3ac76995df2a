(component
  (instance $nothing)
  (export "spin-mcp:server/prompts@0.1.0" (instance $nothing)))
