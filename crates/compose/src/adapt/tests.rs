//! Values of random types pass as Wasmtime has them, and no JSON breaks anything.

mod random;

use serde_json::{Value, json};
use spin_mcp_component::World;
use spin_mcp_values::{Memory, answer, flatten, lower, table::Table};
use wasmtime::{
    Config, Engine, Store, StoreLimits, StoreLimitsBuilder,
    component::{Component, Func, Linker, Val},
};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve, WorldId};

use super::*;
use random::Random;

/// The component of a world, whose functions trap.
fn component(wit: &str) -> Vec<u8> {
    let (resolve, world) = resolved(wit);
    let mangling = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);
    let mut module = dummy_module(&resolve, world, mangling);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let mut encoder = ComponentEncoder::default();
    encoder.module(&module).unwrap().encode().unwrap()
}

fn resolved(wit: &str) -> (Resolve, WorldId) {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("test.wit", wit).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    (resolve, world)
}

fn adapted(wit: &str) -> Result<Adapted> {
    let component = component(wit);
    let adapted = Adapted::new(&component, &World::read(&component).unwrap(), None);
    Ok(adapted?.expect("it needs an adapter"))
}

fn error(wit: &str) -> String {
    format!("{:#}", adapted(wit).unwrap_err())
}

/// What a tool answers: the structured content or the text, and whether it is an error.
fn call(
    func: Func,
    store: &mut Store<Host>,
    name: &str,
    arguments: &Value,
) -> (String, Option<Value>, bool) {
    let arguments = [
        Val::U64(0),
        Val::String(name.to_owned()),
        Val::String(arguments.to_string()),
    ];
    let mut results = [Val::Bool(false)];
    func.call(&mut *store, &arguments, &mut results).unwrap();
    let [Val::Result(Ok(Some(outcome)))] = results else {
        panic!("{results:?}");
    };
    let Val::Option(Some(outcome)) = *outcome else {
        panic!("{outcome:?}");
    };
    let Val::Variant(_, Some(result)) = *outcome else {
        panic!("{outcome:?}");
    };
    let Val::Record(fields) = *result else {
        panic!("{result:?}");
    };
    let field = |name: &str| &fields.iter().find(|(field, _)| field == name).unwrap().1;
    let (Val::List(content), Val::Option(structured)) =
        (field("content"), field("structured-content"))
    else {
        panic!("{fields:?}");
    };
    let Val::Variant(_, Some(text)) = &content[0] else {
        panic!("{content:?}");
    };
    let Val::Record(text) = &**text else {
        panic!("{text:?}");
    };
    let Val::String(text) = &text[0].1 else {
        panic!("{text:?}");
    };
    let structured = structured.as_deref().map(|value| match value {
        Val::String(json) => serde_json::from_str(json).unwrap(),
        other => panic!("{other:?}"),
    });
    (
        text.clone(),
        structured,
        field("is-error") == &Val::Bool(true),
    )
}

/// What the function that is called next must get, and what it returns.
#[derive(Default)]
struct Host {
    expected: Vec<Val>,
    result: Option<Val>,
    calls: usize,
    limits: StoreLimits,
}

fn call_tool(linker: &Linker<Host>, store: &mut Store<Host>, component: &Component) -> Func {
    let instance = linker.instantiate(&mut *store, component).unwrap();
    let tools = instance.get_export_index(&mut *store, None, "spin-mcp:server/tools@0.1.0");
    let index = instance.get_export_index(&mut *store, tools.as_ref(), "call-tool");
    instance.get_func(&mut *store, index.unwrap()).unwrap()
}

/// What a call leaves behind is gone before the next one.
#[test]
fn calls_do_not_fill_the_memory() {
    let engine = Engine::default();
    let wit = "package test:long; world test { export echo: func(text: string) -> string; }";
    let component = Component::new(&engine, &adapted(wit).unwrap().adapter).unwrap();
    let mut linker = Linker::<Host>::new(&engine);
    let mut root = linker.root();
    let echo = root.func_new("echo", |_, _, arguments, results| {
        results[0] = arguments[0].clone();
        Ok(())
    });
    echo.unwrap();
    let limits = StoreLimitsBuilder::new().memory_size(16 << 20).build();
    let host = Host {
        limits,
        ..Host::default()
    };
    let mut store = Store::new(&engine, host);
    store.limiter(|host| &mut host.limits);
    let func = call_tool(&linker, &mut store, &component);
    // More than the arguments of one call can take.
    for round in 0..200 {
        let text = "x".repeat(round * 4_000);
        let (answer, ..) = call(func, &mut store, "echo", &json!({"text": text}));
        assert_eq!(answer, text);
    }
}

/// Wasmtime lifts the arguments that the adapter lowered, and lowers the result that it lifts.
#[test]
fn values_pass_as_wasmtime_has_them() {
    let mut config = Config::new();
    spin_mcp_runner::engine::quickly(&mut config);
    let engine = Engine::new(&config).unwrap();
    let mut calls = 0;
    for seed in 1..=8 {
        let mut random = Random::new(seed);
        let functions: Vec<_> = (0..6).map(|_| random.function()).collect();
        let wit = random.wit(&functions);
        let adapted = adapted(&wit).unwrap_or_else(|error| panic!("{error:#}\n{wit}"));
        assert!(adapted.left_out.is_empty(), "{:?}\n{wit}", adapted.left_out);
        let component = Component::new(&engine, &adapted.adapter).unwrap();
        let mut linker = Linker::<Host>::new(&engine);
        let mut api = linker.instance("test:random/api").unwrap();
        for index in 0..functions.len() {
            api.func_new(&format!("f{index}"), |mut host, _, arguments, results| {
                let host = host.data_mut();
                assert!(
                    random::same(&host.expected, arguments),
                    "{:?} {arguments:?}",
                    host.expected
                );
                results
                    .iter_mut()
                    .zip(host.result.clone())
                    .for_each(|(to, from)| *to = from);
                host.calls += 1;
                Ok(())
            })
            .unwrap();
        }
        let mut store = Store::new(&engine, Host::default());
        let func = call_tool(&linker, &mut store, &component);
        let (resolve, world) = resolved(&wit);
        let all: Vec<_> = resolve.worlds[world]
            .exports
            .iter()
            .flat_map(|(key, item)| super::functions(&resolve, key, item))
            .collect();
        let validator = |schema: &str| {
            let schema: Value = serde_json::from_str(schema).unwrap();
            jsonschema::validator_for(&schema).unwrap()
        };
        let validators = all.iter().map(|tool| {
            let schemas = schema::schemas(&resolve, tool.function).unwrap();
            (
                validator(&schemas.input),
                schemas.output.map(|schema| validator(&schema)),
            )
        });
        let validators: Vec<_> = validators.collect();
        for _ in 0..20 {
            for (index, function) in functions.iter().enumerate() {
                let (input, output) = &validators[index];
                let arguments: Vec<_> = function.params.iter().map(|ty| random.value(ty)).collect();
                let named = function.params.iter().zip(&arguments).enumerate();
                let named = named.filter_map(|(index, (ty, value))| {
                    Some((format!("p{index}"), random::field(ty, value)?))
                });
                let named = Value::Object(named.collect());
                // The schema has numbers alone, so that models write them.
                if !["NaN", "Infinity"]
                    .iter()
                    .any(|word| named.to_string().contains(word))
                {
                    assert!(input.is_valid(&named), "{named}\n{wit}");
                }
                let result = function.result.as_ref().map(|ty| random.value(ty));
                *store.data_mut() = Host {
                    expected: arguments,
                    result: result.clone(),
                    ..Host::default()
                };
                let (text, structured, is_error) =
                    call(func, &mut store, &format!("f{index}"), &named);
                assert_eq!(store.data().calls, 1, "{text}: {named}\n{wit}");
                calls += 1;
                let (expected, failed) = random::answer(&function.result, &result);
                assert_eq!(is_error, failed, "{text}");
                match (failed, &expected) {
                    (false, Some(expected)) => {
                        assert_eq!(structured.as_ref(), Some(expected), "{wit}");
                        assert!(
                            output.as_ref().unwrap().is_valid(expected),
                            "{expected}\n{wit}"
                        );
                    }
                    _ => assert_eq!(structured, None),
                }
            }
        }
    }
    assert_eq!(calls, 8 * 20 * 6);
}

/// A memory that is small, so that tests reach its end.
struct Bytes(Vec<u8>);

impl Memory for Bytes {
    fn allocate(&mut self, size: u32, align: u32) -> Option<u32> {
        let at = self.0.len().next_multiple_of(align as usize);
        let end = at + size as usize;
        if end > 1 << 20 {
            return None;
        }
        self.0.resize(end, 0xAA);
        Some(at as u32)
    }

    fn write(&mut self, at: u32, bytes: &[u8]) {
        self.0[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
    }

    fn read(&self, at: u32, length: u32) -> &[u8] {
        &self.0[at as usize..][..length as usize]
    }
}

/// The table of the functions of a world.
fn table(wit: &str) -> Vec<u8> {
    let (resolve, world) = resolved(wit);
    let exports = resolve.worlds[world].exports.iter();
    let tools = exports.flat_map(|(key, item)| functions(&resolve, key, item));
    let tools = tools.map(|tool| {
        let schemas = schema::schemas(&resolve, tool.function).unwrap();
        (tool, schemas)
    });
    Types::new(&resolve).table(&tools.collect::<Vec<_>>())
}

/// The arguments of the first tool, lowered and lifted again, or what is wrong with them.
fn again(table: Table<'_>, text: &str) -> Result<Value, String> {
    let mut memory = Bytes(vec![0; 8]);
    let tool = table.tools().next().unwrap();
    let at = lower(&mut memory, table, tool.params, text).map_err(|problem| problem.to_string())?;
    if table.is_flat(tool.params) {
        flatten(&memory, table, tool.params, at);
    }
    let answer = answer(&memory, table, Some((tool.params, at)));
    Ok(serde_json::from_str(&answer.structured.unwrap()).unwrap())
}

#[test]
fn no_json_breaks_anything() {
    let (mut accepted, mut refused) = (0, 0);
    for seed in 1..=150 {
        let mut random = Random::new(seed);
        let function = random.function();
        let wit = random.wit(std::slice::from_ref(&function));
        let bytes = table(&wit);
        let table = Table(&bytes);
        for _ in 0..60 {
            let named = function.params.iter().enumerate();
            let named = named.filter_map(|(index, ty)| {
                let value = random.value(ty);
                Some((format!("p{index}"), random::field(ty, &value)?))
            });
            let valid = Value::Object(named.collect());
            assert_eq!(
                again(table, &valid.to_string()).as_ref(),
                Ok(&valid),
                "{wit}"
            );
            let hostile = random.mutated(&valid.to_string());
            match again(table, &hostile) {
                // What was understood means the same again.
                Ok(value) => {
                    accepted += 1;
                    assert_eq!(
                        again(table, &value.to_string()),
                        Ok(value),
                        "{hostile}\n{wit}"
                    );
                }
                Err(problem) => {
                    refused += 1;
                    assert!(
                        problem.starts_with('/')
                            || problem.contains("the arguments")
                            || problem.starts_with("expected"),
                        "{problem}"
                    );
                }
            }
        }
    }
    assert!(accepted > 100 && refused > 1_000, "{accepted} {refused}");
}

#[test]
fn messages_say_where_and_what() {
    let bytes = table(
        "package test:messages;
        interface api {
            enum color { red, green }
            flags access { read, write }
            variant shape { none, circle(f32), square(u8) }
            record person { name: string, age: u8, tags: list<string>, nick: option<string> }
            f: func(person: option<person>, color: option<color>, shape: option<shape>, access: option<access>,
                pair: option<tuple<s8, bool>>, id: option<u64>, letter: option<char>, bytes: option<list<u8>>,
                deep: option<option<u8>>, small: option<f32>, many: option<list<person>>);
        }
        world test { export api; }",
    );
    let table = Table(&bytes);
    for (arguments, message) in [
        (
            r#"{"person":{"name":"x","age":300,"tags":[]}}"#,
            "/person/age: expected an integer from 0 to 255",
        ),
        (
            r#"{"person":{"name":"x","age":1.5,"tags":[]}}"#,
            "/person/age: expected an integer from 0 to 255",
        ),
        (
            r#"{"person":{"name":"x","age":"1","tags":[]}}"#,
            "/person/age: expected an integer from 0 to 255",
        ),
        (
            r#"{"person":{"name":"x","age":1,"tags":["a",2]}}"#,
            "/person/tags/1: expected a string",
        ),
        (
            r#"{"person":{"name":"x","tags":[]}}"#,
            "/person/age: expected an integer from 0 to 255, but it is missing",
        ),
        (
            r#"{"person":{"name":"x","age":1,"tags":[],"a/b~c":1}}"#,
            "/person/a~1b~0c: unknown; expected `name`, `age`, `tags`, `nick`",
        ),
        (
            r#"{"person":{"name":"x","name":"y","age":1,"tags":[]}}"#,
            "/person/name: it occurs twice",
        ),
        (
            r#"{"person":[]}"#,
            "/person: expected an object with `name`, `age`, `tags`, `nick`",
        ),
        (
            r#"{"color":"blue"}"#,
            "/color: expected one of `red`, `green`",
        ),
        (
            r#"{"shape":"circle"}"#,
            r#"/shape: expected an object such as {"circle": …}, with a number of 32 bits in it"#,
        ),
        (
            r#"{"shape":{"circle":"x"}}"#,
            "/shape/circle: expected a number of 32 bits",
        ),
        (
            r#"{"shape":{"none":1}}"#,
            "/shape/none: expected null, since this case has no value",
        ),
        (
            r#"{"shape":{"circle":1,"square":2}}"#,
            "/shape: expected one of the strings `none`, or an object with one of `circle`, `square`",
        ),
        (
            r#"{"access":["run"]}"#,
            "/access/0: expected one of `read`, `write`",
        ),
        (
            r#"{"access":"read"}"#,
            "/access: expected an array of `read`, `write`",
        ),
        (r#"{"pair":[1]}"#, "/pair: expected an array of 2 elements"),
        (
            r#"{"pair":[-129,true]}"#,
            "/pair/0: expected an integer from -128 to 127",
        ),
        (
            r#"{"id":"18446744073709551616"}"#,
            "/id: expected an integer from 0 to 18446744073709551615",
        ),
        (
            r#"{"id":1e300}"#,
            "/id: expected an integer from 0 to 18446744073709551615",
        ),
        (
            r#"{"letter":"ab"}"#,
            "/letter: expected a string of one character",
        ),
        (
            r#"{"bytes":"a!"}"#,
            "/bytes: expected bytes as a string in base64",
        ),
        (
            r#"{"deep":5}"#,
            "/deep: expected null or an object with `some`",
        ),
        (
            r#"{"deep":{"some":300}}"#,
            "/deep/some: expected an integer from 0 to 255",
        ),
        (r#"{"small":1e39}"#, "/small: expected a number of 32 bits"),
        (
            r#"{"small":"infinity"}"#,
            "/small: expected a number of 32 bits",
        ),
        (
            r#"{"many":[{"name":"x","age":1,"tags":[]},{}]}"#,
            "/many/1/name: expected a string, but it is missing",
        ),
        (
            r#"[]"#,
            "expected an object with `person`, `color`, `shape`, `access`, `pair`, `id`, `letter`, `bytes`, `deep`, `small`, `many`",
        ),
        (r#"{"letter":"\ud800"}"#, "the arguments are not valid JSON"),
        ("{", "the arguments are not valid JSON"),
    ] {
        assert_eq!(
            again(table, arguments),
            Err(message.to_owned()),
            "{arguments}"
        );
    }
    let deep = format!("{{\"many\":{}{}}}", "[".repeat(100), "]".repeat(100));
    assert_eq!(
        again(table, &deep),
        Err("the arguments are not valid JSON".to_owned())
    );
    // Three bytes of JSON can be many in memory.
    let large = format!("{{\"many\":[{}1]}}", "1,".repeat(100_000));
    let message = "the arguments take more than 64 MiB in memory; send less at once";
    assert_eq!(again(table, &large), Err(format!("/many: {message}")));
}

/// What is accepted in several forms.
#[test]
fn arguments_may_be_written_in_several_ways() {
    let bytes = table(
        "package test:forms;
        world test {
            variant shape { none, circle(u8) }
            export f: func(id: option<u64>, bytes: option<list<u8>>, number: option<u32>, shape: option<shape>);
        }",
    );
    for (given, meant) in [
        (r#"{"id":"12"}"#, json!({"id": 12})),
        (
            r#"{"id":18446744073709551615}"#,
            json!({"id": "18446744073709551615"}),
        ),
        (r#"{"id":1e3}"#, json!({"id": 1000})),
        (r#"{"bytes":[104,105]}"#, json!({"bytes": "aGk="})),
        (r#"{"bytes":"aGk"}"#, json!({"bytes": "aGk="})),
        (r#"{"number":2.0}"#, json!({"number": 2})),
        (r#"{"number":null}"#, json!({})),
        (r#"{"shape":{"none":null}}"#, json!({"shape": "none"})),
        (
            r#" {"shape":{"\u0063ircle":7}} "#,
            json!({"shape": {"circle": 7}}),
        ),
    ] {
        assert_eq!(again(Table(&bytes), given), Ok(meant), "{given}");
    }
}

#[test]
fn what_is_not_a_tool_is_named_with_the_reason() {
    let left_out = adapted(
        "package test:mixed;
        interface api {
            resource thing { constructor(); get: func() -> u8; }
            take: func(thing: borrow<thing>);
            later: async func();
            bytes: func() -> stream<u8>;
            soon: func() -> future<u8>;
            good: func() -> u8;
        }
        world test { export api; }",
    );
    let expected = [
        "`test:mixed/api#[constructor]thing` is not a tool: it belongs to a resource",
        "`test:mixed/api#[method]thing.get` is not a tool: it belongs to a resource",
        "`test:mixed/api#take` is not a tool: it uses a resource",
        "`test:mixed/api#later` is not a tool: it is asynchronous",
        "`test:mixed/api#bytes` is not a tool: it uses a stream",
        "`test:mixed/api#soon` is not a tool: it uses a future",
    ];
    let mut left_out = left_out.unwrap().left_out;
    let mut expected = expected.map(str::to_owned).to_vec();
    left_out.sort();
    expected.sort();
    assert_eq!(left_out, expected);
    let none = error("package test:none; world test { export later: async func(); }");
    assert_eq!(
        none,
        "none of its functions can be a tool: `later` is not a tool: it is asynchronous"
    );
}

/// What componentize-py adds is not a tool, and not worth a warning.
#[test]
fn what_a_toolchain_adds_is_not_a_tool() {
    let python = adapted(
        "package test:python;
        world test {
            export exports: interface { init: func() -> result<_, string>; }
            export good: func();
        }",
    );
    let offers = python.unwrap().offers();
    assert_eq!(offers["leftOut"], json!([]));
    let tools = offers["tools"].as_array().unwrap().iter();
    assert_eq!(
        tools.map(|tool| &tool["name"]).collect::<Vec<_>>(),
        ["good"]
    );
}

#[test]
fn schemas_have_a_bound() {
    let doubled: String = (1..13)
        .map(|index| format!("type t{index} = tuple<t{0}, t{0}>;", index - 1))
        .collect();
    let wit = format!(
        "package test:large; interface api {{ type t0 = u8; {doubled} f: func(large: list<t12>); }} world test {{ export api; }}"
    );
    let message = error(&wit);
    assert!(
        message.ends_with("its schema would contain more than 2000 types"),
        "{message}"
    );
    let nested: String = (1..40)
        .map(|index| format!("type t{index} = list<t{}>;", index - 1))
        .collect();
    let wit = format!(
        "package test:deep; interface api {{ type t0 = u16; {nested} f: func(deep: t39); }} world test {{ export api; }}"
    );
    adapted(&wit).unwrap();
    let wit = wit.replace(
        "type t0 = u16;",
        &format!("type t0 = {}u16{};", "list<".repeat(30), ">".repeat(30)),
    );
    let message = error(&wit);
    assert!(
        message.ends_with("its schema would nest deeper than 60 levels"),
        "{message}"
    );
}

#[test]
fn documentation_becomes_descriptions() {
    let component = component(
        "package test:documented;
        interface types { record point { x: u8, y: u8 } }
        interface api {
            use types.{point};
            enum color { red, green }
            paint: func(at: point, color: color);
            plain: func();
        }
        world test { export api; export direct: func(); }",
    );
    let docs = json!({
        "worlds": {"test": {"func_exports": {"direct": {"docs": "Goes there."}}}},
        "interfaces": {
            "types": {"types": {"point": {"docs": "Where.", "items": {"x": "To the right."}}}},
            "api": {
                "funcs": {"paint": "Paints a point."},
                "types": {"color": {"items": {"red": "Like blood."}}},
            },
        },
    });
    let mut carried = component.clone();
    let data = [&[0], docs.to_string().as_bytes()].concat();
    let section = wasm_encoder::CustomSection {
        name: "package-docs".into(),
        data: data.into(),
    };
    use wasm_encoder::ComponentSection as _;
    section.append_to_component(&mut carried);
    let (without, found) = docs::take(&carried).unwrap().unwrap();
    assert_eq!((without, &found), (component.clone(), &docs));
    assert!(docs::take(&component).unwrap().is_none());
    let world = World::read(&component).unwrap();
    let adapted = Adapted::new(&component, &world, Some(&found))
        .unwrap()
        .unwrap();
    let adapter = String::from_utf8_lossy(&adapted.adapter).into_owned();
    for text in [
        "Goes there.",
        "Paints a point.",
        r#""description":"Where.""#,
        r#""description":"To the right.""#,
        r#""description":"`red`: Like blood.""#,
        "The function `plain` of `test:documented/api`.",
    ] {
        assert!(adapter.contains(text), "{text}");
    }
}
