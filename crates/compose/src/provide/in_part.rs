//! Answers within the core module of a part, where a constant does: what the module imported
//! becomes a function of its own that refuses, or returns the settings.
//!
//! Without this file, a server of one tool has a core instance and a linear memory more, and behind
//! `filter` two of each; both answer 5 % fewer requests per CPU second (Wasmtime 49, WASI 0.2).
//!
//! A component must be what `wit-component` makes of one core module; it is encoded again without
//! the imports. All other components, and refusals that need more than a constant, are left to
//! `refusals` and `settings`.

mod code;

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail};
use wasmparser::{CanonicalFunction, CanonicalOption, Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{
    Function, Handle, InterfaceId, Resolve, SizeAlign, Type, TypeOwner,
    abi::{AbiVariant, WasmSignature},
};

use super::refusals::{
    answer::{Answer, Answers, dealias, origin, refused},
    module::traps,
    release::holds,
};
use spin_mcp_component::{
    Imports, World, guard,
    rewrite::replace_imports::{Core, Fate, ReplaceImports},
};
use spin_mcp_contract::interface::SETTINGS;

const ASYNC: &str = "[async-lower]";
const DROP: &str = "[resource-drop]";
/// The names that toolchains give the function that allocates results of imports; the first that a
/// module exports counts.
const REALLOC: [&str; 2] = ["cabi_import_realloc", "cabi_realloc"];
/// The most bytes of settings that code writes, which takes twice as many bytes of code.
const MAX_SETTINGS: usize = 16 << 10;
/// The most bytes of a component that holds its settings. Compiling a larger component again
/// whenever its settings change takes longer than the instance that this saves.
const MAX_COMPONENT: usize = 2 << 20;

/// A part that answers some of its imports itself.
pub struct InPart {
    pub component: Vec<u8>,
    /// The interfaces that it does not import any more.
    pub interfaces: Vec<String>,
}

/// What a function answers.
struct Reply {
    /// The result as it lies in memory, without the addresses of its texts.
    bytes: Vec<u8>,
    /// The offsets of these addresses in the result.
    texts: Vec<usize>,
    /// The text at each of these addresses.
    text: String,
}

impl Reply {
    /// The reply of a function that returns a text.
    fn text(text: &str) -> Reply {
        Reply {
            bytes: [0, text.len() as u32].map(u32::to_le_bytes).concat(),
            texts: vec![0],
            text: text.to_owned(),
        }
    }
}

/// How a function refuses; none if a constant does not do: where the answer needs a resource, or
/// the call passes resources or streams on, which the function must then drop.
fn refusal(resolve: &Resolve, interface: InterfaceId, function: &Function) -> Option<Reply> {
    let gives = |handle: &Handle| match handle {
        // There is no resource of an interface that refuses.
        Handle::Own(resource) => {
            let owner = resolve.types[origin(resolve, *resource)].owner;
            owner != TypeOwner::Interface(interface)
        }
        Handle::Borrow(_) => false,
    };
    let mut params = function.params.iter();
    if params.any(|param| holds(resolve, &param.ty, &gives)) {
        return None;
    }
    let text = refused(&resolve.id_of(interface)?);
    let mut sizes = SizeAlign::default();
    sizes.fill(resolve);
    let answers = Answers {
        resolve,
        sizes: &sizes,
        own: &|_| false,
        text: (0, text.len() as u32),
    };
    let Answer { bytes, texts, .. } = match &function.result {
        Some(result) => answers.of(result)?,
        None => Answer::default(),
    };
    Some(Reply { bytes, texts, text })
}

/// Answers as many of the refused interfaces as possible within the part, and `settings`, if it
/// imports that; none if the component cannot be changed in this way.
pub fn answer(
    component: &[u8],
    wit: &Imports,
    refusing: &[String],
    settings: &str,
) -> Option<InPart> {
    let mut interfaces = candidates(wit, refusing);
    let is_small = settings.len() <= MAX_SETTINGS && component.len() <= MAX_COMPONENT;
    if is_small && wit.names().any(|name| name == SETTINGS) && reads_settings(wit) {
        interfaces.push(SETTINGS.to_owned());
    }
    if interfaces.is_empty() {
        return None;
    }
    let component = guard(|| without(component, wit, &interfaces, settings)).ok()?;
    Some(InPart {
        component,
        interfaces,
    })
}

/// Whether the interface that a component imports as `settings` has the type of `settings`.
fn reads_settings(wit: &Imports) -> bool {
    let resolve = wit.resolve();
    let mut functions = resolve.interfaces[wit.id(SETTINGS)].functions.values();
    functions.all(|function| {
        let text = function.result.as_ref().map(|ty| dealias(resolve, ty));
        function.name == "get" && function.params.is_empty() && text == Some(Type::String)
    })
}

/// The interfaces all of whose functions can refuse with a constant.
fn candidates(wit: &Imports, refusing: &[String]) -> Vec<String> {
    let mut chosen = refusing.to_vec();
    chosen.retain(|name| {
        let id = wit.id(name);
        let mut functions = wit.resolve().interfaces[id].functions.values();
        functions.all(|function| traps(name) || refusal(wit.resolve(), id, function).is_some())
    });
    // An interface whose types another import uses stays with that import.
    loop {
        let before = chosen.len();
        let stay = |user: &&str| !chosen.iter().any(|name| name == user);
        let staying: Vec<_> = wit.names().filter(stay).collect();
        chosen.retain(|name| !staying.iter().any(|user| wit.uses(user, name)));
        if chosen.len() == before {
            return chosen;
        }
    }
}

/// The component without these imports.
fn without(
    component: &[u8],
    wit: &Imports,
    interfaces: &[String],
    settings: &str,
) -> Result<Vec<u8>> {
    let core = only_module(component)?;
    let mut resolve = wit.resolve().clone();
    let world = wit.world();
    let by_track: HashMap<_, _> = interfaces.iter().map(|name| (track(name), name)).collect();
    let imported = wit
        .names()
        .filter(|name| by_track.contains_key(&track(name)));
    if imported.count() != by_track.len() {
        bail!("it imports an interface in several versions");
    }
    let core = Core::read(core)?;
    if let Some(name) = core.other_import {
        bail!("it imports `{name}`, which is not a function");
    }
    if core.memories.len() > 1 {
        bail!("it has several memories");
    }
    let bodies = core.imports.iter().map(|import| {
        let interface = by_track.get(&track(import.module));
        interface.map(|interface| Body::of(wit, interface, import.name, settings))
    });
    let bodies: Vec<_> = bodies.map(Option::transpose).collect::<Result<_>>()?;
    let fates = bodies.iter().map(|body| match body {
        Some(_) => Fate::Replace,
        None => Fate::Keep,
    });
    let realloc = REALLOC
        .iter()
        .find_map(|name| core.exports.get(name).copied());
    let module = ReplaceImports::new(&core, fates.collect());
    let module = module.encode(|module, index| match &bodies[index] {
        Some(Body::Answer(reply, signature, is_async)) => {
            let realloc = realloc.map(|realloc| module.function(realloc));
            code::answer(reply, signature, *is_async, realloc)
        }
        _ => Ok(code::trap()),
    });
    let mut module = module?.finish();
    let mut imports = resolve.worlds[world].imports.clone();
    imports.retain(|key, _| !interfaces.contains(&resolve.name_world_key(key)));
    resolve.worlds[world].imports = imports;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    let mut encoder = ComponentEncoder::default();
    encoder.merge_imports_based_on_semver(false);
    let encoded = encoder.module(&module)?.encode()?;
    let (before, after) = (World::read(component)?, World::read(&encoded)?);
    let expected = before.imports.iter().map(|import| &import.name);
    let mut expected: Vec<_> = expected.filter(|name| !interfaces.contains(name)).collect();
    let mut imported: Vec<_> = after.imports.iter().map(|import| &import.name).collect();
    expected.sort();
    imported.sort();
    if before.exports != after.exports || expected != imported {
        bail!("it was not built by a known toolchain");
    }
    Ok(encoded)
}

/// A function in the place of an import.
enum Body {
    Trap,
    /// A reply to a call of this signature, which is asynchronous or not.
    Answer(Reply, WasmSignature, bool),
}

impl Body {
    fn of(wit: &Imports, interface: &str, name: &str, settings: &str) -> Result<Body> {
        let (plain, variant) = match name.strip_prefix(ASYNC) {
            Some(name) => (name, AbiVariant::GuestImportAsync),
            None => (name, AbiVariant::GuestImport),
        };
        // There are no resources of an interface that refuses.
        if traps(interface) || name.starts_with(DROP) {
            return Ok(Body::Trap);
        }
        let (id, resolve) = (wit.id(interface), wit.resolve());
        // A function that makes or reads a stream may serve another interface, too.
        let function = resolve.interfaces[id].functions.get(plain);
        let function = function.with_context(|| format!("`{name}` is not a function"))?;
        let reply = match interface {
            SETTINGS => Some(Reply::text(settings)),
            _ => refusal(resolve, id, function),
        };
        let reply = reply.context("a constant does not refuse it")?;
        let signature = resolve.wasm_signature(variant, function);
        let is_async = variant == AbiVariant::GuestImportAsync;
        Ok(Body::Answer(reply, signature, is_async))
    }
}

/// The one module of a component that `wit-component` did not add.
pub fn only_module(component: &[u8]) -> Result<&[u8]> {
    let (mut depth, mut modules) = (0, Vec::new());
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ModuleSection {
                unchecked_range: range,
                ..
            } => {
                modules.push(&component[range.start as usize..range.end as usize]);
                depth += 1;
            }
            Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentCanonicalSection(section) if depth == 0 => {
                for function in section {
                    if let CanonicalFunction::Lift { options, .. }
                    | CanonicalFunction::Lower { options, .. } = function?
                        && options.iter().any(|option| {
                            matches!(
                                option,
                                CanonicalOption::UTF16 | CanonicalOption::CompactUTF16
                            )
                        })
                    {
                        bail!("its texts are not in UTF-8");
                    }
                }
            }
            _ => {}
        }
    }
    let (main, glue) = modules.split_first().context("it has no module")?;
    for module in glue {
        for payload in Parser::new(0).parse_all(module) {
            // An adapter has code and state of its own.
            if let Payload::GlobalSection(_) | Payload::MemorySection(_) = payload? {
                bail!("it has several modules");
            }
        }
    }
    Ok(main)
}

/// The name that an interface shares with its versions that `wit-component` treats as one.
fn track(interface: &str) -> String {
    match interface.rsplit_once('@') {
        Some((path, version)) if !version.contains('-') => {
            let mut parts = version.splitn(3, '.');
            let compatible = match (parts.next(), parts.next()) {
                (Some("0"), Some(minor)) => format!("0.{minor}"),
                (Some(major), _) => major.to_owned(),
                _ => version.to_owned(),
            };
            format!("{path}@{compatible}")
        }
        _ => interface.to_owned(),
    }
}

#[cfg(test)]
mod tests;
