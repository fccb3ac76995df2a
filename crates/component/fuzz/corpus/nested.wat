(component
  (import "wasi:cli/stdin@0.2.0" (instance))
  (component
    (component
      (core module
        (import "wasi:cli/stdin@0.2.0" "get-stdin" (func (result i32)))
        (import "wasi:io/streams@0.2.0" "[resource-drop]input-stream" (func (param i32)))
        (memory 1)
        (func (export "run") (call 1 (call 0))))))
  (instance $nothing)
  (export "spin-mcp:server/tools@0.1.0" (instance $nothing)))
