(component
  (import "wasi:clocks/types@0.3.0" (instance))
  (instance $tools)
  (export "spin-mcp:server/tools@0.1.0" (instance $tools)))
