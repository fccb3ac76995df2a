//! What modules refuse by themselves, in an embedded host.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use wasmtime::{
    Engine, Store,
    component::{Component, Instance, Linker, Resource, ResourceType, Val},
};
use wit_parser::Resolve;

use super::*;

const REFUSED: &str = "wasi:refused/all@1.0.0";
const SEND: &str =
    "send: async func(request: request, again: option<request>) -> result<u32, string>;";
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
const DROP: &str =
    r#"(import "wasi:host/types@1.0.0" "[resource-drop]request" (func (param i32)))"#;
/// What modules without that import have somewhere.
const DROP_TYPE: &str = "(type (func (param i32)))";

/// A component whose `run` hands to `send` of an interface what it gets. Its host has a version
/// that may be newer than what the module imports.
fn component(interface: &str, [send, call]: [&str; 2], more: &str, version: &str) -> Vec<u8> {
    let wit = format!(
        "package test:test;
         package wasi:host@{version} {{
             interface types {{ resource request; count: func() -> u32; }}
         }}
         package wasi:refused@1.0.0 {{
             interface all {{ use wasi:host/types@{version}.{{request}}; {interface} }}
             world any {{
                 import all;
                 use wasi:host/types@{version}.{{request}};
                 export run: func(request: request, again: option<request>) -> result<u32, string>;
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

fn refuse(component: &[u8]) -> Option<Inlined> {
    let wit = Imports::read(component).unwrap();
    inline(component, &wit, &[REFUSED.to_owned()], "")
}

struct Request;

#[test]
fn what_a_call_brings_is_dropped_and_the_refusal_is_told() {
    for (send, more, version) in [
        (SYNC, DROP, "1.0.0"),
        (SYNC, DROP, "1.0.3"),
        (SYNC, DROP_TYPE, "1.0.0"),
        (SYNC, DROP_TYPE, "1.0.3"),
        (ASYNC, DROP, "1.0.0"),
        (ASYNC, DROP_TYPE, "1.0.0"),
    ] {
        println!("{} {more} {version}", send[0]);
        let inlined = refuse(&component(SEND, send, more, version)).unwrap();
        assert_eq!(inlined.interfaces, [REFUSED]);
        let engine = Engine::default();
        let component = Component::new(&engine, &inlined.component).unwrap();
        let mut linker = Linker::new(&engine);
        let dropped = Arc::new(AtomicUsize::new(0));
        let count = dropped.clone();
        let host = format!("wasi:host/types@{version}");
        let mut host = linker.instance(&host).unwrap();
        host.resource("request", ResourceType::host::<Request>(), move |_, _| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
        .unwrap();
        host.func_wrap("count", |_, ()| Ok((7_u32,))).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &component).unwrap();
        let request = |store: &mut Store<()>| {
            let request = Resource::<Request>::new_own(1);
            Val::Resource(request.try_into_resource_any(store).unwrap())
        };
        let told = Val::String("not allowed: `wasi:refused` is not in its `allow`".into());
        for (again, expected) in [(true, 2), (false, 3), (true, 5)] {
            let again = again.then(|| Box::new(request(&mut store)));
            let params = [request(&mut store), Val::Option(again)];
            let answer = call(&mut store, &instance, "run", &params);
            assert_eq!(answer, Val::Result(Err(Some(Box::new(told.clone())))));
            assert_eq!(dropped.load(Ordering::Relaxed), expected);
        }
        // What is beside it is where it was: 7 are counted by the host, and 1 by its start.
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

/// They are left to the components that refuse.
#[test]
fn what_takes_more_than_a_module_is_let_be() {
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
        // More than an asynchronous call has room for.
        (
            format!("func(request: request, a: string, b: string) -> {failing}"),
            "(param i32 i32 i32 i32 i32 i32)",
        ),
        ("func() -> request".to_owned(), "(result i32)"),
    ] {
        let import = format!(r#"(import "{REFUSED}" "other" (func {core})) {DROP_TYPE}"#);
        let interface = format!("{SEND} other: {function};");
        assert!(
            refuse(&component(&interface, SYNC, &import, "1.0.0")).is_none(),
            "{function}"
        );
    }
    // Streams of other interfaces may be made by what is for those of this one.
    let get = format!("{SEND} get: func() -> result<stream<u8>, string>;");
    let import = format!(
        r#"(import "{REFUSED}" "get" (func (param i32)))
           (import "{REFUSED}" "[stream-new-0]get" (func (result i64))) {DROP_TYPE}"#
    );
    assert!(refuse(&component(&get, SYNC, &import, "1.0.0")).is_none());
    let number = format!("{SEND} other: func(number: u32) -> {failing};");
    let import = format!(r#"(import "{REFUSED}" "other" (func (param i32 i32))) {DROP_TYPE}"#);
    assert!(refuse(&component(&number, SYNC, &import, "1.0.0")).is_some());
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
