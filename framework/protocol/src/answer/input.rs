//! Results that ask the client for input
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr).

use super::{
    request_state,
    response::{self, broken, write_meta},
};
use crate::{
    call::{Asking, Call, CallStep},
    catalog::Flags,
    state::services::Services,
    wire::{
        failure::{Failure, MISSING_CLIENT_CAPABILITY, excerpt},
        json::{self, Kind, Object, Value},
        types::types::{InputRequest, InputRequired},
    },
};

/// The most responses that a client may send at once: in memory each takes far more space than
/// in the message.
pub const MAX_RESPONSES: usize = 256;
/// How often one call may ask. A feature that asks more often probably never ends.
pub const MAX_ROUNDS: u32 = 32;

/// Asks the client for input. A modern client repeats its request with the input; the server
/// sends requests to a legacy client.
pub fn require<S: Services>(
    call: &mut Call<'_>,
    required: &InputRequired,
    services: &mut S,
) -> CallStep {
    if let Err(failure) = check::<S>(call, required) {
        return CallStep::Done(call.fail(&failure));
    }
    if call.client.version.is_modern() {
        let state = required.state.as_deref();
        return CallStep::Done(
            match state.map(|state| request_state::seal(call, state, services)) {
                Some(Err(failure)) => call.fail(&failure),
                sealed => {
                    let sealed = sealed.and_then(Result::ok);
                    response::respond(call, 0, |out| write(out, call, required, sealed.as_deref()))
                }
            },
        );
    }
    match ask(call, required, services) {
        Ok(asking) => CallStep::Ask(asking),
        Err(failure) => CallStep::Done(call.fail(&failure)),
    }
}

/// Begins to ask a legacy client.
fn ask<S: Services>(
    call: &mut Call<'_>,
    required: &InputRequired,
    services: &mut S,
) -> Result<Asking, Failure> {
    let describe = || call.target.describe();
    let session = call.client.session_key.as_deref();
    let Some(session) = session.filter(|_| call.can_be_asked()) else {
        return Err(Failure::internal(format!(
            "{} needs input from the user, but this client has no session; begin one with `initialize`, and accept `text/event-stream`",
            describe()
        )));
    };
    check_reader::<S>(call)?;
    if services.store().is_none() {
        return Err(Failure::internal(format!(
            "{} needs input from the user, which this server cannot ask for in revision `{}`: it was \
             composed without a key-value store; use a client of revision `2026-07-28` or later, or \
             compose it for Spin",
            describe(),
            call.client.version.as_str()
        )));
    }
    if call.rounds == MAX_ROUNDS {
        return Err(Failure::internal(format!(
            "{} asked for input {MAX_ROUNDS} times and is still not done",
            describe()
        )));
    }
    let state = required.state.as_deref();
    let rounds = call.rounds + 1;
    let mut asking = Asking::new(session, call.id, state, rounds, services.now());
    for request in &required.requests {
        asking.add(services, request, call.client.version)?;
    }
    call.rounds = rounds;
    if let Some(stream) = &mut call.stream {
        stream.keep(services, call.request, &mut asking);
    }
    Ok(asking)
}

/// Checks that the feature can read the client's replies.
pub fn check_reader<S: Services>(call: &Call<'_>) -> Result<(), Failure> {
    if S::WHOLE && call.flags().contains(Flags::INPUT) {
        return Ok(());
    }
    Err(Failure::internal(format!(
        "{} asks for input that its feature cannot read: let it import `input`",
        call.target.describe()
    )))
}

/// Checks that this client can give all of this input.
pub fn check<S: Services>(call: &Call<'_>, required: &InputRequired) -> Result<(), Failure> {
    if required.requests.is_empty() && required.state.is_none() {
        return Err(broken(
            call,
            "an empty request for input: it has neither requests nor state",
        ));
    }
    check_requests(call, required)?;
    let mut missing = Missing::default();
    for request in &required.requests {
        let params = Value::parse(&request.params);
        missing.note::<S>(call, request, &params.map_err(|_| unparsed(call))?)?;
    }
    missing.into_result(call)
}

fn unparsed(call: &Call<'_>) -> Failure {
    broken(
        call,
        "a request for input whose parameters are not a JSON object",
    )
}

/// Checks that a form has only plain fields: clients cannot show others
/// (https://modelcontextprotocol.io/specification/2026-07-28/client/elicitation#requested-schema).
fn check_form(call: &Call<'_>, params: &Value<'_>) -> Result<(), Failure> {
    let Some(schema) = params.member("requestedSchema") else {
        return Ok(());
    };
    let is = |schema: &Value<'_>, kinds: &[&str]| {
        let kind = schema.member("type");
        kind.is_some_and(|kind| kinds.iter().any(|known| kind.is_str(known)))
    };
    let properties = Some(schema)
        .filter(|schema| is(schema, &["object"]))
        .and_then(|schema| schema.member("properties"))
        .filter(Value::is_object);
    let Some(properties) = properties else {
        return Err(broken(
            call,
            "a form whose `requestedSchema` is not an object with `properties`",
        ));
    };
    for (name, field) in properties.members() {
        let is_choice = |items: Value<'_>| {
            ["enum", "anyOf"]
                .iter()
                .any(|key| items.member(key).is_some())
        };
        let is_plain = is(&field, &["string", "number", "integer", "boolean"])
            || is(&field, &["array"]) && field.member("items").is_some_and(is_choice);
        if !is_plain {
            let what = format!(
                "a form whose field {} is not a string, number, boolean or choice",
                excerpt(name.text)
            );
            return Err(broken(call, &what));
        }
    }
    Ok(())
}

/// Checks what holds for all clients.
pub fn check_requests(call: &Call<'_>, required: &InputRequired) -> Result<(), Failure> {
    if required.requests.len() > MAX_RESPONSES {
        let what = format!("more than {MAX_RESPONSES} requests for input at once");
        return Err(broken(call, &what));
    }
    for (index, request) in required.requests.iter().enumerate() {
        if required.requests[..index]
            .iter()
            .any(|other| other.key == request.key)
        {
            return Err(broken(call, "two requests for input under one key"));
        }
        let params = Value::parse(&request.params).ok().filter(Value::is_object);
        // With two members of one name, the client might read the other one than the checks do.
        if !params.ok_or_else(|| unparsed(call))?.names_once() {
            return Err(broken(
                call,
                "a request for input whose parameters name a member twice",
            ));
        }
    }
    Ok(())
}

/// Writes the result that asks a modern client.
fn write(
    out: &mut Vec<u8>,
    call: &Call<'_>,
    required: &InputRequired,
    state: Option<&str>,
) -> Result<(), Failure> {
    let mut object = Object::begin(out);
    object.string("resultType", "input_required");
    write_requests(&mut object, required);
    object.optional("requestState", state);
    write_meta(&mut object, call, None)?;
    object.end();
    Ok(())
}

/// Writes the member `inputRequests`. The requests must have been checked.
pub fn write_requests(object: &mut Object<'_>, required: &InputRequired) {
    if !required.requests.is_empty() {
        let mut requests = Object::begin(object.key("inputRequests"));
        for request in &required.requests {
            let mut written = Object::begin(requests.key(&request.key));
            written.string("method", &request.method);
            // This cannot fail: the requests were checked.
            let _ = json::compact(written.key("params"), &request.params);
            written.end();
        }
        requests.end();
    }
}

/// The capabilities that the client must declare, but did not.
#[derive(Default)]
struct Missing {
    form: bool,
    url: bool,
    sampling: bool,
    sampling_tools: bool,
    roots: bool,
}

impl Missing {
    fn note<S: Services>(
        &mut self,
        call: &Call<'_>,
        request: &InputRequest,
        params: &Value<'_>,
    ) -> Result<(), Failure> {
        let declared = Value::parse(&call.client.capabilities).ok();
        let capability = |name| {
            declared
                .and_then(|declared| declared.member(name))
                .filter(Value::is_object)
        };
        match request.method.as_str() {
            "elicitation/create" => {
                let elicitation = capability("elicitation");
                let part = |name| elicitation?.member(name).filter(Value::is_object);
                let mode = params.member("mode").and_then(|mode| mode.as_str());
                let text = |name| {
                    params
                        .member(name)
                        .is_some_and(|text| text.kind == Kind::String)
                };
                match mode.as_deref() {
                    None | Some("form" | "url") if !text("message") => {
                        return Err(broken(
                            call,
                            "a request for elicitation without a `message`",
                        ));
                    }
                    Some("url") if text("url") => self.url |= part("url").is_none(),
                    Some("url") => {
                        return Err(broken(call, "a request to open a URL without a `url`"));
                    }
                    // A client that declares no mode has this one.
                    None | Some("form") => {
                        // A feature of the small server cannot read what a user writes.
                        if S::WHOLE {
                            check_form(call, params)?;
                        }
                        let only_urls = part("url").is_some() && part("form").is_none();
                        self.form |= elicitation.is_none() || only_urls;
                    }
                    Some(_) => {
                        return Err(broken(call, "a request for elicitation in an unknown mode"));
                    }
                }
            }
            "sampling/createMessage" => {
                let sampling = capability("sampling");
                self.sampling |= sampling.is_none();
                let uses_tools =
                    params.member("tools").is_some() || params.member("toolChoice").is_some();
                let tools = sampling.and_then(|sampling| sampling.member("tools"));
                self.sampling_tools |= uses_tools && !tools.is_some_and(|tools| tools.is_object());
            }
            "roots/list" => self.roots |= capability("roots").is_none(),
            _ => return Err(broken(call, "a request for input by an unknown method")),
        }
        Ok(())
    }

    /// Error -32021 if a capability is missing.
    fn into_result(self, call: &Call<'_>) -> Result<(), Failure> {
        let mut names = Vec::new();
        let mut data = Vec::new();
        let mut object = Object::begin(&mut data);
        let mut required = Object::begin(object.key("requiredCapabilities"));
        let groups = [
            (
                "elicitation",
                self.form || self.url,
                [("form", self.form), ("url", self.url)],
            ),
            ("roots", self.roots, [("", false), ("", false)]),
            (
                "sampling",
                self.sampling || self.sampling_tools,
                [("tools", self.sampling_tools), ("", false)],
            ),
        ];
        for (name, is_missing, parts) in groups {
            if !is_missing {
                continue;
            }
            names.push(format!("`{name}`"));
            let mut capability = Object::begin(required.key(name));
            parts
                .iter()
                .filter(|(_, missing)| *missing)
                .for_each(|(part, _)| capability.json(part, b"{}"));
            capability.end();
        }
        required.end();
        object.end();
        if names.is_empty() {
            return Ok(());
        }
        let message = format!(
            "{} needs capabilities that the client did not declare: {}",
            call.target.describe(),
            names.join(", ")
        );
        Err(Failure {
            data: Some(data),
            ..Failure::new(
                if call.client.version.is_modern() {
                    400
                } else {
                    200
                },
                MISSING_CLIENT_CAPABILITY,
                message,
            )
        })
    }
}
