(component
  (import "wasi:http/outgoing-handler@0.2.0" (instance
    (export "handle" (func (param "url" string) (result u32)))))
  (instance $tools)
  (export "spin-mcp:server/tools@0.1.0" (instance $tools)))
