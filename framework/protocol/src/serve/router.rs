//! The router at the end of a chain: answers from the catalog, or calls features. It exports the
//! interface `handler`.

pub mod id;
mod own;
pub mod sequence;

use std::borrow::Cow;

pub use self::own::Own;
use self::own::{error, text};
use super::dispatched::Dispatched;
use crate::{
    answer::{extension, input},
    call::{
        Call, CallResponse, CallStep, FeatureOutcome,
        caller::{self, Caller},
    },
    catalog::Catalog,
    state::services::Services,
    wire::{
        failure::Failure,
        json::{Fault, Object},
        message::{Params, Request},
        types::{
            prompt_types::PromptOutcome,
            resource_types::ReadOutcome,
            tool_types::ToolOutcome,
            types::{Error, InputRequired},
        },
        version::Version,
    },
};

/// The outcome of a request.
pub enum Handling<'a> {
    Done(Own),
    /// Features must be called.
    Call(Box<Call<'a>>),
}

/// The next step of a call.
pub enum RouterStep {
    /// Call the feature in [`Call::slot`] as [`Call::ask`] says.
    Invoke,
    Done(Own),
}

/// The `id` of the responses that this module takes apart.
const ID: &str = "0";
const BEFORE: &[u8] = b"{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":";

/// Handles a request of a client of this revision. `capabilities` is a JSON object.
pub fn handle<'a, S: Services>(
    catalog: &Catalog<'a>,
    method: &'a str,
    params: &'a str,
    version: &str,
    capabilities: String,
    services: &mut S,
) -> Handling<'a> {
    // Without a known revision, the client is treated as one of the latest.
    let version = Version::parse(version).unwrap_or(Version::LATEST);
    if method == "initialize" {
        return Handling::Done(Own::Done(Ok(id::initialized(catalog, version))));
    }
    Handling::Done(
        match answer(catalog, method, params, version, capabilities, services) {
            Ok(Dispatched::Ready(body) | Dispatched::SetLevel(_, body)) => Own::Done(result(body)),
            Ok(Dispatched::Call(call)) => return Handling::Call(call),
            Ok(Dispatched::Listen(_) | Dispatched::Unheard(_) | Dispatched::Gate(_)) => {
                refused(&Failure::method_not_found(method, version))
            }
            Err(failure) => refused(&failure),
        },
    )
}

fn answer<'a, S: Services>(
    catalog: &Catalog<'a>,
    method: &'a str,
    text: &'a str,
    version: Version,
    capabilities: String,
    services: &mut S,
) -> Result<Dispatched<'a>, Failure> {
    let params = Params::parse(text).map_err(|fault| {
        Failure::malformed_params(match fault {
            Fault::Depth => "the parameters nest too deep",
            Fault::Syntax(_) => "the parameters are not a JSON object",
        })
    })?;
    caller::check_params(&params)?;
    let client = Caller {
        version,
        capabilities: Cow::Owned(capabilities),
        info: None,
        session_id: None,
        session_key: None,
        session_expires: 0,
        log_level: None,
    };
    let request = Request {
        id: ID,
        method: Cow::Borrowed(method),
        params,
    };
    super::own::own(catalog, request, client, services)
}

/// Continues with the outcome of a feature.
pub fn settle<S: Services>(
    call: &mut Call<'_>,
    outcome: FeatureOutcome,
    services: &mut S,
) -> RouterStep {
    let answer = match outcome {
        FeatureOutcome::Tool(Ok(Some(ToolOutcome::InputRequired(required))))
        | FeatureOutcome::Prompt(Ok(Some(PromptOutcome::InputRequired(required))))
        | FeatureOutcome::Resource(Ok(Some(ReadOutcome::InputRequired(required)))) => {
            ask::<S>(call, &required)
        }
        // The transport handles results of extensions.
        FeatureOutcome::Tool(Ok(Some(ToolOutcome::Extension(result)))) => {
            let read = extension::read(call, &result).map(drop);
            read.map(|()| result)
        }
        outcome => match call.settle(outcome, services) {
            CallStep::Invoke => return RouterStep::Invoke,
            CallStep::Done(response) => return RouterStep::Done(done(response)),
            CallStep::Ask(_) => Err(Failure::internal(
                "a feature asked for input where the client cannot be asked",
            )),
        },
    };
    RouterStep::Done(Own::Done(answer.map_err(|failure| error(&failure))))
}

/// A result that asks for input. The transport adapts it to the client's revision.
fn ask<S: Services>(call: &Call<'_>, required: &InputRequired) -> Result<String, Failure> {
    input::check_requests(call, required)?;
    if !call.client.version.is_modern() {
        input::check_reader::<S>(call)?;
    }
    let mut result = Vec::new();
    let mut object = Object::begin(&mut result);
    object.string("resultType", "input_required");
    input::write_requests(&mut object, required);
    object.optional("requestState", required.state.as_deref());
    object.end();
    text(result)
}

fn done(response: CallResponse) -> Own {
    match response.failure {
        Some(failure) => refused(&failure),
        None => Own::Done(result(response.body)),
    }
}

fn refused(failure: &Failure) -> Own {
    match failure.unknown {
        true => Own::Unknown(error(failure)),
        false => Own::Done(Err(error(failure))),
    }
}

/// The result in a response.
fn result(mut body: Vec<u8>) -> Result<String, Error> {
    let result = if body.starts_with(BEFORE) && body.ends_with(b"}") {
        body.pop();
        body.drain(..BEFORE.len());
        text(body)
    } else {
        Err(Failure::internal("the router cannot read its own answer"))
    };
    result.map_err(|failure| error(&failure))
}

#[cfg(test)]
mod tests;
