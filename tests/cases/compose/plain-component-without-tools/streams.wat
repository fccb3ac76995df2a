(component
  (core module $m
    (func (export "take") (param i32))
    (func (export "give") (result i32) unreachable))
  (core instance $i (instantiate $m))
  (type $bytes (stream u8))
  (type $later (future u8))
  (func (export "take") (param "bytes" $bytes) (canon lift (core func $i "take")))
  (func (export "give") (result $later) (canon lift (core func $i "give"))))
