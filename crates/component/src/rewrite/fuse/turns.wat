;; Whose turn it is in the memory. `turns.rs` puts what depends on the members in place of capitals.
(module
  (import "memories" "prepare" (func $prepare (param i32 i32)))
  (import "memories" "save" (func $save (param i32 i32)))
  (import "memories" "saved" (func $saved (param i32) (result i32)))
  (import "memories" "load" (func $load (param i32 i32)))
  (import "memories" "tail" (func $tail (param i32) (result i64)))
  MEMBERS
  (memory PAGES)
  (global $turn (mut i32) (i32.const -1))
  ;; How many pages the memory has for the one whose turn it is.
  (global $pages (mut i32) (i32.const PAGES))
  ;; Whether a saved memory is coming back.
  (global $returns (mut i32) (i32.const 0))
  ;; The handle of stderr.
  (global (mut i32) (i32.const 0))

  ;; `memory.grow` for the one whose turn it is. The memory can have more pages, of an earlier turn. With
  ;; 65,536 pages, its length would not fit into 32 bits.
  (func $grow (param $by i32) (result i32)
    (local $pages i32)
    (if (i32.gt_u (local.get $by) (i32.sub (i32.const 65535) (global.get $pages)))
      (then (return (i32.const -1))))
    (local.set $pages (i32.add (global.get $pages) (local.get $by)))
    (if (i32.gt_u (local.get $pages) (memory.size))
      (then
        (if (i32.eq (memory.grow (i32.sub (local.get $pages) (memory.size))) (i32.const -1))
          (then (return (i32.const -1))))))
    (global.get $pages)
    (global.set $pages (local.get $pages)))
  ELEMENTS

  ;; Allocates for the one whose turn it is, and gives a saved memory its old place.
  (func $allocate (param i32 i32 i32 i32) (result i32)
    (if (global.get $returns) (then (return (i32.const 0))))
    ALLOCATE
    unreachable)

  ;; Makes it the turn of a member.
  (func $select (param $next i32)
    (local $saved i32)
    (if (i32.eq (local.get $next) (global.get $turn)) (then return))
    (if (i32.ge_s (global.get $turn) (i32.const 0))
      (then
        (call $prepare (global.get $turn) (global.get $pages))
        (call $save (i32.const 0) (i32.shl (global.get $pages) (i32.const 16)))
        (memory.fill (i32.const 0) (i32.const 0) (i32.shl (memory.size) (i32.const 16)))
        (local.set $saved (call $saved (local.get $next)))))
    (global.set $turn (local.get $next))
    (if (local.get $saved)
      (then
        (global.set $pages (local.get $saved))
        (local.set $saved (i32.sub (i32.shl (local.get $saved) (i32.const 16)) (i32.const 8)))
        (global.set $returns (i32.const 1))
        (call $load (local.get $next) (local.get $saved))
        (global.set $returns (i32.const 0))
        (i64.store (local.get $saved) (call $tail (local.get $next)))
        (return)))
    (global.set $pages (i32.const PAGES))
    FILL
    unreachable)
  DATA)
