//! What features do does not change when they become lazy.

use spin_mcp_component::rewrite::lazy;
use wasmtime::{
    Engine, Store,
    component::{Component, Linker, Val},
};

/// Everything that can be the first call of a module: functions with arguments and without, the
/// allocation of an argument, and what is called after a result.
const COMPONENT: &str = r#"(component
  (core module $m
    (memory (export "memory") 2 4)
    (global $heap (mut i32) (i32.const 1024))
    (global $calls (mut i32) (i32.const 0))
    (global $at i32 (i32.const 16))
    (table 2 funcref)
    (elem (i32.const 1) $seven)
    (data (i32.const 8) "\20\00\00\00\05\00\00\00")
    (data (i32.const 32) "hello")
    (data $passive "world")
    (data (global.get $at) "x")
    (func $seven (result i32) (i32.const 7))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local.set 0 (global.get $heap))
      (global.set $heap (i32.add (global.get $heap) (local.get 3)))
      (local.get 0))
    (func (export "greet") (result i32)
      (if (i32.eq (global.get $calls) (i32.const 1))
        (then (memory.init $passive (i32.const 32) (i32.const 0) (i32.const 5))))
      (i32.const 8))
    (func (export "greeted") (param i32)
      (global.set $calls (i32.add (global.get $calls) (i32.const 1))))
    (func (export "echo") (param i32 i32) (result i32)
      (i32.store (i32.const 64) (local.get 0))
      (i32.store (i32.const 68) (local.get 1))
      (i32.const 64))
    (func (export "sum") (param i32 i32) (result i32)
      (i32.add (i32.add (i32.load8_u (local.get 0)) (local.get 1))
        (call_indirect (result i32) (i32.const 1))))
    (func (export "pages") (result i32) (drop (memory.grow (i32.const 1))) (memory.size))
    (func (export "fails") (result i32) (i32.load (i32.const 131072)))
    (func (export "dropped") (param i32) (i32.store8 (i32.const 16) (local.get 0))))
  (core instance $i (instantiate $m))
  (alias core export $i "memory" (core memory $memory))
  (func (export "greet") (result string) (canon lift (core func $i "greet")
    (memory $memory) (post-return (core func $i "greeted"))))
  (func (export "echo") (param "text" string) (result string) (canon lift (core func $i "echo")
    (memory $memory) (realloc (core func $i "realloc"))))
  (func (export "sum") (param "a" u32) (param "b" u32) (result u32)
    (canon lift (core func $i "sum")))
  (func (export "pages") (result u32) (canon lift (core func $i "pages")))
  (func (export "fails") (result u32) (canon lift (core func $i "fails")))
  (type $r (resource (rep i32) (dtor (core func $i "dropped"))))
  (export $exported "r" (type $r))
  (core func $new (canon resource.new $r))
  (core module $maker
    (import "" "new" (func $new (param i32) (result i32)))
    (func (export "make") (result i32) (call $new (i32.const 90))))
  (core instance $maker (instantiate $maker (with "" (instance (export "new" (func $new))))))
  MAKE)"#;

/// Lifts a function that makes a resource without a call of the module.
const MAKE: &str = r#"(func (export "make") (result (own $exported))
    (canon lift (core func $maker "make")))"#;

/// The results of calls, one after the other in one instance.
fn call(component: &[u8], calls: &[&str]) -> Vec<Option<Val>> {
    let engine = Engine::default();
    let component = Component::new(&engine, component).unwrap();
    let mut store = Store::new(&engine, ());
    let linker = Linker::new(&engine);
    let instance = linker.instantiate(&mut store, &component).unwrap();
    let call = |name: &&str| {
        let args = match *name {
            "sum" => vec![Val::U32(33), Val::U32(1)],
            "echo" => vec![Val::String("text".to_owned())],
            _ => vec![],
        };
        let function = instance.get_func(&mut store, *name).unwrap();
        let mut results = [Val::Bool(false)];
        function.call(&mut store, &args, &mut results).ok()?;
        let [result] = results;
        Some(result)
    };
    calls.iter().map(call).collect()
}

#[test]
fn a_lazy_component_answers_as_before() {
    let eager = wat::parse_str(COMPONENT.replace("MAKE", "")).unwrap();
    let lazy = lazy(&eager, 1).unwrap().expect("it can be lazy");
    let every = ["greet", "echo", "sum", "pages", "fails"];
    for first in every {
        let calls = [&[first][..], &every].concat();
        let (before, after) = (call(&eager, &calls), call(&lazy, &calls));
        assert_eq!(before, after, "{first} first");
        assert_eq!(before[0].is_none(), first == "fails");
    }
    let twice = call(&lazy, &["greet", "sum", "greet"]);
    let text = |text: &str| Some(Val::String(text.to_owned()));
    assert_eq!(twice, [text("hello"), Some(Val::U32(109)), text("world")]);
}

/// What a destructor of a module without a guard could do.
#[test]
fn a_component_that_lifts_other_modules_stays() {
    let eager = wat::parse_str(COMPONENT.replace("MAKE", MAKE)).unwrap();
    assert!(lazy(&eager, 1).unwrap().is_none());
}
