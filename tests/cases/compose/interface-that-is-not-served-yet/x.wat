(component
  (instance $prompts)
  (export "spin-mcp:server/prompts@0.1.0" (instance $prompts)))
