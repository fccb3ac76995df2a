//! What each method does, whatever the transport.

use crate::{
    answer::NO_COMPLETION,
    bridge,
    call::{Call, Input, Outcome, Step},
    catalog::{Catalog, Flags, ListKind},
    chain::{self, Gate},
    client::{self, Client},
    extension,
    failure::{Failure, excerpt},
    input::MAX_RESPONSES,
    json::{self, Value},
    listen::{self, Listener, Offer},
    lists,
    message::{Params, Request},
    notify::LogLevel,
    services::{ServerPart, Services},
    session::Session,
    state,
    target::{self, Target},
    tasks,
    watched::Watched,
};

/// What became of a request that did not fail.
pub enum Answer<'a> {
    /// A whole JSON-RPC response.
    Ready(Vec<u8>),
    /// The client wants logs from this level on. A whole JSON-RPC response.
    SetLevel(LogLevel, Vec<u8>),
    Call(Box<Call<'a>>),
    /// The response comes when the client or the server ends it.
    Listen(Box<(Listener, Watched<'a>)>),
    /// The chain is asked before the transport does it.
    Gate(Box<Gate<'a>>),
}

/// Answers a request of a client whose revision is settled.
pub fn dispatch<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: Request<'a>,
    client: Client<'a>,
    services: &mut S,
) -> Result<Answer<'a>, Failure> {
    match services.part() {
        ServerPart::Transport => chain::request(catalog, request, client, services),
        ServerPart::Server | ServerPart::Router | ServerPart::Sequence => {
            own(catalog, request, client, services)
        }
    }
}

/// Does what this part itself does: a transport what is about streams and the store, a hub
/// all else, a server everything.
pub fn own<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: Request<'a>,
    client: Client<'a>,
    services: &mut S,
) -> Result<Answer<'a>, Failure> {
    if services.part() != ServerPart::Router
        && let Some(answer) = of_transport(catalog, &request, &client, services)?
    {
        return Ok(answer);
    }
    if services.part() == ServerPart::Transport {
        return Err(Failure::method_not_found(&request.method, client.version));
    }
    let modern = client.version.is_modern();
    let flags = catalog.flags();
    if let Some(kind) = target::list_kind(&request.method)
        && flags.contains(kind.flag())
    {
        return list::<S>(catalog, request, kind, client);
    }
    match &*request.method {
        "tools/call" if flags.contains(Flags::TOOLS) => {
            let target = Target::tool(catalog, &request.params)?;
            call(catalog, request, target, client, services)
        }
        "prompts/get" if S::WHOLE && flags.contains(Flags::PROMPTS) => {
            let target = Target::prompt(catalog, &request.params)?;
            call(catalog, request, target, client, services)
        }
        "resources/read" if S::WHOLE && flags.contains(Flags::RESOURCES) => {
            let target = Target::resource(catalog, &request.params, modern)?;
            call(catalog, request, target, client, services)
        }
        "completion/complete" if S::WHOLE && flags.contains(Flags::COMPLETIONS) => {
            complete(catalog, request, client, services)
        }
        "server/discover" if modern => {
            let shared = services.store().is_some();
            let discovered = catalog.discover(shared);
            Ok(Answer::Ready(response(request.id, &[discovered])))
        }
        "ping" if !modern => Ok(Answer::Ready(response(request.id, &[b"{}"]))),
        method => Err(Failure::method_not_found(method, client.version)),
    }
}

/// What is about streams and the store. None: the request is about something else.
fn of_transport<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: &Request<'a>,
    client: &Client<'a>,
    services: &mut S,
) -> Result<Option<Answer<'a>>, Failure> {
    let modern = client.version.is_modern();
    let answer = match &*request.method {
        "logging/setLevel" if !modern && catalog.flags().contains(Flags::LOG) => {
            let level = request
                .params
                .level
                .ok_or_else(|| Failure::malformed_params("`level` is missing"))?;
            Answer::SetLevel(client::log_level(&level)?, response(request.id, &[b"{}"]))
        }
        "subscriptions/listen" if modern && S::WHOLE && keeps_state(catalog) => {
            listen(catalog, request, client, services)?
        }
        "resources/subscribe" | "resources/unsubscribe"
            if !modern && S::WHOLE && offer(catalog, services).updates =>
        {
            Answer::Ready(subscribe(request, client, services)?)
        }
        "tasks/get" | "tasks/update" | "tasks/cancel"
            if modern && S::WHOLE && offer(catalog, services).tasks =>
        {
            task(catalog, request, client, services)?
        }
        _ => return Ok(None),
    };
    Ok(Some(answer))
}

/// Whether the server is composed of what streams take that stay open.
fn keeps_state(catalog: &Catalog<'_>) -> bool {
    let flags = catalog.flags();
    [
        Flags::INPUT,
        Flags::RESOURCE_UPDATED,
        Flags::LIST_CHANGED,
        Flags::TASKS,
    ]
    .into_iter()
    .any(|flag| flags.contains(flag))
}

/// The answer to `initialize`.
pub fn initialized<S: Services>(
    catalog: &Catalog<'_>,
    id: &str,
    session: &Session,
    services: &mut S,
) -> Vec<u8> {
    response(id, &[&initialize_result(catalog, session, services)])
}

/// The result of `initialize`.
pub fn initialize_result<S: Services>(
    catalog: &Catalog<'_>,
    session: &Session,
    services: &mut S,
) -> Vec<u8> {
    let shared = services.store().is_some();
    let version = session.version.as_str().as_bytes();
    [
        b"{\"protocolVersion\":\"",
        version,
        b"\"",
        catalog.initialize(shared),
    ]
    .concat()
}

/// A JSON-RPC response whose result is these parts together.
fn response(id: &str, result: &[&[u8]]) -> Vec<u8> {
    let (before, between, after) = (&b"{\"jsonrpc\":\"2.0\",\"id\":"[..], b",\"result\":", b"}");
    let length: usize = result.iter().map(|part| part.len()).sum();
    let mut out =
        Vec::with_capacity(before.len() + id.len() + between.len() + length + after.len());
    out.extend_from_slice(before);
    out.extend_from_slice(id.as_bytes());
    out.extend_from_slice(between);
    result.iter().for_each(|part| out.extend_from_slice(part));
    out.extend_from_slice(after);
    out
}

fn list<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: Request<'a>,
    kind: ListKind,
    client: Client<'a>,
) -> Result<Answer<'a>, Failure> {
    let modern = client.version.is_modern();
    let cursor = match request.params.cursor {
        None => None,
        Some(value) => Some(
            value
                .as_str()
                .ok_or_else(|| Failure::malformed_params("`cursor` is not a string"))?,
        ),
    };
    if S::WHOLE
        && catalog.flags().contains(Flags::DYNAMIC)
        && let Some(target) = lists::target(catalog, kind, cursor.as_deref(), modern)?
    {
        let (id, meta) = (request.id, request.params.meta);
        return Ok(Answer::Call(Box::new(Call::new(
            *catalog,
            id,
            target,
            meta,
            Input::default(),
            client,
        ))));
    }
    let page = catalog
        .page(kind, cursor.as_deref())
        .ok_or_else(|| Failure::invalid_params("invalid cursor"))?;
    let mut next = Vec::new();
    if let Some(cursor) = page.next {
        next.extend_from_slice(b",\"nextCursor\":");
        json::string(&mut next, cursor);
    }
    let name = kind.member().as_bytes();
    Ok(Answer::Ready(if modern {
        response(
            request.id,
            &[
                b"{\"resultType\":\"complete\",\"",
                name,
                b"\":",
                page.modern,
                &next,
                catalog.list_end(kind),
            ],
        )
    } else {
        response(
            request.id,
            &[b"{\"", name, b"\":", page.legacy, &next, b"}"],
        )
    }))
}

fn call<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: Request<'a>,
    target: (Target<'a>, target::Slots),
    client: Client<'a>,
    services: &mut S,
) -> Result<Answer<'a>, Failure> {
    let mut client = client;
    without_tasks(catalog, &mut client, services);
    let input = input(&request.params, &target.0, &client, services)?;
    let meta = request.params.meta;
    Ok(Answer::Call(Box::new(Call::new(
        *catalog, request.id, target, meta, input, client,
    ))))
}

/// Where no task can be kept, no client is one that takes them.
pub fn without_tasks<S: Services>(
    catalog: &Catalog<'_>,
    client: &mut Client<'_>,
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

/// What a modern client brings back after it was asked.
pub fn input<S: Services>(
    params: &Params<'_>,
    target: &Target<'_>,
    client: &Client<'_>,
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
            Some(crate::input::unseal(target, client, &sealed, services)?)
        }
    };
    Ok(Input { responses, state })
}

/// The members of `inputResponses`, each name once.
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
            return malformed(format!("holds more than {MAX_RESPONSES} members"));
        }
        if all.iter().any(|(other, _)| *other == *key) {
            return malformed("names a member twice".to_owned());
        }
        all.push((key.into_owned(), value.text.to_owned()));
    }
    Ok(all)
}

fn complete<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: Request<'a>,
    client: Client<'a>,
    services: &mut S,
) -> Result<Answer<'a>, Failure> {
    let (target, slots) = Target::completion(catalog, &request.params)?;
    let asked = slots.is_some();
    let target = (target, slots.unwrap_or(target::Slots::One(0)));
    let meta = request.params.meta;
    let mut call = Call::new(*catalog, request.id, target, meta, Input::default(), client);
    if asked {
        return Ok(Answer::Call(Box::new(call)));
    }
    match call.settle(Outcome::Completion(Ok(Some(NO_COMPLETION))), services) {
        Step::Done(response) => Ok(Answer::Ready(response.body)),
        Step::Invoke | Step::Ask(_) => Err(Failure::internal("a completion asked for input")),
    }
}

/// What clients can listen to: what features may send, if there is a place where it meets
/// those who listen.
pub fn offer<S: Services>(catalog: &Catalog<'_>, services: &mut S) -> Offer {
    let flags = catalog.flags();
    let shared = services.store().is_some();
    let lists = shared && flags.contains(Flags::LIST_CHANGED);
    let changes = |exports: Flags| {
        let dynamic = exports.with(Flags::DYNAMIC).with(Flags::LIST_CHANGED);
        lists && catalog.slots_with(dynamic).next().is_some()
    };
    Offer {
        tools: changes(Flags::TOOLS),
        prompts: changes(Flags::PROMPTS),
        resources: changes(Flags::RESOURCES),
        updates: shared && flags.contains(Flags::RESOURCE_UPDATED),
        tasks: shared && flags.contains(Flags::TASKS),
    }
}

fn listen<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: &Request<'a>,
    client: &Client<'a>,
    services: &mut S,
) -> Result<Answer<'a>, Failure> {
    let offer = offer(catalog, services);
    let mut listener = Listener::modern(request.id, request.params.notifications, offer)?;
    if !listener.task_ids().is_empty() && !tasks::declared(&client.capabilities) {
        return Err(tasks::undeclared());
    }
    let principal = client.principal().to_owned();
    listener.retain_tasks(|id| tasks::peek(services, &principal, id).is_ok());
    let watched = Watched::new(*catalog, request.id, client.clone(), listener.task_ids());
    Ok(Answer::Listen(Box::new((listener, watched))))
}

/// How often a subscription is written before the store is given up on: two that are written
/// at once may undo each other.
const ATTEMPTS: usize = 5;
/// How long a store may take to show what was written elsewhere, in milliseconds.
const SETTLED_MS: u64 = 20;

fn subscribe<S: Services>(
    request: &Request<'_>,
    client: &Client<'_>,
    services: &mut S,
) -> Result<Vec<u8>, Failure> {
    let uri = request
        .params
        .uri
        .and_then(|uri| uri.as_str())
        .ok_or_else(|| Failure::malformed_params("`uri` is not a string"))?;
    let Some(session) = client.session_key.as_deref() else {
        return Err(Failure::invalid_params(
            "only a session can subscribe; begin one with `initialize`",
        ));
    };
    let expires = client.session_expires;
    let wanted = request.method == "resources/subscribe";
    for _ in 0..ATTEMPTS {
        if wanted {
            listen::subscribe(services, session, expires, &uri)
                .map_err(|refused| refused.failure())?;
        } else {
            listen::unsubscribe(services, session, expires, &uri).map_err(bridge::unavailable)?;
        }
        services.pause(SETTLED_MS);
        if listen::confirmed(services, session, expires, &uri, wanted)
            .map_err(bridge::unavailable)?
        {
            break;
        }
    }
    state::sweep_sometimes(services);
    Ok(response(request.id, &[b"{}"]))
}

/// A result that says no more than that the server did it.
const COMPLETE: &[u8] = b"{\"resultType\":\"complete\"}";

fn task<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: &Request<'a>,
    client: &Client<'a>,
    services: &mut S,
) -> Result<Answer<'a>, Failure> {
    if !tasks::declared(&client.capabilities) {
        return Err(tasks::undeclared());
    }
    let id = request
        .params
        .task_id
        .and_then(|id| id.as_str())
        .ok_or_else(|| Failure::malformed_params("`taskId` is not a string"))?;
    let principal = client.principal();
    let result = match &*request.method {
        "tasks/update" => {
            let responses = request
                .params
                .input_responses
                .filter(Value::is_object)
                .ok_or_else(|| Failure::malformed_params("`inputResponses` is not an object"))?;
            tasks::update(services, principal, &id, &responses)?;
            COMPLETE.to_vec()
        }
        "tasks/cancel" => {
            tasks::cancel(services, principal, &id)?;
            COMPLETE.to_vec()
        }
        _ => match tasks::get(services, principal, &id)? {
            tasks::Got::Ready(task) => task.into_result(),
            tasks::Got::Advance(task) => {
                let target = extension::target(catalog, &task, services).map_err(|_| {
                    let tool = excerpt(task.tool());
                    Failure::internal(format!("the tool `{tool}` of this task is gone"))
                })?;
                let input = Input {
                    responses: task.input_responses(),
                    state: Some(task.state().to_owned()),
                };
                let meta = request.params.meta;
                let client = client.clone();
                let mut call = Call::new(*catalog, request.id, target, meta, input, client);
                call.task = Some(task);
                if services.part() == ServerPart::Transport {
                    chain::pass_task(&mut call);
                }
                return Ok(Answer::Call(Box::new(call)));
            }
        },
    };
    Ok(Answer::Ready(extension::whole(
        catalog, request.id, &result,
    )))
}
