//! Sends a request to the chain, or to this part itself.

use super::{chain, dispatched::Dispatched, own::own};
use crate::{
    call::{access, caller::Caller},
    catalog::Catalog,
    state::services::{ServerPart, Services},
    wire::{failure::Failure, message::Request},
};

/// Answers a request of a caller whose revision is known.
pub fn dispatch<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: Request<'a>,
    client: Caller<'a>,
    services: &mut S,
) -> Result<Dispatched<'a>, Failure> {
    access::check(catalog, &request.method, &request.params, &client, services)?;
    match services.part() {
        ServerPart::Transport => chain::request(catalog, request, client, services),
        _ => own(catalog, request, client, services),
    }
}
