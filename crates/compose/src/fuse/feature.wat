;; A feature. The first letter of a tool's name says what the tool does. It answers with an error, whose
;; code is a number and whose message is a text.
(module
  (import "wasi:cli/stderr@0.2.3" "get-stderr" (func $stderr (result i32)))
  (import "wasi:io/streams@0.2.3" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.3" "[resource-drop]output-stream" (func $drop (param i32)))
  (import "wasi:random/insecure-seed@0.2.3" "insecure-seed" (func $seed (param i32)))
  (import "wasi:random/random@0.2.3" "get-random-bytes" (func $random (param i64 i32)))
  (memory (export "memory") PAGES)
  (global $heap (mut i32) (i32.const 1024))
  (global $calls (mut i32) (i32.const 0))
  (table 3 funcref)
  (elem (i32.const 1) $one $other)
  (data (i32.const 32) "LETTER")
  (data $passive "passive")
  (type $number (func (result i32)))
  (func $one (type $number) (i32.const CODE))
  (func $other (param i32))
  (func $deep (result i32) (i32.add (call $deep) (i32.const 1)))
  (func $last (result i32) (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 1)))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local.set 0 (global.get $heap))
    (global.set $heap
      (i32.and (i32.add (i32.add (global.get $heap) (local.get 3)) (i32.const 7)) (i32.const -8)))
    (local.get 0))
  ;; How many bytes of the second page on are not what this feature writes.
  (func $foreign (result i32) (local $at i32) (local $found i32)
    (local.set $at (i32.const 65536))
    (loop $next
      (if (i32.lt_u (local.get $at) (call $last))
        (then
          (if (i32.load8_u (local.get $at))
            (then
              (if (i32.ne (i32.load8_u (local.get $at)) (i32.load8_u (i32.const 32)))
                (then (local.set $found (i32.add (local.get $found) (i32.const 1)))))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $next))))
    (local.get $found))
  (func $do (param $what i32) (param $argument i32) (result i32)
    (if (i32.eq (local.get $what) (i32.const 99)) ;; c: counts in memory
      (then
        (i32.store (i32.const 16) (i32.add (i32.load (i32.const 16)) (i32.const 1)))
        (return (i32.load (i32.const 16)))))
    (if (i32.eq (local.get $what) (i32.const 118)) ;; v: counts in a global
      (then (global.set $calls (i32.add (global.get $calls) (i32.const 1))) (return (global.get $calls))))
    (if (i32.eq (local.get $what) (i32.const 103)) ;; g: grows
      (then (return (memory.grow (local.get $argument)))))
    (if (i32.eq (local.get $what) (i32.const 115)) (then (return (memory.size)))) ;; s
    (if (i32.eq (local.get $what) (i32.const 119)) ;; w: writes everywhere
      (then
        (memory.fill (i32.const 65536) (i32.load8_u (i32.const 32)) (i32.sub (call $last) (i32.const 65535)))))
    (if (i32.eq (local.get $what) (i32.const 114)) (then (return (call $foreign)))) ;; r: reads everything
    (if (i32.eq (local.get $what) (i32.const 98)) ;; b: a byte near the end
      (then
        (return (i32.load8_u (i32.sub (call $last) (local.get $argument))))))
    (if (i32.eq (local.get $what) (i32.const 112)) ;; p: data in no memory
      (then
        (memory.init $passive (i32.const 32) (local.get $argument) (i32.const 1))
        (return (i32.load8_u (i32.const 32)))))
    (if (i32.eq (local.get $what) (i32.const 105)) ;; i: calls an element
      (then (return (call_indirect (type $number) (local.get $argument)))))
    (if (i32.eq (local.get $what) (i32.const 108)) ;; l: logs
      (then
        (call $write (call $stderr) (i32.const 32) (i32.const 1) (i32.const 48))
        (call $drop (call $stderr))))
    (if (i32.eq (local.get $what) (i32.const 104)) (then (call $drop (local.get $argument)))) ;; h
    (if (i32.eq (local.get $what) (i32.const 110)) (then (call $seed (i32.const 48)))) ;; n
    (if (i32.eq (local.get $what) (i32.const 107)) ;; k: where the host places bytes
      (then
        (call $random (i64.extend_i32_u (local.get $argument)) (i32.const 48))
        (return (i32.add (i32.load (i32.const 48)) (i32.load (i32.const 52))))))
    (if (i32.eq (local.get $what) (i32.const 116)) (then unreachable)) ;; t
    (if (i32.eq (local.get $what) (i32.const 111)) ;; o: reads behind the memory
      (then (return (i32.load8_u (i32.add (call $last) (i32.const 1))))))
    (if (i32.eq (local.get $what) (i32.const 100)) (then (return (call $deep)))) ;; d
    (i32.const 0))
  (func (export "spin-mcp:server/tools@0.1.0#call-tool") (param i64 i32 i32 i32 i32) (result i32)
    (local $code i32)
    (local.set $code (call $do (i32.load8_u (local.get 1)) (i32.sub (i32.load8_u (local.get 3)) (i32.const 48))))
    (i32.store (i32.const 64) (i32.const 1))
    (i32.store (i32.const 68) (local.get $code))
    (i32.store (i32.const 72) (local.get 3))
    (i32.store (i32.const 76) (local.get 4))
    (i32.store (i32.const 80) (i32.const 0))
    (i32.const 64))
  (func (export "cabi_post_spin-mcp:server/tools@0.1.0#call-tool") (param i32)
    (global.set $heap (i32.const 1024))
    (global.set $calls (i32.add (global.get $calls) (i32.const 100))))
  (func (export "spin-mcp:server/tools@0.1.0#list-tools") (param i64 i32 i32 i32) (result i32)
    unreachable))
