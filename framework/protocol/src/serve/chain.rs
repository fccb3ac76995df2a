//! The transport before a chain of links: what it hands to the next one, and what it makes of
//! the answer. The contract is that of the interface `handler`.

use std::{borrow::Cow, collections::BTreeSet};

use crate::{
    answer::{self, broken, extension, input},
    call::{
        Call, Input, Outcome, Passed, Response, Step,
        client::Client,
        target::{self, Slots, Target},
    },
    catalog::Catalog,
    serve::dispatch::{self, Answer},
    state::{services::Services, session::Session, tasks},
    wire::{
        failure::Failure,
        json::{self, Object, Value},
        message::{Notification, Params, Request},
        notify::LogLevel,
        types::types::{Error, InputRequest, InputRequired},
    },
};

mod answered;

use answered::{Answered, Kind};

/// A request that the transport answers itself, once no link refused it.
#[derive(Debug)]
pub struct Gate<'a> {
    /// To be made first.
    pub call: Call<'a>,
    pub(crate) request: Request<'a>,
    pub(crate) client: Client<'a>,
    pub(crate) then: Then,
}

/// What follows once no link refused it.
#[derive(Debug)]
pub(crate) enum Then {
    /// The answer of the chain is the client's.
    Reply,
    /// So it is, and a session begins.
    Handshake(Session),
    /// The transport does it, and answers.
    Act,
}

impl Gate<'_> {
    /// What became of its call.
    pub fn settle<S: Services>(&mut self, outcome: Outcome, services: &mut S) -> Response {
        if let (Then::Handshake(session), Outcome::Handled(Ok(text))) = (&self.then, &outcome) {
            let answered = Value::parse(text).ok();
            let version = answered.and_then(|result| result.member("protocolVersion"));
            // The session is of the one that the transport chose.
            if !version.is_some_and(|version| version.is_str(session.version.as_str())) {
                let expected = session.version.as_str();
                let what = format!("a `protocolVersion` that is not `{expected}`");
                return self.call.fail(&broken(&self.call, &what));
            }
        }
        match self.call.settle(outcome, services) {
            Step::Done(response) => response,
            Step::Invoke | Step::Ask(_) => self.call.fail(&needs_input(&self.call)),
        }
    }
}

/// Whether the transport does what this method asks for, or prepares its answer, once no link
/// refused it.
pub fn is_gated(method: &str) -> bool {
    matches!(
        method,
        "initialize"
            | "ping"
            | "server/discover"
            | "logging/setLevel"
            | "subscriptions/listen"
            | "resources/subscribe"
            | "resources/unsubscribe"
            | "tasks/get"
            | "tasks/update"
            | "tasks/cancel"
    )
}

/// Hands a request to the next link.
pub(crate) fn request<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: Request<'a>,
    client: Client<'a>,
    services: &mut S,
) -> Result<Answer<'a>, Failure> {
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
    // To links, the responses are what they are to a call that asked for them.
    let responses = match request.params.input_responses {
        Some(responses) if request.method == "tasks/update" => {
            dispatch::input_responses(&responses)?
        }
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

/// Hands an `initialize` request to the next link, with the answer that it is to have.
pub(crate) fn handshake<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: Request<'a>,
    session: Session,
    level: LogLevel,
    services: &mut S,
) -> Answer<'a> {
    let client = Client::of_session(session.clone(), Vec::new(), level);
    let result = dispatch::initialize_result(catalog, &session, services);
    let (input, then) = (Input::default(), Then::Handshake(session));
    gate(catalog, request, client, input, result, then)
}

fn gate<'a>(
    catalog: &Catalog<'a>,
    request: Request<'a>,
    client: Client<'a>,
    input: Input,
    prepared: Vec<u8>,
    then: Then,
) -> Answer<'a> {
    let target = Target::Method(request.method.clone());
    let mut call = new_call(catalog, &request, target, input, client.clone());
    if let Some(passed) = &mut call.passed {
        passed.prepared = String::from_utf8(prepared).ok();
    }
    Answer::Gate(Box::new(Gate {
        call,
        request,
        client,
        then,
    }))
}

/// What features answer.
fn call<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: Request<'a>,
    mut client: Client<'a>,
    services: &mut S,
) -> Result<Answer<'a>, Failure> {
    let target = match &*request.method {
        "tools/call" => Target::passed_tool(catalog, &request.params)?,
        "prompts/get" => Target::passed_prompt(&request.params)?,
        "resources/read" => Target::passed_resource(&request.params)?,
        method => Target::Method(Cow::Owned(method.to_owned())),
    };
    dispatch::without_tasks(catalog, &mut client, services);
    let input = match target {
        // Nobody can have been asked.
        Target::Method(_) => Input::default(),
        _ => dispatch::input(&request.params, &target, &client, services)?,
    };
    let call = new_call(catalog, &request, target, input, client);
    Ok(Answer::Call(Box::new(call)))
}

fn new_call<'a>(
    catalog: &Catalog<'a>,
    request: &Request<'a>,
    target: Target<'a>,
    input: Input,
    client: Client<'a>,
) -> Call<'a> {
    let slots = Slots::One(0);
    let meta = request.params.meta;
    // What is not in `input` stays where it was.
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

/// A notification on its way to the next link.
pub(crate) fn notification<'a>(
    catalog: &Catalog<'a>,
    notification: Notification<'a>,
    client: Client<'a>,
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

/// The parameters without what `input` has, if it has that.
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

/// Makes the next call of a task one of the chain.
pub(crate) fn pass_task(call: &mut Call<'_>) {
    let mut params = Vec::new();
    let mut object = Object::begin(&mut params);
    object.string("name", call.target.name());
    object.json("arguments", call.target.arguments().as_bytes());
    object.end();
    call.passed = Some(Passed {
        params: Cow::Owned(String::from_utf8(params).unwrap_or_default()),
        prepared: None,
    });
}

/// Turns what the chain answered into a response, or into what else the client has to be asked.
pub(crate) fn settle<S: Services>(
    call: &mut Call<'_>,
    handled: Result<String, Error>,
    services: &mut S,
) -> Step {
    let text = match handled {
        Ok(text) => text,
        Err(error) => return Step::Done(answer::of_feature(call, &error)),
    };
    let answered = match Answered::read(call, &text) {
        Ok(answered) => answered,
        Err(failure) => return Step::Done(call.fail(&failure)),
    };
    match answered.kind {
        Kind::Complete => Step::Done(complete(call, &answered)),
        Kind::InputRequired if matches!(call.target, Target::Method(_)) => {
            Step::Done(call.fail(&needs_input(call)))
        }
        Kind::InputRequired => match required(call, &answered.value) {
            Ok(required) => input::require(call, &required, services),
            Err(failure) => Step::Done(call.fail(&failure)),
        },
        Kind::Extension => Step::Done(extension::answer(call, &text, services)),
    }
}

/// What the chain answered for the task that this call advances.
pub(crate) fn task_step(call: &Call<'_>, text: String) -> Result<tasks::Step, Failure> {
    let answered = Answered::read(call, &text)?;
    match answered.kind {
        Kind::Complete => {
            let mut result = Vec::with_capacity(text.len());
            answered.write(&mut result, call);
            let result = String::from_utf8(result);
            result
                .map(tasks::Step::Complete)
                .map_err(|_| broken(call, "text that is not UTF-8"))
        }
        Kind::InputRequired => {
            let required = required(call, &answered.value)?;
            input::check(call, &required)?;
            Ok(tasks::Step::Input(required))
        }
        Kind::Extension if extension::read(call, &text)?.1 == "task" => {
            Ok(tasks::Step::Working(text))
        }
        Kind::Extension => Err(broken(call, "the result of an extension instead of a task")),
    }
}

fn needs_input(call: &Call<'_>) -> Failure {
    broken(
        call,
        "a need for input, which only calls, prompts and resources may have",
    )
}

/// The need for input that a result tells of.
fn required(call: &Call<'_>, value: &Value<'_>) -> Result<InputRequired, Failure> {
    let misshapen = || broken(call, "a need for input that is not shaped as one");
    let mut requests = Vec::new();
    let asked = value.member("inputRequests");
    if asked.is_some_and(|asked| !asked.is_object()) {
        return Err(misshapen());
    }
    for (key, request) in asked.iter().flat_map(Value::members) {
        let method = request.member("method").and_then(|method| method.as_str());
        requests.push(InputRequest {
            key: key.as_str().ok_or_else(misshapen)?.into_owned(),
            method: method.ok_or_else(misshapen)?.into_owned(),
            params: request
                .member("params")
                .map_or("{}", |params| params.text)
                .to_owned(),
        });
    }
    let state = match value.member("requestState") {
        None => None,
        Some(state) => Some(state.as_str().ok_or_else(misshapen)?.into_owned()),
    };
    Ok(InputRequired { requests, state })
}

/// A result as it goes to the client.
fn complete(call: &Call<'_>, answered: &Answered<'_>) -> Response {
    answer::respond(call, answered.value.text.len(), |out| {
        check_list(call, &answered.value)?;
        answered.write(out, call);
        Ok(())
    })
}

/// A list names everything once: clients take an entry for the one that they know by its name.
fn check_list(call: &Call<'_>, value: &Value<'_>) -> Result<(), Failure> {
    let Some(kind) = target::list_kind(call.target.method()) else {
        return Ok(());
    };
    let entries = value
        .member(kind.member())
        .filter(|list| list.kind == json::Kind::Array);
    let entries = entries.ok_or_else(|| broken(call, "what is not a list"))?;
    let mut names = BTreeSet::new();
    for entry in entries.elements() {
        let mut named = entry
            .members()
            .filter(|(member, _)| member.is_str(kind.key()));
        let name = named.next().and_then(|(_, name)| name.as_str());
        let name = name.ok_or_else(|| broken(call, "an entry that has no name"))?;
        if !names.insert(name) || named.next().is_some() {
            return Err(broken(call, "a list that names an entry twice"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
