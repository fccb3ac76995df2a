//! Sends a request to the chain, or to this part itself.

use super::{chain, dispatched::Dispatched, own::own};
use crate::{
    call::{access, caller::Caller, target},
    catalog::Catalog,
    state::services::{ServerPart, Services},
    wire::{
        failure::{Failure, INVALID_PARAMS},
        message::Request,
    },
};

/// Answers a request of a caller whose revision is known.
pub fn dispatch<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: Request<'a>,
    client: Caller<'a>,
    services: &mut S,
) -> Result<Dispatched<'a>, Failure> {
    if let Err(failure) =
        access::check(catalog, &request.method, &request.params, &client, services)
    {
        if S::AUTH && failure.unknown {
            malformed(catalog, request, client, services)?;
        }
        return Err(failure);
    }
    match services.part() {
        ServerPart::Transport => chain::request(catalog, request, client, services),
        _ => own(catalog, request, client, services),
    }
}

/// Fails as a request for an item that does not exist, if anything else is wrong with it.
fn malformed<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: Request<'a>,
    client: Caller<'a>,
    services: &mut S,
) -> Result<(), Failure> {
    let malformed = target::check(catalog, &request, client.version);
    if services.part() != ServerPart::Transport {
        malformed?;
        return chain::request(catalog, request, client, services).map(drop);
    }
    chain::request(catalog, request, client, services)?;
    // The router finds this, whose errors have no status.
    malformed.map_err(|failure| match failure.code {
        INVALID_PARAMS => Failure {
            status: 200,
            ..failure
        },
        _ => failure,
    })
}
