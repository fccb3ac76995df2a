//! Composes feature components into one MCP server.

mod catalog;
mod check;
mod describe;
mod list;
mod load;
mod offers;
mod overrides;
mod part;
mod plan;
mod policy;
mod provide;
mod record;
mod specialize;
mod warnings;
mod wire;

use anyhow::{Result, ensure};
use spin_mcp_contract::{Composition, Record};

pub use describe::{Description, describe};
use list::Lists;
use load::Parts;
use plan::Plan;
pub use policy::policy;
use provide::Provided;
use specialize::Specialized;
use wire::Components;

/// A composed server.
#[derive(Debug)]
pub struct Composed {
    pub component: Vec<u8>,
    /// What the component records about itself.
    pub record: Record,
    /// What known clients refuse or cut, and how to mend it.
    pub warnings: Vec<String>,
}

/// Composes a server. The same input gives the same bytes.
pub fn compose(composition: &Composition) -> Result<Composed> {
    ensure!(
        !composition.features.is_empty() || composition.sequence,
        "a server needs at least one feature; name its component"
    );
    ensure!(
        !composition.sequence || composition.overrides.is_empty(),
        "a sequence has no transport, router or context of its own; override them where the server is composed"
    );
    let parts = Parts::load(composition)?;
    let provided = Provided::new(&parts.all)?;
    check::host_types(&parts.all)?;
    let mut lists = list::list(parts.features())?;
    lists.resize_with(parts.all.len(), Lists::default);
    let plan = Plan::new(composition, &parts, &lists);
    let listed = parts.all.iter().zip(&lists);
    let store = plan.store.as_deref();
    let catalog = catalog::bake(&composition.server, store, plan.shares_context(), listed)?;
    let framework = Specialized::new(composition.wasi, &plan, &parts.overrides, &catalog)?;
    let components = Components::new(&plan, &framework, &parts.all, &provided);
    let offers = match parts.middleware() {
        [] => None,
        _ => offers::through_middleware(&components, composition, &lists)?,
    };
    let mut component = wire::encode(&components)?;
    let record = record::server(composition, &parts, &lists, plan, offers);
    record.append_to(&mut component)?;
    check::memories(&component, composition.runtime)?;
    let warnings = warnings::warnings(&composition.server, &record);
    Ok(Composed {
        component,
        record,
        warnings,
    })
}
