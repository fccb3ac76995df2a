(component
  (instance $tools)
  (export "spin-mcp:server/tools@0.2.0" (instance $tools)))
