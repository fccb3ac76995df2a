(component
  (import "wasi:nn/inference@0.2.0" (instance
    (type $tokens (stream u32))
    (export "infer" (func (param "prompt" string) (result $tokens)))))
  (instance $tools)
  (export "spin-mcp:server/tools@0.1.0" (instance $tools)))
