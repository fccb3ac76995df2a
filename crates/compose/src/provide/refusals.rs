//! Components that refuse what parts may not use: each function answers at once that it is refused.
//!
//! They are made from the types that parts import, so that any interface in any version can be
//! refused. Parts share a component where they can, since each costs a module and a memory.

use anyhow::{Context as _, Result};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, World, WorldId, WorldItem, WorldKey};

use spin_mcp_component::imports::{self, Shapes};

use crate::part::Loaded;

pub mod answer;
pub mod module;
pub mod release;

/// The components that refuse.
#[derive(Default)]
pub struct Refusers {
    pub components: Vec<Vec<u8>>,
    /// The component of each part; none for a part that is refused nothing.
    pub of: Vec<Option<usize>>,
}

/// What one component refuses.
#[derive(Default)]
struct Refuser {
    resolve: Resolve,
    exports: Vec<String>,
    /// The interfaces of the host whose types the exports use.
    imports: Vec<String>,
}

pub fn refusers(parts: &[Loaded]) -> Result<Refusers> {
    let shown: Vec<_> = parts.iter().map(Loaded::shown).collect();
    let mut shapes = Shapes::default();
    for (part, shown) in parts.iter().zip(&shown) {
        shapes.check(shown, &part.wit)?;
    }
    let (mut refusers, mut of) = (Vec::<Refuser>::new(), Vec::new());
    for (index, loaded) in parts.iter().enumerate() {
        let refusing = &loaded.grants.refusing;
        if refusing.is_empty() {
            of.push(None);
            continue;
        }
        let of_part = || format!("cannot refuse imports of {}", loaded.shown());
        let part = loaded.wit.part(&format!("p{index}"), refusing);
        let part = Refuser::new(part.with_context(of_part)?, refusing);
        let known = refusers.iter().position(|refuser| refuser.fits(&part));
        let refuser = known.unwrap_or(refusers.len());
        match refusers.get_mut(refuser) {
            Some(refuser) => refuser.add(part).with_context(of_part)?,
            None => refusers.push(part),
        }
        of.push(Some(refuser));
    }
    let components = refusers.into_iter().map(Refuser::encode);
    Ok(Refusers {
        components: components.collect::<Result<_>>()?,
        of,
    })
}

impl Refuser {
    fn new(resolve: Resolve, refusing: &[String]) -> Refuser {
        let interfaces = resolve.interfaces.iter();
        let names = interfaces.filter_map(|(id, _)| resolve.id_of(id));
        Refuser {
            imports: names.filter(|name| !refusing.contains(name)).collect(),
            exports: refusing.to_vec(),
            resolve,
        }
    }

    /// Whether one component can serve both: not if one exports an interface that the other imports
    /// from the host.
    fn fits(&self, other: &Refuser) -> bool {
        let apart = |one: &[String], other: &[String]| !one.iter().any(|name| other.contains(name));
        apart(&self.exports, &other.imports) && apart(&self.imports, &other.exports)
    }

    fn add(&mut self, other: Refuser) -> Result<()> {
        self.resolve.merge(other.resolve)?;
        for (names, more) in [
            (&mut self.exports, other.exports),
            (&mut self.imports, other.imports),
        ] {
            names.extend(more);
            names.sort();
            names.dedup();
        }
        Ok(())
    }

    fn encode(mut self) -> Result<Vec<u8>> {
        let world = self.world()?;
        let mut module = module::generate(&self.resolve, world)?;
        embed_component_metadata(&mut module, &self.resolve, world, StringEncoding::UTF8)?;
        // Features import exact versions.
        let mut encoder = ComponentEncoder::default();
        encoder.merge_imports_based_on_semver(false);
        let encoded = encoder.module(&module)?.encode();
        encoded.context("cannot encode the component that refuses")
    }

    /// The world with all exports.
    fn world(&mut self) -> Result<WorldId> {
        const NAME: &str = "refused";
        let interfaces = self.resolve.interfaces.iter();
        let imports = interfaces
            .filter(|(id, _)| {
                let name = self.resolve.id_of(*id);
                name.is_some_and(|name| self.exports.contains(&name))
            })
            .map(|(id, _)| {
                let item = WorldItem::Interface {
                    id,
                    stability: Default::default(),
                    external_id: None,
                    docs: Default::default(),
                    span: Default::default(),
                };
                (WorldKey::Interface(id), item)
            })
            .collect();
        let (_, any) = self.resolve.worlds.iter().next().context("no world")?;
        let package = any.package;
        let world = self.resolve.worlds.alloc(World {
            name: NAME.to_owned(),
            imports,
            exports: Default::default(),
            package,
            docs: Default::default(),
            stability: Default::default(),
            includes: Default::default(),
            span: Default::default(),
        });
        imports::exports(&mut self.resolve, world, NAME, &self.exports)?;
        Ok(world)
    }
}

#[cfg(test)]
mod tests;
