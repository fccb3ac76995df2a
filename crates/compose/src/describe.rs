//! Describes a component that is not composed yet.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use spin_mcp_component::{Resolved, World, componentize};
use spin_mcp_contract::{Kind, Need, Part, Record, Role, Wasi, record::Offers, server};

use crate::{catalog, list, part, record};

/// A component that can be composed.
pub struct Description {
    /// The component, made from a core module if the file is one.
    pub component: Vec<u8>,
    pub world: World,
    /// What it offers; none for a middleware, or if that depends on the request.
    pub offers: Option<Offers>,
}

/// Reads the component of a feature, a middleware or a sequence, and the lists of a feature unless
/// they are `dynamic`.
pub fn describe(name: &str, path: &Path, dynamic: bool) -> Result<Description> {
    let shown = path.display().to_string();
    let file = Resolved::File(path.to_owned());
    let bytes = file.read();
    let bytes = bytes.with_context(|| format!("cannot read `{shown}`"))?;
    let component = componentize(bytes, &shown)?;
    let world = World::read(&component).with_context(|| {
        format!("`{shown}` is damaged or not a valid component; build it again")
    })?;
    if Record::read(&component)?.is_some_and(|record| !record.sequence) {
        bail!(
            "`{shown}` is a composed server, not a part of one; `spin registry push` publishes the app that it \
             belongs to"
        );
    }
    let role = server::role(&world);
    let wasi = match world.exports(Kind::Sync.keys()) {
        true => Wasi::P2,
        false => Wasi::P3,
    };
    let described = Part {
        role,
        ..Part::feature(name, path.to_owned())
    };
    let loaded = part::load(&described, wasi)?;
    let offers = match role {
        Role::Feature if !dynamic => {
            let lists = list::list(std::slice::from_ref(&loaded))?.remove(0);
            let state = Need::of(catalog::flags(&loaded, &lists));
            Some(record::feature(&loaded, &lists, state).offers)
        }
        _ => None,
    };
    Ok(Description {
        component: component.into_owned(),
        world,
        offers,
    })
}
