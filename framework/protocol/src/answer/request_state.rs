//! Request state: a feature gives it to a modern client, which sends it back with its next call
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr).

use crate::{
    call::{Call, target::Target},
    state::{seal, services::Services},
    wire::failure::Failure,
};

/// How long request state is valid. An hour, since people answer.
const STATE_LIFETIME_MS: u64 = 3_600_000;

/// Seals the state for the client.
pub fn seal<S: Services>(
    call: &Call<'_>,
    state: &str,
    services: &mut S,
) -> Result<String, Failure> {
    if !S::WHOLE {
        return Err(Failure::internal(
            "the feature returns state but never reads it: let it import `input`",
        ));
    }
    let principal = services.principal();
    let binding = binding(&call.target, &principal);
    seal::seal(services, &binding, STATE_LIFETIME_MS, state.as_bytes())
}

/// Opens the state that the client sent back.
pub fn unseal<S: Services>(
    target: &Target<'_>,
    sealed: &str,
    services: &mut S,
) -> Result<String, Failure> {
    let invalid = || Failure::invalid_params("invalid `requestState`");
    if !S::WHOLE {
        // This server never gave out state, so this cannot be genuine.
        return Err(invalid());
    }
    let principal = services.principal();
    let state = seal::open(services, &binding(target, &principal), sealed)?;
    String::from_utf8(state).map_err(|_| invalid())
}

/// State is valid only for the same caller and the same request.
fn binding<'b>(target: &'b Target<'_>, principal: &'b str) -> seal::Binding<'b> {
    seal::Binding {
        principal,
        method: target.method(),
        target: target.name(),
        arguments: target.arguments(),
    }
}
