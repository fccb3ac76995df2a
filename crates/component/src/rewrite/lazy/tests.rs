use super::*;
use crate::Size;
use wasmparser::{Validator, WasmFeatures};

/// A component around a module that becomes lazy, unless something else in it keeps it from that.
fn component(module: &str, rest: &str) -> String {
    format!(
        r#"(component
          (core module $m
            (func $add (export "add") (param i32 i32) (result i32)
              (i32.add (i32.load8_u (local.get 0)) (local.get 1)))
            {module})
          (core instance $i (instantiate $m))
          (func (export "add") (param "a" u32) (param "b" u32) (result u32)
            (canon lift (core func $i "add")))
          {rest})"#
    )
}

/// The pages that the memories of the rewritten component begin with; none if it stays as it is.
fn lazy_pages(component: &str) -> Option<u64> {
    let component = wat::parse_str(component).unwrap();
    let lazy = lazy(&component, 2).unwrap()?;
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    validator.validate_all(&lazy).unwrap();
    Some(Size::of(&lazy).unwrap().initial_memory / 65_536)
}

#[test]
fn memories_begin_empty() {
    for module in [
        "(memory 2)",
        r#"(memory (export "memory") 2 3) (data (i32.const 7) "x") (data "passive") (data (i32.const 9) "")"#,
        r#"(global i32 (i32.const 1)) (memory 2) (table 1 funcref) (elem (i32.const 0) $add)"#,
        r#"(memory 2) (global (export "g") (mut i32) (i32.const 1)) (func (export "f")) (export "f2" (func $add))"#,
        r#"(memory 2) (data $d "xy") (func (memory.init $d (i32.const 0) (i32.const 0) (i32.const 2)))"#,
    ] {
        assert_eq!(lazy_pages(&component(module, "")), Some(0), "{module}");
    }
    let nested = format!("(component {})", component("(memory 2)", ""));
    assert_eq!(lazy_pages(&nested), Some(0));
}

#[test]
fn other_modules_stay() {
    for module in [
        "(memory 1)",
        "(memory 2) (memory 2)",
        "(memory 2 2 shared)",
        "(memory 2) (func $start) (start $start)",
        r#"(memory 2) (table (export "t") 1 funcref)"#,
        r#"(memory 2) (global (export "g") funcref (ref.func $add))"#,
    ] {
        assert_eq!(lazy_pages(&component(module, "")), None, "{module}");
    }
    let large = "x".repeat(1 + (1 << 20));
    let module = format!(r#"(memory 18) (data (i32.const 0) "{large}")"#);
    assert_eq!(lazy_pages(&component(&module, "")), None);
    let wide = component("(memory i64 2)", "").replace("(local.get 0)", "(i64.const 0)");
    assert_eq!(lazy_pages(&wide), None);
}

/// Code that can see the memory of a module before its first call.
#[test]
fn modules_stay_beside_others_that_see_their_memory() {
    let memory = r#"(memory (export "memory") 2)"#;
    let with = |module: &str, rest: &str| {
        format!(
            r#"(core module $other (import "m" "memory" (memory 0)) {module})
               (core instance $other (instantiate $other (with "m" (instance $i)))) {rest}"#
        )
    };
    let lift = r#"(func (export "f") (canon lift (core func $other "f")))"#;
    let drop = r#"(type (resource (rep i32) (dtor (core func $other "d"))))"#;
    for (module, rest, pages) in [
        (r#"(func (export "f"))"#, "", Some(0)),
        (r#"(func (export "f"))"#, lift, None),
        (r#"(func (export "d") (param i32))"#, drop, None),
        ("(func $start) (start $start)", "", None),
    ] {
        let component = component(memory, &with(module, rest));
        assert_eq!(lazy_pages(&component), pages, "{module} {rest}");
    }
    let twice = component("(memory 2)", "(core instance (instantiate $m))");
    assert_eq!(lazy_pages(&twice), None);
    let unguarded = "(component (core module (memory 2) (func)))";
    assert_eq!(lazy_pages(unguarded), None);
    let shares = component("(memory 2)", r#"(export "m" (core module $m))"#);
    assert_eq!(lazy_pages(&shares), None);
    let inner = component("(memory 2)", "(component (alias outer 1 $m (core module)))");
    assert_eq!(lazy_pages(&inner), None);
}
