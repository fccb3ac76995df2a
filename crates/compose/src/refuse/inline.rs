//! Answers within the core module of a part, where that is possible: what it imported becomes a
//! function of its own that refuses, or gives its settings. It costs no instance, no memory and
//! no call between components.
//!
//! It takes a component as `wit-component` makes them of one core module, which is encoded again
//! without the imports. Other components, and refusals that take more than a module can do by
//! itself, are left to the components that refuse.

mod code;
mod reply;
mod rewrite;

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail};
use wasmparser::{CanonicalFunction, CanonicalOption, Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Type, abi::AbiVariant};

use super::{answer::dealias, module::traps};
use reply::{Refusals, Reply};
use rewrite::{Fate, rewrite};
use spin_mcp_component::{Imports, World, guard};
use spin_mcp_contract::interface::SETTINGS;

const ASYNC: &str = "[async-lower]";
const DROP: &str = "[resource-drop]";
/// Bytes of settings that are written by code, which takes twice as much.
const MAX_SETTINGS: usize = 16 << 10;
/// Bytes of a component that holds its settings. To compile a larger one again whenever they
/// change takes longer than an instance less saves.
const MAX_COMPONENT: usize = 2 << 20;

/// A part that answers by itself.
pub struct Inlined {
    pub component: Vec<u8>,
    /// The interfaces that it does not import any more.
    pub interfaces: Vec<String>,
}

/// Takes as many of the interfaces that are refused as possible out of the imports of a
/// component, and `settings`, if it imports that; none if it is not made in the way that this
/// can change.
pub fn inline(
    component: &[u8],
    wit: &Imports,
    refusing: &[String],
    settings: &str,
) -> Option<Inlined> {
    let mut interfaces = candidates(wit, refusing);
    let is_small = settings.len() <= MAX_SETTINGS && component.len() <= MAX_COMPONENT;
    if is_small && wit.names().any(|name| name == SETTINGS) && reads_settings(wit) {
        interfaces.push(SETTINGS.to_owned());
    }
    if interfaces.is_empty() {
        return None;
    }
    let component = guard(|| without(component, wit, &interfaces, settings)).ok()?;
    Some(Inlined {
        component,
        interfaces,
    })
}

/// Whether what a component takes for `settings` is that.
fn reads_settings(wit: &Imports) -> bool {
    let resolve = wit.resolve();
    let mut functions = resolve.interfaces[wit.id(SETTINGS)].functions.values();
    functions.all(|function| {
        let text = function.result.as_ref().map(|ty| dealias(resolve, ty));
        function.name == "get" && function.params.is_empty() && text == Some(Type::String)
    })
}

/// The interfaces all of whose functions a module can refuse by itself.
fn candidates(wit: &Imports, refusing: &[String]) -> Vec<String> {
    let refusals = Refusals::new(wit.resolve(), &[]);
    let mut chosen = refusing.to_vec();
    chosen.retain(|name| {
        let id = wit.id(name);
        let mut functions = wit.resolve().interfaces[id].functions.values();
        functions.all(|function| traps(name) || refusals.of(id, function).is_some())
    });
    // An interface stays where one that stays is made of it.
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
    let refusals = Refusals::new(wit.resolve(), interfaces);
    let mut module = rewrite(core, |module, name| match by_track.get(&track(module)) {
        Some(interface) => stand_in(&refusals, wit, interface, name, settings),
        None => Ok(Fate::Stays),
    })?;
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
        bail!("it is not made in the usual way");
    }
    Ok(encoded)
}

/// What stands in for an import of an interface that goes.
fn stand_in(
    refusals: &Refusals<'_>,
    wit: &Imports,
    interface: &str,
    name: &str,
    settings: &str,
) -> Result<Fate> {
    let (plain, variant) = match name.strip_prefix(ASYNC) {
        Some(name) => (name, AbiVariant::GuestImportAsync),
        None => (name, AbiVariant::GuestImport),
    };
    let id = wit.id(interface);
    // Of the resources of the interface, there are none.
    if traps(interface) || name.starts_with(DROP) {
        return Ok(Fate::Traps);
    }
    // Streams are made and read by functions that may be another interface's, too.
    let function = wit.resolve().interfaces[id].functions.get(plain);
    let function = function.with_context(|| format!("`{name}` is not a function"))?;
    let reply = match interface {
        SETTINGS => Some(Reply::text(settings)),
        _ => refusals.of(id, function),
    };
    Ok(Fate::Answers {
        reply: reply.context("the module cannot refuse by itself")?,
        signature: wit.resolve().wasm_signature(variant, function),
        is_async: variant == AbiVariant::GuestImportAsync,
    })
}

/// The one module of a component that is not glue of `wit-component`.
fn only_module(component: &[u8]) -> Result<&[u8]> {
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
            // Adapters have code of their own, and state.
            if let Payload::GlobalSection(_) | Payload::MemorySection(_) = payload? {
                bail!("it has several modules");
            }
        }
    }
    Ok(main)
}

/// An interface and the versions that `wit-component` takes for the same.
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
