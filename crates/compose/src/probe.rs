//! Asks the middleware of a server for its lists, so that what it makes of them is known and
//! checked before anybody calls it.

use anyhow::{Context as _, Result};
use spin_mcp_contract::{Composition, Kind, Role, interface::REQUEST, record::Offers};
use spin_mcp_framework as framework;
use spin_mcp_protocol::services::ServerPart;

use crate::{
    catalog, dispatches,
    graph::{self, Chain, Server},
    listing::{self, Lists},
    specialize::{self, Wiring},
};

/// What clients see through the middleware of this server. None: a link answers nobody whom it
/// does not know.
pub fn offers(
    server: &Server<'_>,
    composition: &Composition,
    lists: &[Lists],
) -> Result<Option<Offers>> {
    let kind = server.chain.context("there is no chain")?.kind;
    let hub = hub(server, composition, lists)?;
    // That of a saved sequence is the server's.
    let request = specialize::specialize(
        framework::context(composition.wasi),
        &Wiring::default(),
        &[],
    )?;
    let through = |skipped: usize| {
        let links = graph::encode(&Server {
            hub: Some(&hub),
            chain: Some(Chain {
                kind,
                transport: None,
            }),
            skipped,
            request: server.request.or(Some(&request)),
            ..*server
        })?;
        listing::chain::offers(&links, kind)
    };
    let is_link = |index: &usize| server.parts[*index].role == Role::Middleware;
    let links: Vec<_> = (0..server.parts.len()).filter(is_link).collect();
    let error = match through(links[0]) {
        Err(error) => error,
        offers => return offers,
    };
    // The last link that fails is the one that does so by itself.
    for index in links[1..].iter().copied().rev() {
        through(index).with_context(|| format!("cannot use {}", server.parts[index].shown()))?;
    }
    Err(error).with_context(|| format!("cannot use {}", server.parts[links[0]].shown()))
}

/// A hub that calls no feature.
fn hub(server: &Server<'_>, composition: &Composition, lists: &[Lists]) -> Result<Vec<u8>> {
    let known = server.parts.iter().zip(lists);
    let known = known.filter(|(part, _)| !part.dynamic);
    let catalog = catalog::bake(&composition.server, None, true, known)?;
    let wiring = Wiring {
        dispatches: &dispatches(&[]),
        unused: &[
            &Kind::ALL.map(Kind::handler)[..],
            &[REQUEST, graph::CONTROL],
        ]
        .concat(),
        part: ServerPart::Router,
        ..Wiring::default()
    };
    specialize::specialize(framework::router(composition.wasi), &wiring, &catalog)
}
