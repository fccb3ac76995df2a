//! The links between the transport and the hub: all synchronous, or all asynchronous.

use anyhow::{Context as _, Result, bail};

use spin_mcp_contract::{Component, Kind, Part, Wasi};

use crate::load::{self, Loaded};
use spin_mcp_framework as framework;

/// Loads the middleware before these features, and says of which kind the chain is. `transport`:
/// that of somebody else, with its name, if there is one.
pub fn load(
    middleware: &[Part],
    features: &[Loaded],
    transport: Option<(Kind, String)>,
    wasi: Wasi,
) -> Result<(Kind, Vec<Loaded>)> {
    let foreign = middleware
        .iter()
        .filter(|link| matches!(link.component, Component::Resolved(_)))
        .map(|link| load::load(link, wasi))
        .collect::<Result<Vec<_>>>()?;
    let kind = kind(features, &foreign, transport)?;
    let mut foreign = foreign.into_iter();
    let links = middleware.iter().map(|link| match link.component {
        Component::Resolved(_) => foreign.next().context("it was loaded"),
        Component::Shipped(name) => shipped(link, name, kind),
    });
    Ok((kind, links.collect::<Result<_>>()?))
}

/// Asynchronous as soon as one of them is.
fn kind(features: &[Loaded], links: &[Loaded], transport: Option<(Kind, String)>) -> Result<Kind> {
    let features = features
        .iter()
        .map(|feature| (feature.kind, feature.shown()));
    let links = links.iter().map(|link| (link.kind, link.shown()));
    let links: Vec<_> = transport.into_iter().chain(links).collect();
    let mut all = links.iter().cloned().chain(features);
    let Some((_, waits)) = all.find(|(kind, _)| *kind == Kind::Async) else {
        return Ok(Kind::Sync);
    };
    if let Some((_, link)) = links.iter().find(|(kind, _)| *kind == Kind::Sync) {
        bail!(
            "{link} is synchronous (`{}`), but {waits} is asynchronous, and so its whole chain has to be; build \
             {link} with `{}`",
            Kind::Sync.handler(),
            Kind::Async.handler()
        );
    }
    Ok(Kind::Async)
}

/// The build of a shipped middleware that fits.
fn shipped(link: &Part, name: &str, kind: Kind) -> Result<Loaded> {
    let wasi = kind.edition();
    let component = framework::middleware(name, wasi)
        .with_context(|| format!("this `mcp` has no middleware `{name}`"))?;
    load::load_bytes(link, component.into(), wasi)
}
