//! The state that a client carries from a call to the next
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr).

use crate::{
    call::{Call, caller::Caller, target::Target},
    state::{seal, services::Services},
    wire::failure::Failure,
};

/// How long the client may take to come back with the state of a request: an hour, since
/// people answer.
const STATE_LIFETIME_MS: u64 = 3_600_000;

/// What a modern client is to bring back.
pub fn seal<S: Services>(
    call: &Call<'_>,
    state: &str,
    services: &mut S,
) -> Result<String, Failure> {
    if !S::WHOLE {
        return Err(Failure::internal(
            "the feature gives state but never asks for it: let it import `input`",
        ));
    }
    let binding = binding(&call.target, &call.client);
    seal::seal(services, &binding, STATE_LIFETIME_MS, state.as_bytes())
}

/// The state that a modern client brings back.
pub fn unseal<S: Services>(
    target: &Target<'_>,
    client: &Caller<'_>,
    sealed: &str,
    services: &mut S,
) -> Result<String, Failure> {
    let invalid = || Failure::invalid_params("invalid `requestState`");
    if !S::WHOLE {
        // No state was ever given out, so none can be genuine.
        return Err(invalid());
    }
    let state = seal::open(services, &binding(target, client), sealed)?;
    String::from_utf8(state).map_err(|_| invalid())
}

/// State is worth nothing to anybody else, and for nothing else.
fn binding<'b>(target: &'b Target<'_>, client: &'b Caller<'_>) -> seal::Binding<'b> {
    seal::Binding {
        principal: client.principal(),
        method: target.method(),
        target: target.name(),
        arguments: target.arguments(),
    }
}
