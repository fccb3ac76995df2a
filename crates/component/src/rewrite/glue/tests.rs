use wasmparser::{Payload, Validator, WasmFeatures};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

use super::*;
use crate::World;

/// A component of this world, as `wit-component` makes it.
fn component(world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("test.wit", &format!("package test:test; {world}"));
    let world = resolve.select_world(&[package.unwrap()], None).unwrap();
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let mut encoder = ComponentEncoder::default();
    encoder.module(&module).unwrap().encode().unwrap()
}

/// How many core modules the component has, and how many tables they define.
fn modules_and_tables(component: &[u8]) -> (usize, u32) {
    let (mut modules, mut tables) = (0, 0);
    for payload in Parser::new(0).parse_all(component) {
        match payload.unwrap() {
            Payload::ModuleSection { .. } => modules += 1,
            Payload::TableSection(section) => tables += section.count(),
            _ => {}
        }
    }
    (modules, tables)
}

fn merged(component: &[u8]) -> Vec<u8> {
    let merged = merge_stubs(component).unwrap();
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    validator.validate_all(&merged).unwrap();
    let (before, after) = (
        World::read(component).unwrap(),
        World::read(&merged).unwrap(),
    );
    assert_eq!(after.exports, before.exports);
    assert_eq!(
        format!("{:?}", after.imports),
        format!("{:?}", before.imports)
    );
    merged
}

const CALLS: &str = "world calls {
    import plain: func(a: u32) -> u32;
    import text: func(a: string, b: u64, c: f32) -> string;
    import bytes: func() -> list<u8>;
    export run: func(a: string) -> list<string>;
}";

#[test]
fn stubs_become_part_of_the_module_that_calls_them() {
    let component = component(CALLS);
    assert_eq!(modules_and_tables(&component), (3, 1));
    assert_eq!(modules_and_tables(&merged(&component)), (2, 1));
}

#[test]
fn elements_come_behind_those_that_the_table_has() {
    let module = |rest: &str| {
        let text = format!("(module (type (func)) {rest})");
        wat::parse_str(text).unwrap()
    };
    let main = module(
        r#"(import "a" "f" (func)) (import "b" "g" (func)) (func) (table 2 2 funcref) (memory 1)
           (export "m" (memory 0)) (elem (i32.const 0) func 2 0 1)"#,
    );
    let glue = Glue {
        imports: [(("a", "f"), 3)].into(),
        stubs: shim::Stubs {
            elements: 4,
            ..shim::Stubs::default()
        },
        ..Glue::default()
    };
    let (main, first) = with_stubs(&main, &glue).unwrap();
    let expected = module(
        r#"(import "b" "g" (func)) (func) (table 6 6 funcref) (memory 1) (export "m" (memory 0)) (export "$imports" (table 0))
           (elem (i32.const 0) func 1 2 0) (func i32.const 5 call_indirect (type 0))"#,
    );
    assert_eq!((main, first), (expected, 2));
}

#[test]
fn nested_components_are_merged_too() {
    let mut outer = Component::new();
    outer.section(&RawSection {
        id: COMPONENT,
        data: &component(CALLS),
    });
    let outer = outer.finish();
    assert_eq!(modules_and_tables(&merge_stubs(&outer).unwrap()), (2, 1));
}

#[test]
fn other_components_stay() {
    // A destructor must be there before the module is.
    let destructor = component(
        "world destructor {
            import text: func(a: string);
            export things: interface { resource thing { constructor(); } }
        }",
    );
    let before = modules_and_tables(&destructor);
    assert_eq!(modules_and_tables(&merged(&destructor)), before);
    let none = component("world none { import plain: func(a: u32); export run: func(); }");
    let before = modules_and_tables(&none);
    assert_eq!(modules_and_tables(&merged(&none)), before);
}

#[test]
fn a_component_that_shares_modules_stays() {
    let import = wat::parse_str(r#"(component (import "m" (core module)))"#).unwrap();
    let level = Level::read(&import).unwrap();
    assert!(level.glue().is_none());
    // The sections of a component with a shim, behind an imported module.
    let component = component(CALLS);
    let shared = [&import[..], &component[8..]].concat();
    assert!(Level::read(&component).unwrap().glue().is_some());
    assert!(Level::read(&shared).unwrap().glue().is_none());
}
