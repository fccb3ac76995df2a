//! Puts features that need nothing of the host but stderr, clocks and random numbers into one component, in
//! which they take turns. `docs/explain/architecture.md` says why.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use spin_mcp_component::{
    World, guard,
    rewrite::fuse::{Member, can_be_fused, fuse},
};
use spin_mcp_contract::Kind;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{InterfaceId, Resolve, Type, TypeDefKind, WorldId, WorldItem, WorldKey};

use crate::{
    part::Loaded,
    provide::in_part::only_module,
    specialize::{clone_interface, interface},
    wire,
};

/// The export that makes it the turn of a feature.
pub const SELECT: &str = "select";
/// The most features, as there is room for so many saved memories.
const MAX: usize = 1000;

/// A component of several features.
pub struct Fused {
    pub component: Vec<u8>,
    /// The slots of its features. What a feature exports has the name of the server's import.
    pub slots: Vec<usize>,
}

impl Fused {
    /// None if no two features can be one component.
    pub fn new(features: &[Loaded]) -> Option<Fused> {
        guard(|| Fused::of(features)).ok().flatten()
    }

    fn of(features: &[Loaded]) -> Result<Option<Fused>> {
        let mut resolve = Resolve::default();
        let contract = resolve.push_str("server.wit", spin_mcp_contract::WIT)?;
        let contract = resolve.packages[contract].interfaces.values();
        let contract = contract.filter_map(|id| Some((resolve.id_of(*id)?, *id)));
        let contract: BTreeMap<_, _> = contract.collect();
        let package = resolve.push_str("fuse.wit", include_str!("fuse.wit"))?;
        let world = resolve.select_world(&[package], None)?;
        let (mut slots, mut members, mut exports) = (Vec::new(), Vec::new(), Vec::new());
        for (slot, feature) in features.iter().enumerate() {
            let fits = is_on_its_own(feature) && speaks(feature, &resolve, &contract);
            let module = only_module(&feature.component).ok().filter(|_| fits);
            let Some(module) = module.filter(|it| can_be_fused(it).unwrap_or_default()) else {
                continue;
            };
            let interfaces = feature.interfaces.iter();
            let interfaces = interfaces.map(|it| (it.name(Kind::Sync), it.plug(Kind::Sync, slot)));
            let interfaces: Vec<_> = interfaces.collect();
            exports.extend(interfaces.clone());
            slots.push(slot);
            members.push((module, interfaces));
        }
        if !(2..=MAX).contains(&members.len()) {
            return Ok(None);
        }
        for (name, plug) in &exports {
            let id = clone_interface(&mut resolve, contract[*name]);
            let (key, item) = (WorldKey::Name(plug.clone()), interface(id));
            resolve.worlds[world].exports.insert(key, item);
        }
        let component = component(&members, &resolve, world)?;
        let exported = World::read(&component)?;
        ensure!(exports.iter().all(|(_, plug)| exported.exports(plug)));
        let component = wire::fused(&component)?;
        Ok(Some(Fused { component, slots }))
    }
}

/// Whether a feature asks nothing of other components.
fn is_on_its_own(feature: &Loaded) -> bool {
    feature.kind == Kind::Sync
        // Its list is asked with those of others, in turn.
        && !feature.dynamic
        && feature.settings.is_none()
        && feature.grants.refusing.is_empty()
        && feature.context().next().is_none()
}

/// Whether what a feature exports is what the contract says.
fn speaks(feature: &Loaded, resolve: &Resolve, contract: &BTreeMap<String, InterfaceId>) -> bool {
    let own = feature.wit.resolve();
    let exports = &own.worlds[feature.wit.world()].exports;
    feature.interfaces.iter().all(|interface| {
        let name = interface.name(Kind::Sync);
        let exported = exports.iter().find_map(|(key, item)| match item {
            WorldItem::Interface { id, .. } if own.name_world_key(key) == name => Some(*id),
            _ => None,
        });
        exported.is_some_and(|id| functions(own, id) == functions(resolve, contract[name]))
    })
}

/// The functions of an interface, with their types spelled out.
fn functions(resolve: &Resolve, interface: InterfaceId) -> BTreeMap<&str, Vec<String>> {
    let functions = resolve.interfaces[interface].functions.iter();
    let functions = functions.map(|(name, function)| {
        let params = function.params.iter().map(|param| param.ty);
        let types = params.chain(function.result);
        (name.as_str(), types.map(|ty| shape(resolve, ty)).collect())
    });
    functions.collect()
}

fn shape(resolve: &Resolve, ty: Type) -> String {
    let Type::Id(id) = ty else {
        return format!("{ty:?}");
    };
    let of = |ty: &Option<Type>| ty.map_or("-".to_owned(), |ty| shape(resolve, ty));
    let kind = &resolve.types[id].kind;
    let inner: Vec<_> = match kind {
        TypeDefKind::Type(ty) => return shape(resolve, *ty),
        TypeDefKind::Record(record) => {
            let fields = record.fields.iter();
            let fields = fields.map(|field| format!("{} {}", field.name, of(&Some(field.ty))));
            fields.collect()
        }
        TypeDefKind::Variant(variant) => {
            let cases = variant.cases.iter();
            cases
                .map(|case| format!("{} {}", case.name, of(&case.ty)))
                .collect()
        }
        TypeDefKind::Enum(cases) => cases.cases.iter().map(|case| case.name.clone()).collect(),
        TypeDefKind::Flags(flags) => flags.flags.iter().map(|flag| flag.name.clone()).collect(),
        TypeDefKind::Tuple(tuple) => tuple.types.iter().map(|ty| shape(resolve, *ty)).collect(),
        TypeDefKind::Result(result) => vec![of(&result.ok), of(&result.err)],
        TypeDefKind::Option(ty) | TypeDefKind::List(ty) => vec![shape(resolve, *ty)],
        // No function of the contract has another type.
        other => vec![format!("{other:?} {id:?}")],
    };
    format!("{}({})", kind.as_str(), inner.join(","))
}

/// The name of an interface that a module exports, and its new one.
type Renamed<'a> = (&'a str, String);

/// The component of these modules, whose exports get new names: interface by interface.
fn component(
    members: &[(&[u8], Vec<Renamed<'_>>)],
    resolve: &Resolve,
    world: WorldId,
) -> Result<Vec<u8>> {
    let rename = members.iter().map(|(_, interfaces)| {
        |export: &str| {
            let (post, name) = match export.strip_prefix("cabi_post_") {
                Some(name) => ("cabi_post_", name),
                None => ("", export),
            };
            let (interface, function) = name.split_once('#')?;
            let mut plugs = interfaces.iter();
            let (_, plug) = plugs.find(|(name, _)| *name == interface)?;
            Some(format!("{post}{plug}#{function}"))
        }
    });
    let rename: Vec<_> = rename.collect();
    let members = members
        .iter()
        .zip(&rename)
        .map(|((module, _), rename)| Member { module, rename });
    let mut module = fuse(&members.collect::<Vec<_>>())?;
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8)?;
    let mut encoder = ComponentEncoder::default();
    encoder.module(&module)?.encode()
}

#[cfg(test)]
mod tests;
