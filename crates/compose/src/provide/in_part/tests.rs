//! What parts answer themselves, in an embedded host.

use wasmtime::{
    Engine, Store,
    component::{Component, Instance, Linker, ResourceType, Val},
};
use wit_parser::Resolve;

use super::*;

const REFUSED: &str = "wasi:refused/all@1.0.0";
const SEND: &str = "send: async func(number: u32, again: option<u32>) -> result<u32, string>;";
/// Imports `send`, and makes of it what a synchronous one is.
const SYNC: [&str; 2] = [
    r#"(import "wasi:refused/all@1.0.0" "send" (func $import (param i32 i32 i32 i32)))"#,
    "(call $import (local.get 0) (local.get 1) (local.get 2) (local.get 3))",
];
const ASYNC: [&str; 2] = [
    r#"(import "wasi:refused/all@1.0.0" "[async-lower]send"
         (func $import (param i32 i32 i32 i32) (result i32)))"#,
    "(if (i32.ne (i32.const 2)
         (call $import (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
       (then unreachable))",
];
/// A component whose `run` calls `send` of an interface with its own parameters.
fn component(interface: &str, [send, call]: [&str; 2], more: &str) -> Vec<u8> {
    let wit = format!(
        "package test:test;
         package wasi:host@1.0.0 {{
             interface types {{ resource request; count: func() -> u32; }}
         }}
         package wasi:refused@1.0.0 {{
             interface all {{ use wasi:host/types@1.0.0.{{request}}; {interface} }}
             world any {{
                 import all;
                 export run: func(number: u32, again: option<u32>) -> result<u32, string>;
                 export counted: func() -> u32;
             }}
         }}"
    );
    let module = format!(
        r#"(module
          {send} {more}
          (import "wasi:host/types@1.0.0" "count" (func $count (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 16) "\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff")
          (global $next (mut i32) (i32.const 1024))
          (func $send (param i32 i32 i32 i32) {call})
          (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
            (global.get $next)
            (global.set $next (i32.add (global.get $next) (local.get 3))))
          (func (export "run") (param i32 i32 i32) (result i32)
            (call $send (local.get 0) (local.get 1) (local.get 2) (i32.const 16))
            (i32.const 16))
          (table 1 funcref)
          (elem (i32.const 0) $count)
          (type $counted (func (result i32)))
          (global $begun (mut i32) (i32.const 0))
          (func $begin (global.set $begun (i32.const 1)))
          (start $begin)
          (func (export "counted") (result i32)
            (i32.add (global.get $begun) (call_indirect (type $counted) (i32.const 0)))))"#
    );
    let mut resolve = Resolve::default();
    let package = resolve.push_str("test.wit", &wit).unwrap();
    let world = resolve.select_world(&[package], Some("wasi:refused/any@1.0.0"));
    let mut module = wat::parse_str(&module).unwrap();
    embed_component_metadata(&mut module, &resolve, world.unwrap(), StringEncoding::UTF8).unwrap();
    let mut encoder = ComponentEncoder::default();
    encoder.module(&module).unwrap().encode().unwrap()
}

fn refuse(component: &[u8]) -> Option<InPart> {
    let wit = Imports::read(component).unwrap();
    answer(component, &wit, &[REFUSED.to_owned()], "")
}

struct Request;

#[test]
fn a_part_refuses_itself() {
    for send in [SYNC, ASYNC] {
        let in_part = refuse(&component(SEND, send, "")).unwrap();
        assert_eq!(in_part.interfaces, [REFUSED]);
        let engine = Engine::default();
        let component = Component::new(&engine, &in_part.component).unwrap();
        let mut linker = Linker::new(&engine);
        let mut host = linker.instance("wasi:host/types@1.0.0").unwrap();
        host.resource("request", ResourceType::host::<Request>(), |_, _| Ok(()))
            .unwrap();
        host.func_wrap("count", |_, ()| Ok((7_u32,))).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &component).unwrap();
        let refusal = Val::String("not allowed: `wasi:refused` is not in its `allow`".into());
        let answer = call(
            &mut store,
            &instance,
            "run",
            &[Val::U32(1), Val::Option(None)],
        );
        assert_eq!(answer, Val::Result(Err(Some(Box::new(refusal)))));
        // All other functions have new indices: the host counts 7, and the start function 1.
        assert_eq!(call(&mut store, &instance, "counted", &[]), Val::U32(8));
    }
}

fn call(store: &mut Store<()>, instance: &Instance, name: &str, params: &[Val]) -> Val {
    let function = instance.get_func(&mut *store, name).unwrap();
    let mut results = [Val::Bool(false)];
    function.call(store, params, &mut results).unwrap();
    let [result] = results;
    result
}

#[test]
fn what_a_constant_does_not_refuse_is_left_to_other_components() {
    let failing = "result<u32, string>";
    for (function, core) in [
        (
            format!("func(all: list<request>) -> {failing}"),
            "(param i32 i32 i32)",
        ),
        (
            format!("func(pair: tuple<request, u32>) -> {failing}"),
            "(param i32 i32 i32)",
        ),
        (
            format!("func(either: result<request, u32>) -> {failing}"),
            "(param i32 i32 i32)",
        ),
        (
            format!("func(data: stream<u8>) -> {failing}"),
            "(param i32 i32)",
        ),
        (
            format!("func(request: request) -> {failing}"),
            "(param i32 i32)",
        ),
        ("func() -> request".to_owned(), "(result i32)"),
    ] {
        let import = format!(r#"(import "{REFUSED}" "other" (func {core}))"#);
        let interface = format!("{SEND} other: {function};");
        assert!(
            refuse(&component(&interface, SYNC, &import)).is_none(),
            "{function}"
        );
    }
    // A function that makes streams for this interface may make streams for others.
    let get = format!("{SEND} get: func() -> result<stream<u8>, string>;");
    let import = format!(
        r#"(import "{REFUSED}" "get" (func (param i32)))
           (import "{REFUSED}" "[stream-new-0]get" (func (result i64)))"#
    );
    assert!(refuse(&component(&get, SYNC, &import)).is_none());
    let number = format!("{SEND} other: func(number: u32) -> {failing};");
    let import = format!(r#"(import "{REFUSED}" "other" (func (param i32 i32)))"#);
    assert!(refuse(&component(&number, SYNC, &import)).is_some());
}

#[test]
fn settings_are_what_they_are_called() {
    let types = r#"(import "spin-mcp:server/types@0.1.0" (instance $types
        (type $text string)
        (export "json" (type (eq $text)))))
      (alias export $types "json" (type $json))"#;
    let aliased = r#"(alias outer 1 $json (type $outer))
      (export "json" (type $own (eq $outer)))
      (export "get" (func (result $own)))"#;
    for (types, exports, expected) in [
        ("", r#"(export "get" (func (result string)))"#, true),
        (types, aliased, true),
        (
            "",
            r#"(export "get" (func (param "a" u32) (result string)))"#,
            false,
        ),
        ("", r#"(export "get" (func (result (list u8))))"#, false),
        ("", r#"(export "get" (func))"#, false),
        ("", r#"(export "other" (func (result string)))"#, false),
    ] {
        let text = format!("(component {types} (import \"{SETTINGS}\" (instance {exports})))");
        let wit = Imports::read(&wat::parse_str(&text).unwrap()).unwrap();
        assert_eq!(reads_settings(&wit), expected, "{text}");
    }
}
