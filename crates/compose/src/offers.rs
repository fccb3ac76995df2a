//! Reads the lists of a server through its middleware, so that they are known and checked before a
//! client asks for them.

use anyhow::{Context as _, Result};

use spin_mcp_contract::{Composition, Role, record::Offers};
use spin_mcp_framework as framework;
use spin_mcp_protocol::services::ServerPart;

use crate::{
    catalog,
    list::{self, Lists},
    plan::{dispatches, of_sequences},
    specialize::{Wiring, specialize},
    wire::{self, CONTROL, Chain, Components},
};

/// What clients see through the middleware of this server; none if a middleware does not answer
/// clients that it does not know.
pub fn through_middleware(
    server: &Components<'_>,
    composition: &Composition,
    lists: &[Lists],
) -> Result<Option<Offers>> {
    let kind = server.chain.context("there is no chain")?.kind;
    let router = router(server, composition, lists)?;
    let context = specialize(
        framework::context(composition.wasi),
        &Wiring::default(),
        &[],
    )?;
    let through = |skipped: usize| {
        let middleware = wire::encode(&Components {
            router: Some(&router),
            chain: Some(Chain {
                kind,
                transport: None,
            }),
            skipped,
            context: Some(&context),
            ..*server
        })?;
        list::middleware::offers(&middleware, kind)
    };
    let is_middleware = |index: &usize| server.parts[*index].role == Role::Middleware;
    let middleware: Vec<_> = (0..server.parts.len()).filter(is_middleware).collect();
    let error = match through(middleware[0]) {
        Err(error) => error,
        offers => return offers,
    };
    // The last middleware that fails does not fail because of another.
    for index in middleware[1..].iter().copied().rev() {
        through(index).with_context(|| format!("cannot use {}", server.parts[index].shown()))?;
    }
    Err(error).with_context(|| format!("cannot use {}", server.parts[middleware[0]].shown()))
}

/// A router that calls no feature.
fn router(server: &Components<'_>, composition: &Composition, lists: &[Lists]) -> Result<Vec<u8>> {
    let known = server.parts.iter().zip(lists);
    let known = known.filter(|(part, _)| !part.dynamic);
    let catalog = catalog::bake(&composition.server, None, true, None, None, known)?;
    let wiring = Wiring {
        dispatches: &dispatches(&[]),
        unused: [vec![CONTROL], of_sequences()].concat(),
        part: ServerPart::Router,
        ..Wiring::default()
    };
    specialize(framework::router(composition.wasi), &wiring, &catalog)
}
