//! What the author of a component wrote about its functions and types, if the component carries it:
//! `wit-docs-inject` and the like add the section `package-docs` of the WIT package.
//!
//! `wit-component` puts that section into WIT packages alone. In a component it takes the names of the
//! package for those of the component, does not find them, and fails.

use std::ops::Range;

use anyhow::Result;
use serde_json::{Map, Value};
use wasmparser::{Parser, Payload};
use wit_parser::{Docs, Function, Resolve, TypeDefKind, TypeId, WorldId, WorldItem};

const SECTION: &str = "package-docs";

/// A component without its documentation, and this; none if it carries none.
pub fn take(component: &[u8]) -> Result<Option<(Vec<u8>, Value)>> {
    let (mut depth, mut start) = (0, 0);
    let mut found: Option<(Range<usize>, Value)> = None;
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload?;
        match &payload {
            Payload::CustomSection(section) if depth == 0 && section.name() == SECTION => {
                // A byte says which version this is. Later ones add what is not read here.
                let json = section.data().get(1..).unwrap_or_default();
                let docs = serde_json::from_slice(json).unwrap_or_default();
                found = Some((start..section.range().end as usize, docs));
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            _ => {}
        }
        start = end(&payload, start);
    }
    Ok(found.map(|(section, docs)| {
        let rest = [&component[..section.start], &component[section.end..]];
        (rest.concat(), docs)
    }))
}

/// Where what was read ends.
fn end(payload: &Payload<'_>, before: usize) -> usize {
    match payload {
        Payload::Version { range, .. } => range.end as usize,
        payload => match payload.as_section() {
            Some((_, range)) => range.end as usize,
            None => before,
        },
    }
}

/// Adds the documentation to functions and types of the same names.
pub fn add(resolve: &mut Resolve, world: WorldId, docs: &Value) {
    let objects = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let worlds: Vec<Map<String, Value>> = objects(&docs["worlds"]).values().map(objects).collect();
    // What is in a world, whether it was written down as imported, exported or both.
    let in_world = |kinds: &[&str], name: &str| {
        let mut all = worlds.iter().flat_map(|world| {
            let of = |kind: &&str| world.get(*kind).and_then(|kind| kind.get(name).cloned());
            kinds.iter().filter_map(of)
        });
        all.next().unwrap_or_default()
    };
    for (_, item) in &mut resolve.worlds[world].exports {
        if let WorldItem::Function(function) = item {
            let docs = in_world(&["func_exports", "funcs"], &function.name);
            document(function, &docs);
        }
    }
    for (name, id) in types_of(resolve, world) {
        document_type(resolve, id, &in_world(&["types"], &name));
    }
    let interfaces = resolve.worlds[world].exports.iter();
    let inline = interfaces.filter_map(|(key, item)| match item {
        WorldItem::Interface { id, .. } => Some((*id, resolve.name_world_key(key))),
        _ => None,
    });
    let inline: Vec<_> = inline.collect();
    let ids: Vec<_> = resolve.interfaces.iter().map(|(id, _)| id).collect();
    for id in ids {
        let docs = match &resolve.interfaces[id].name {
            Some(name) => docs["interfaces"][name].clone(),
            None => match inline.iter().find(|(inline, _)| *inline == id) {
                Some((_, name)) => in_world(&["interface_exports", "interfaces"], name),
                None => continue,
            },
        };
        for (name, function) in &mut resolve.interfaces[id].functions {
            document(function, &docs["funcs"][name]);
        }
        for (name, ty) in resolve.interfaces[id].types.clone() {
            document_type(resolve, ty, &docs["types"][&name]);
        }
    }
}

fn types_of(resolve: &Resolve, world: WorldId) -> Vec<(String, TypeId)> {
    let imports = resolve.worlds[world].imports.iter();
    let types = imports.filter_map(|(key, item)| match item {
        WorldItem::Type { id, .. } => Some((resolve.name_world_key(key), *id)),
        _ => None,
    });
    types.collect()
}

fn text(docs: &Value) -> Option<String> {
    docs.as_str().map(str::to_owned)
}

fn document(function: &mut Function, docs: &Value) {
    // The first version of the format has the text alone.
    function.docs.contents = text(docs).or_else(|| text(&docs["docs"]));
}

fn document_type(resolve: &mut Resolve, id: TypeId, docs: &Value) {
    let ty = &mut resolve.types[id];
    ty.docs.contents = text(&docs["docs"]);
    let item = |name: &str, of: &mut Docs| of.contents = text(&docs["items"][name]);
    match &mut ty.kind {
        TypeDefKind::Record(record) => {
            let fields = record.fields.iter_mut();
            fields.for_each(|field| item(&field.name, &mut field.docs));
        }
        TypeDefKind::Variant(variant) => {
            let cases = variant.cases.iter_mut();
            cases.for_each(|case| item(&case.name, &mut case.docs));
        }
        TypeDefKind::Enum(all) => {
            let cases = all.cases.iter_mut();
            cases.for_each(|case| item(&case.name, &mut case.docs));
        }
        TypeDefKind::Flags(flags) => {
            let flags = flags.flags.iter_mut();
            flags.for_each(|flag| item(&flag.name, &mut flag.docs));
        }
        _ => {}
    }
}
