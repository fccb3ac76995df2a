;; Returns the environment that it sees.
(component
  (import "wasi:cli/environment@0.2.0" (instance $env
    (export "get-environment" (func (result (list (tuple string string)))))))
  (core module $memory
    (memory (export "memory") 1)
    (global $heap (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local.set 0 (global.get $heap))
      (global.set $heap (i32.and (i32.const -8)
        (i32.add (i32.const 7) (i32.add (global.get $heap) (local.get 3)))))
      (local.get 0)))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $bytes))
  (core func $get (canon lower (func $env "get-environment")
    (memory $bytes) (realloc (core func $memory "realloc"))))
  (core module $main
    (import "" "get" (func $get (param i32)))
    (func (export "variables") (result i32)
      (call $get (i32.const 16))
      (i32.const 16)))
  (core instance $main (instantiate $main (with "" (instance (export "get" (func $get))))))
  (func (export "variables") (result (list (tuple string string)))
    (canon lift (core func $main "variables") (memory $bytes))))
