(component
  (import "wasi:nn/inference@0.2.0" (instance
    (export "infer" (func (param "prompt" string) (result (result u64))))))
  (instance $tools)
  (export "spin-mcp:server/tools@0.1.0" (instance $tools)))
