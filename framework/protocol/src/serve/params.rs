//! Parameters that mean the same in all methods.

use crate::{
    answer::{input::MAX_RESPONSES, request_state},
    call::{Input, caller::Caller, target::Target},
    catalog::{Catalog, Flags},
    state::{services::Services, tasks},
    wire::{failure::Failure, json::Value, message::Params},
};

/// Hides the tasks extension from tools where the server cannot store tasks.
pub fn without_tasks<S: Services>(
    catalog: &Catalog<'_>,
    client: &mut Caller<'_>,
    services: &mut S,
) {
    if S::WHOLE
        && catalog.flags().contains(Flags::TASKS)
        && services.store().is_none()
        && tasks::declared(&client.capabilities)
    {
        client.capabilities = tasks::without_extension(&client.capabilities).into();
    }
}

/// The input that a modern client sends with its request.
pub fn input<S: Services>(
    params: &Params<'_>,
    target: &Target<'_>,
    client: &Caller<'_>,
    services: &mut S,
) -> Result<Input, Failure> {
    if !client.version.is_modern() {
        return Ok(Input::default());
    }
    let responses = match params.input_responses {
        None => Vec::new(),
        Some(responses) => input_responses(&responses)?,
    };
    let state = match params.request_state {
        None => None,
        Some(sealed) => {
            let sealed = sealed
                .as_str()
                .ok_or_else(|| Failure::malformed_params("`requestState` is not a string"))?;
            Some(request_state::unseal(target, &sealed, services)?)
        }
    };
    Ok(Input { responses, state })
}

/// The members of `inputResponses`. No name may occur twice.
pub fn input_responses(responses: &Value<'_>) -> Result<Vec<(String, String)>, Failure> {
    let malformed = |problem: String| {
        Err(Failure::malformed_params(format!(
            "`inputResponses` {problem}"
        )))
    };
    if !responses.is_object() {
        return malformed("is not an object".to_owned());
    }
    let mut all: Vec<(String, String)> = Vec::new();
    for (key, value) in responses.members() {
        let key = key.as_str().unwrap_or_default();
        if all.len() == MAX_RESPONSES {
            return malformed(format!("has more than {MAX_RESPONSES} members"));
        }
        if all.iter().any(|(other, _)| *other == *key) {
            return malformed("names a member twice".to_owned());
        }
        all.push((key.into_owned(), value.text.to_owned()));
    }
    Ok(all)
}
