(component
  (import "wasi:nn/tensor@0.2.0" (instance $tensor
    (export "tensor" (type (sub resource)))))
  (alias export $tensor "tensor" (type $tensor))
  (import "wasi:nn/inference@0.2.0" (instance
    (alias outer 1 $tensor (type $outer))
    (export "tensor" (type $tensor (eq $outer)))
    (type $own (own $tensor))
    (export "infer" (func (param "input" $own)))))
  (instance $tools)
  (export "spin-mcp:server/tools@0.1.0" (instance $tools)))
