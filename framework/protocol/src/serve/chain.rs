//! The transport at the head of a chain: passes requests to the next middleware, or to the
//! router. Both export the interface `handler`.

use std::borrow::Cow;

pub use super::gate::{Gate, is_gated};
use super::{dispatched::Dispatched, gate::Then, handshake, params};
use crate::{
    call::{
        Call, Input, Passed,
        caller::Caller,
        target::{Slots, Target},
    },
    catalog::Catalog,
    state::{services::Services, session::Session},
    wire::{
        failure::Failure,
        json::{Object, Value},
        message::{Notification, Params, Request},
        notify::LogLevel,
    },
};

/// Passes a request to the chain.
pub(crate) fn request<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: Request<'a>,
    client: Caller<'a>,
    services: &mut S,
) -> Result<Dispatched<'a>, Failure> {
    if !is_gated(&request.method) {
        return call(catalog, request, client, services);
    }
    let modern = client.version.is_modern();
    let (prepared, then) = match &*request.method {
        "server/discover" if modern => {
            let shared = services.store().is_some();
            (catalog.discover(shared), Then::Reply)
        }
        "ping" if !modern => (&b"{}"[..], Then::Reply),
        _ => (&b"{}"[..], Then::Act),
    };
    // Middleware sees these responses as it sees those of a call that asked for input.
    let responses = match request.params.input_responses {
        Some(responses) if request.method == "tasks/update" => params::input_responses(&responses)?,
        _ => Vec::new(),
    };
    let input = Input {
        responses,
        state: None,
    };
    Ok(gate(
        catalog,
        request,
        client,
        input,
        prepared.to_vec(),
        then,
    ))
}

/// Passes an `initialize` request to the chain, with the result that the transport prepared.
pub(crate) fn handshake<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: Request<'a>,
    session: Session,
    level: LogLevel,
    services: &mut S,
) -> Dispatched<'a> {
    let client = Caller::of_session(session.clone(), Vec::new(), level);
    let result = handshake::result(catalog, session.version, services.store().is_some());
    let (input, then) = (Input::default(), Then::Handshake(session));
    gate(catalog, request, client, input, result, then)
}

fn gate<'a>(
    catalog: &Catalog<'a>,
    request: Request<'a>,
    client: Caller<'a>,
    input: Input,
    prepared: Vec<u8>,
    then: Then,
) -> Dispatched<'a> {
    let target = Target::Method(request.method.clone());
    let mut call = new_call(catalog, &request, target, input, client.clone());
    if let Some(passed) = &mut call.passed {
        passed.prepared = String::from_utf8(prepared).ok();
    }
    Dispatched::Gate(Box::new(Gate {
        call,
        request,
        client,
        then,
    }))
}

/// Passes a request that features answer to the chain.
fn call<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: Request<'a>,
    mut client: Caller<'a>,
    services: &mut S,
) -> Result<Dispatched<'a>, Failure> {
    let target = match &*request.method {
        "tools/call" => Target::passed_tool(catalog, &request.params)?,
        "prompts/get" => Target::passed_prompt(&request.params)?,
        "resources/read" => Target::passed_resource(&request.params)?,
        method => Target::Method(Cow::Owned(method.to_owned())),
    };
    params::without_tasks(catalog, &mut client, services);
    let input = match target {
        // These methods cannot ask for input.
        Target::Method(_) => Input::default(),
        _ => params::input(&request.params, &target, &client, services)?,
    };
    let call = new_call(catalog, &request, target, input, client);
    Ok(Dispatched::Call(Box::new(call)))
}

fn new_call<'a>(
    catalog: &Catalog<'a>,
    request: &Request<'a>,
    target: Target<'a>,
    input: Input,
    client: Caller<'a>,
) -> Call<'a> {
    let slots = Slots::One(0);
    let meta = request.params.meta;
    // What `input` does not contain stays in the parameters.
    let taken = client.version.is_modern() && !matches!(target, Target::Method(_))
        || request.method == "tasks/update";
    let params = passed(&request.params, taken);
    let mut call = Call::new(*catalog, request.id, (target, slots), meta, input, client);
    call.passed = Some(Passed {
        params,
        prepared: None,
    });
    call
}

/// A notification for the chain.
pub(crate) fn notification<'a>(
    catalog: &Catalog<'a>,
    notification: Notification<'a>,
    client: Caller<'a>,
) -> Box<Call<'a>> {
    let request = Request {
        id: "null",
        method: notification.method,
        params: notification.params,
    };
    let target = Target::Method(request.method.clone());
    let input = Input::default();
    Box::new(new_call(catalog, &request, target, input, client))
}

/// The parameters without the members that `input` contains.
fn passed<'a>(params: &Params<'a>, taken: bool) -> Cow<'a, str> {
    if params.text.is_empty() {
        return Cow::Borrowed("{}");
    }
    if !taken || params.input_responses.is_none() && params.request_state.is_none() {
        return Cow::Borrowed(params.text);
    }
    let mut kept = Vec::with_capacity(params.text.len());
    let mut object = Object::begin(&mut kept);
    let all = Value::parse(params.text).ok();
    for (key, value) in all.iter().flat_map(Value::members) {
        if !key.is_str("inputResponses") && !key.is_str("requestState") {
            object.raw_key(key).extend_from_slice(value.text.as_bytes());
        }
    }
    object.end();
    Cow::Owned(String::from_utf8(kept).unwrap_or_default())
}

#[cfg(test)]
mod tests;
