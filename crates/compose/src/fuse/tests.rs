//! What features do does not change when they are one component.

use spin_mcp_component::Resolved;
use spin_mcp_contract::{ComponentSource, Part, Role, Wasi};
use spin_mcp_runner::guest::{Guest, sealed_store, server_linker};
use wasmtime::{
    Config, Engine, Store,
    component::{Component, Instance, Val},
};

use super::*;
use crate::part;

const TOOLS: &str = "spin-mcp:server/tools@0.1.0";

/// A feature of `feature.wat`.
fn feature(number: usize, pages: u32) -> Loaded {
    let letter = [b'A' + number as u8];
    let text = include_str!("feature.wat")
        .replace("LETTER", str::from_utf8(&letter).unwrap())
        .replace("CODE", &number.to_string())
        .replace("PAGES", &pages.to_string());
    load(&text, "")
}

/// The feature of a core module, whose world has more imports.
fn load(text: &str, imports: &str) -> Loaded {
    let mut resolve = Resolve::default();
    resolve
        .push_str("server.wit", spin_mcp_contract::WIT)
        .unwrap();
    let wasi = include_str!("../fuse.wit")
        .split_once("package wasi:io")
        .unwrap()
        .1;
    let wit = format!(
        "package test:feature;
         world feature {{
             import wasi:cli/stderr@0.2.3;
             import wasi:random/insecure-seed@0.2.3;
             import wasi:random/random@0.2.3;
             {imports}
             export spin-mcp:server/tools@0.1.0;
         }}
         package wasi:io{}",
        wasi.replace("@0.2.0", "@0.2.3")
    );
    let package = resolve.push_str("feature.wit", &wit).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    let mut module = wat::parse_str(text).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let part = Part {
        role: Role::Feature,
        name: "test".to_owned(),
        component: ComponentSource::Resolved(Resolved::File("test.wasm".into())),
        prefix: None,
        allow: vec![],
        dynamic: false,
        settings: None,
    };
    part::load_bytes(&part, module.into(), Wasi::P2).unwrap()
}

/// A component that runs.
struct Running {
    store: Store<Guest>,
    instance: Instance,
}

impl Running {
    fn new(component: &[u8]) -> Running {
        let mut config = Config::new();
        config.wasm_component_model_async(true);
        let engine = Engine::new(&config).unwrap();
        let component = Component::new(&engine, component).unwrap();
        let mut store = sealed_store(&engine, "test");
        let linker = server_linker(&engine).unwrap();
        let instance = linker.instantiate_async(&mut store, &component);
        let instance = block_on(instance).unwrap();
        Running { store, instance }
    }

    fn call(
        &mut self,
        interface: Option<&str>,
        function: &str,
        args: &[Val],
    ) -> Result<Vec<Val>, String> {
        let interface = interface.map(|interface| {
            let index = self
                .instance
                .get_export_index(&mut self.store, None, interface);
            index.unwrap()
        });
        let index = self
            .instance
            .get_export_index(&mut self.store, interface.as_ref(), function);
        let function = self
            .instance
            .get_func(&mut self.store, index.unwrap())
            .unwrap();
        let mut results = vec![Val::Bool(false); function.ty(&self.store).results().len()];
        let called = function.call_async(&mut self.store, args, &mut results);
        block_on(called)
            .map(|()| results)
            .map_err(|error| format!("{error:?}"))
    }

    /// Calls a tool of the feature in a slot.
    fn tool(&mut self, slot: usize, tool: &str) -> Result<Vec<Val>, String> {
        self.call(None, SELECT, &[Val::U32(slot as u32)])?;
        self.call_tool(&format!("tools{slot}"), tool)
    }

    fn call_tool(&mut self, interface: &str, tool: &str) -> Result<Vec<Val>, String> {
        let (name, argument) = tool.split_at(1);
        let text = |text: &str| Val::String(text.to_owned());
        self.call(
            Some(interface),
            "call-tool",
            &[Val::U64(1), text(name), text(argument)],
        )
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(work)
}

/// Calls tools in one instance of all features, and in one of each feature, until one traps. Returns
/// whether none did.
fn assert_same(features: &[Loaded], calls: &[(usize, String)]) -> bool {
    let fused = Fused::of(features).unwrap().unwrap();
    let mut together = Running::new(&fused.component);
    let features = features
        .iter()
        .map(|feature| Running::new(&feature.component));
    let mut apart: Vec<_> = features.collect();
    for (number, (slot, tool)) in calls.iter().enumerate() {
        let expected = apart[*slot].call_tool(TOOLS, tool).ok();
        let found = together.tool(*slot, tool).ok();
        assert_eq!(
            format!("{found:?}"),
            format!("{expected:?}"),
            "{number}: {slot} {tool}"
        );
        if expected.is_none() {
            return false;
        }
    }
    true
}

#[test]
fn calls_give_what_they_give_apart() {
    let features = [0, 1, 2].map(|number| feature(number, 2));
    let tools = [
        "e?", "c0", "v0", "g0", "g1", "g3", "s0", "w0", "r0", "b0", "b3", "b7", "p2", "i1", "l0",
        "n0", "k1", "k9",
    ];
    // A generator of Lehmer.
    let mut random = 20_260_728_u64;
    let mut next = |below: usize| {
        random = random * 48_271 % 2_147_483_647;
        random as usize % below
    };
    let calls = (0..400).map(|_| {
        let (slot, tool) = (next(3), next(tools.len()));
        let tool = match tools[tool] {
            "e?" => format!("e{}", "text ".repeat(next(2000))),
            tool => tool.to_owned(),
        };
        (slot, tool)
    });
    assert!(assert_same(&features, &calls.collect::<Vec<_>>()));
}

#[test]
fn traps_stay_traps() {
    let features = [0, 1].map(|number| feature(number, 2));
    // `unreachable`, an address behind the memory, an endless recursion, an empty element, one of
    // another type, two that belong to nobody or to the other feature, and handles of nobody.
    for tool in ["t0", "o0", "d0", "i0", "i2", "i3", "i4", "p8", "h0", "h2"] {
        let calls = [(1, "c0"), (0, "c0"), (1, "e"), (0, tool)];
        let calls = calls.map(|(slot, tool)| (slot, tool.to_owned()));
        let mut apart = Running::new(&features[0].component);
        assert!(apart.call_tool(TOOLS, tool).is_err(), "{tool}");
        assert!(!assert_same(&features, &calls));
    }
}

#[test]
fn a_memory_ends_with_that_of_the_largest_feature() {
    let features = [feature(0, 1), feature(1, 3)];
    let fused = Fused::of(&features).unwrap().unwrap();
    let mut running = Running::new(&fused.component);
    let size = |running: &mut Running, slot| format!("{:?}", running.tool(slot, "s0").unwrap());
    assert_eq!(size(&mut running, 0), size(&mut running, 1));
    assert!(size(&mut running, 0).contains("S32(3)"));
    assert!(running.tool(0, "o0").is_err());
}

#[test]
fn a_backtrace_names_functions_of_the_feature() {
    let features = [0, 1].map(|number| feature(number, 2));
    let fused = Fused::of(&features).unwrap().unwrap();
    let error = Running::new(&fused.component).tool(1, "d0").unwrap_err();
    assert!(error.contains("!deep"), "{error}");
}

#[test]
fn features_that_share_something_stay_apart() {
    let text = include_str!("feature.wat")
        .replace("LETTER", "A")
        .replace("CODE", "1")
        .replace("PAGES", "2");
    let fits = |feature: Loaded| {
        let features = [feature, self::feature(1, 2)];
        Fused::of(&features).unwrap().is_some()
    };
    assert!(fits(load(&text, "")));
    let table = text.replace("(table 3 funcref)", r#"(table (export "t") 3 funcref)"#);
    let starts = text.replace("(func $one", "(start $begin) (func $begin) (func $one");
    let grows = text.replace(
        "unreachable))",
        "(drop (table.grow (ref.null func) (i32.const 1))) unreachable))",
    );
    let pages = text.replace("(export \"memory\") 2", "(export \"memory\") 33");
    for other in [table, grows, pages] {
        assert_ne!(other, text);
        assert!(!fits(load(&other, "")));
    }
    assert_ne!(starts, text);
    let asks = text.replace(
        "(memory (export",
        r#"(import "spin-mcp:server/request@0.1.0" "is-cancelled" (func (param i64) (result i32)))
           (memory (export"#,
    );
    assert!(!fits(load(&asks, "import spin-mcp:server/request@0.1.0;")));
    assert!(!fits(Loaded {
        settings: Some("{}".to_owned()),
        ..load(&text, "")
    }));
    assert!(!fits(Loaded {
        dynamic: true,
        ..load(&text, "")
    }));
    assert!(!fits(load(&starts, "")));
    assert!(Fused::of(&[feature(0, 2)]).unwrap().is_none());
}
