(component
  (import "example:other/api@1.0.0" (instance $other (export "get" (func (result u32)))))
  (core func $get (canon lower (func $other "get")))
  (core module $m
    (import "" "get" (func $get (result i32)))
    (func (export "get") (result i32) (call $get)))
  (core instance $i (instantiate $m (with "" (instance (export "get" (func $get))))))
  (func (export "get") (result u32) (canon lift (core func $i "get"))))
