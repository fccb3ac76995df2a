use super::*;
use spin_mcp_component::World;

/// A part that imports a store with a resource, the environment and `tools`, and calls them all.
fn part() -> Vec<u8> {
    let wit = r#"
        package test:part;
        interface store {
            resource bucket;
            open: func() -> bucket;
        }
        interface tools {
            call: func(request: u64) -> u64;
        }
        world part {
            import store;
            import tools;
            import wasi:cli/environment@0.2.0;
            export run: func();
        }
        package wasi:cli@0.2.0 {
            interface environment {
                get-environment: func() -> list<tuple<string, string>>;
            }
        }"#;
    let core = r#"
        (module
            (import "test:part/store" "open" (func (result i32)))
            (import "test:part/store" "[resource-drop]bucket" (func (param i32)))
            (import "test:part/tools" "call" (func (param i64) (result i64)))
            (import "wasi:cli/environment@0.2.0" "get-environment" (func (param i32)))
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
            (func (export "run")
                call 0
                call 1
                i64.const 0
                call 2
                drop
                i32.const 8
                call 3))"#;
    let mut resolve = Resolve::default();
    let package = resolve.push_str("part.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some("part")).unwrap();
    let mut module = wat::parse_str(core).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    module
}

fn dispatch(plugs: &[Option<&str>]) -> Dispatch {
    Dispatch {
        interface: "test:part/tools",
        plugs: plugs.iter().map(|plug| plug.map(str::to_owned)).collect(),
    }
}

/// The imports of the part with this wiring.
fn imports(wiring: &Wiring<'_>) -> Vec<String> {
    let component = specialize(&part(), wiring, b"catalog").unwrap();
    let imports = World::read(&component).unwrap().imports;
    imports.into_iter().map(|import| import.name).collect()
}

#[test]
fn each_feature_is_an_import_of_its_own() {
    let dispatches = [dispatch(&[Some("tools0"), None, Some("tools2")])];
    let imports = imports(&Wiring {
        dispatches: &dispatches,
        ..Wiring::default()
    });
    assert_eq!(imports, ["test:part/store", "tools0", "tools2"]);
}

#[test]
fn what_is_not_used_is_no_import() {
    let dispatches = [dispatch(&[None])];
    let imports = imports(&Wiring {
        dispatches: &dispatches,
        unused: vec!["test:part/store", "test:part/not-even-there"],
        ..Wiring::default()
    });
    assert!(imports.is_empty(), "{imports:?}");
}

#[test]
fn the_environment_is_kept_where_it_is_wanted() {
    let imports = imports(&Wiring {
        environment: true,
        ..Wiring::default()
    });
    assert!(imports.contains(&"wasi:cli/environment@0.2.0".to_owned()));
}

#[test]
fn a_feature_that_the_part_cannot_call_is_an_error() {
    let missing = |plug| Dispatch {
        interface: "test:part/prompts",
        plugs: vec![plug],
    };
    let specialized = |plug: Option<String>| {
        let wiring = Wiring {
            dispatches: &[missing(plug)],
            ..Wiring::default()
        };
        specialize(&part(), &wiring, b"catalog")
    };
    assert!(specialized(None).is_ok());
    let error = specialized(Some("prompts0".to_owned())).unwrap_err();
    assert!(
        error.to_string().starts_with(
            "the server that this `mcp` carries does not call `test:part/prompts`, which a feature exports"
        ),
        "{error}"
    );
}
