(component
  (instance $tools)
  (export "spin-mcp:server/tools@0.1.0" (instance $tools)))
