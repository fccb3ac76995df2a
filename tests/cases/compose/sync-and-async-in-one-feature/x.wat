(component
  (instance $nothing)
  (export "spin-mcp:server/tools@0.1.0" (instance $nothing))
  (export "spin-mcp:server/prompts-async@0.1.0" (instance $nothing)))
