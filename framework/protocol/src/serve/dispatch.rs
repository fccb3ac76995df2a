//! What each method does, whatever the transport.

use super::{chain, dispatched::Answer, own::own};
use crate::{
    call::client::Client,
    catalog::Catalog,
    state::services::{Part, Services},
    wire::{failure::Failure, message::Request},
};

/// Answers a request of a client whose revision is settled.
pub fn dispatch<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: Request<'a>,
    client: Client<'a>,
    services: &mut S,
) -> Result<Answer<'a>, Failure> {
    match S::PART {
        Part::Transport => chain::request(catalog, request, client, services),
        Part::Server | Part::Hub => own(catalog, request, client, services),
    }
}
