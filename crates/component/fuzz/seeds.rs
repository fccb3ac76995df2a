//! Components to start from.

use std::{fs, path::Path};

use arbitrary::Unstructured;
use wit_component::{
    ComponentEncoder, DecodedWasm, StringEncoding, decode, dummy_module, embed_component_metadata,
};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve, WorldId};

/// What a feature of a WASI 0.2 toolchain imports, with stdin.
const COMMAND: &str = "
    package local:command;
    world command {
        import wasi:cli/environment@0.2.6;
        import wasi:cli/stdin@0.2.6;
        import wasi:keyvalue/store@0.2.0-draft2;
        export run: func(lines: list<string>) -> result<list<string>, string>;
    }
    package wasi:io@0.2.6 {
        interface error { resource error { to-debug-string: func() -> string; } }
        interface streams {
            use error.{error};
            variant stream-error { last-operation-failed(error), closed }
            resource input-stream {
                read: func(len: u64) -> result<list<u8>, stream-error>;
                blocking-read: func(len: u64) -> result<list<u8>, stream-error>;
                skip: func(len: u64) -> result<u64, stream-error>;
            }
        }
    }
    package wasi:cli@0.2.6 {
        interface environment {
            get-environment: func() -> list<tuple<string, string>>;
        }
        interface stdin {
            use wasi:io/streams@0.2.6.{input-stream};
            get-stdin: func() -> input-stream;
        }
    }
    package wasi:keyvalue@0.2.0-draft2 {
        interface store {
            variant error { no-such-store, access-denied, other(string) }
            record keys { keys: list<string>, cursor: option<string> }
            open: func(identifier: string) -> result<bucket, error>;
            resource bucket {
                get: func(key: string) -> result<option<list<u8>>, error>;
                list-keys: func(cursor: option<string>) -> result<keys, error>;
            }
        }
    }
";

/// Components and core modules for the worlds of the contract and for `COMMAND`, then the corpus.
pub fn all() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    let contract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../framework/wit");
    let mut resolve = Resolve::default();
    resolve.push_dir(contract).expect("the contract is WIT");
    inputs.extend(of_worlds(&resolve));
    let mut resolve = Resolve::default();
    let command = resolve.push_str("command.wit", COMMAND);
    command.expect("it is WIT");
    inputs.extend(of_worlds(&resolve));
    let files = fs::read_dir(super::corpus()).expect("the corpus is a folder");
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let bytes = fs::read(&path).unwrap();
        inputs.push(match path.extension().is_some_and(|it| it == "wat") {
            true => wat::parse_bytes(&bytes).unwrap().into_owned(),
            false => bytes,
        });
    }
    inputs
}

/// A core module with its component type, and the component, for each world.
fn of_worlds(resolve: &Resolve) -> Vec<Vec<u8>> {
    let worlds = resolve.worlds.iter();
    let modules = worlds.map(|(world, _)| module(resolve, world).expect("toolchains make it"));
    modules
        .flat_map(|module| [component(&module).expect("toolchains make it"), module])
        .collect()
}

fn module(resolve: &Resolve, world: WorldId) -> anyhow::Result<Vec<u8>> {
    let mangling = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);
    let mut module = dummy_module(resolve, world, mangling);
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8)?;
    Ok(module)
}

fn component(module: &[u8]) -> anyhow::Result<Vec<u8>> {
    ComponentEncoder::default().module(module)?.encode()
}

/// A component with this core module.
pub fn around(module: &[u8]) -> Vec<u8> {
    let mut component = wasm_encoder::Component::new();
    component.section(&wasm_encoder::RawSection {
        id: wasm_encoder::ComponentSectionId::CoreModule as u8,
        data: module,
    });
    component.finish()
}

/// Components for the worlds of generated WIT.
pub fn of_any_wit(entropy: &[u8]) -> Vec<Vec<u8>> {
    let config = wit_smith::Config {
        max_packages: 3,
        max_type_size: 50,
        max_interface_items: 5,
        max_world_items: 5,
        ..wit_smith::Config::default()
    };
    let package = wit_smith::smith(&config, &mut Unstructured::new(entropy));
    let Ok(package) = package else {
        return Vec::new();
    };
    let Ok(DecodedWasm::WitPackage(resolve, _)) = decode(&package) else {
        return Vec::new();
    };
    let worlds = resolve.worlds.iter();
    worlds
        .filter_map(|(world, _)| component(&module(&resolve, world).ok()?).ok())
        .collect()
}
