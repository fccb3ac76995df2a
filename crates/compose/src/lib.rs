//! Composes feature components into one MCP server.

mod access;
mod adapt;
mod apps;
mod catalog;
mod check;
mod describe;
mod fuse;
mod list;
mod load;
mod offers;
mod openapi;
mod overrides;
mod part;
mod plan;
mod policy;
mod provide;
mod record;
mod specialize;
mod warnings;
mod wire;

use anyhow::{Result, bail, ensure};
use spin_mcp_component::rewrite::merge_stubs;
use spin_mcp_contract::{Auth, ComponentSource, Composition, Record, Runtime, Wasi};

pub use adapt::tools;
pub use describe::{Description, describe};
pub use list::Listed;
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

/// Composes an authenticator that has its settings inside, for other servers.
pub fn authenticator(mut auth: Auth, wasi: Wasi, runtime: Runtime) -> Result<Vec<u8>> {
    let ComponentSource::Shipped(_) = auth.authenticator.component else {
        let component = &auth.authenticator.component;
        bail!("`{component}` is an authenticator already; publish it with `spin mcp push`");
    };
    let store = (runtime == Runtime::Spin).then(|| auth.store.clone());
    access::authenticator(&mut auth, store, wasi)?;
    let shipped = access::shipped(&auth, wasi).into();
    let part = part::load_shared(&auth.authenticator, shipped, wasi)?;
    let parts = std::slice::from_ref(&part);
    wire::encode_asked(&part, &Provided::new(parts)?)
}

/// Composes a server. The same input gives the same bytes.
pub fn compose(composition: &Composition) -> Result<Composed> {
    compose_again(composition, &mut Listed::default())
}

/// Composes a server, and runs only the features that `listed` does not have yet.
pub fn compose_again(composition: &Composition, listed: &mut Listed) -> Result<Composed> {
    ensure!(
        !composition.features.is_empty() || composition.sequence,
        "a server needs at least one feature; name its component"
    );
    ensure!(
        !composition.sequence || composition.overrides.is_empty(),
        "a sequence has no transport, router or context of its own; override them where the server is composed"
    );
    let composition = &*access::complete(composition)?;
    let parts = Parts::load(composition)?;
    access::check_keys(composition, &parts)?;
    let provided = Provided::new(&parts.all)?;
    check::host_types(&parts.all)?;
    let mut lists = list::list(parts.features(), listed)?;
    lists.resize_with(parts.all.len(), Lists::default);
    let plan = Plan::new(composition, &parts, &lists);
    let offers = match parts.middleware() {
        [] => None,
        _ => {
            // The lists need none of the server but its middleware.
            let none = Specialized::default();
            let server = Components::new(&plan, &none, &parts.all, &provided);
            offers::through_middleware(&server, composition, &lists)?
        }
    };
    let access = access::access(composition, &parts, &lists, offers.as_ref())?;
    let listed = parts.all.iter().zip(&lists);
    let (store, shared) = (plan.store.as_deref(), plan.shares_context());
    let bake = |seen| {
        let (access, listed) = (access.clone(), listed.clone());
        catalog::bake(&composition.server, store, shared, access, seen, listed)
    };
    let catalog = bake(None)?;
    let transport = match parts.middleware() {
        [] => catalog.clone(),
        // Of tools that are not known, the transport knows nothing.
        _ => bake(Some(
            offers.as_ref().map_or(&[][..], |offers| &offers.tools),
        ))?,
    };
    let framework = Specialized::new(
        composition.wasi,
        &plan,
        &parts.overrides,
        (&transport, &catalog),
    )?;
    let components = Components {
        fused: parts.fused.as_ref(),
        ..Components::new(&plan, &framework, &parts.all, &provided)
    };
    let mut component = merge_stubs(&wire::encode(&components)?)?;
    let record = record::server(composition, &parts, &lists, plan, offers);
    record.append_to(&mut component)?;
    check::memories(&component, composition.runtime)?;
    let mut warnings = access::warnings(composition, &parts, &lists);
    warnings.extend(parts.warnings);
    warnings.extend(warnings::warnings(&composition.server, &record));
    Ok(Composed {
        component,
        record,
        warnings,
    })
}
