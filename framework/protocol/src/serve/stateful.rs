//! Requests about streams and stored state: subscriptions, log levels, and tasks.

use super::{dispatched::Dispatched, task_call::task_call, watched::Watched};
use crate::{
    answer::response::{ready, whole},
    call::caller::{self, Caller},
    catalog::{Catalog, Flags},
    state::{
        listen::{self, Listener, Offer},
        services::{Services, unavailable},
        sweep, tasks,
    },
    wire::{
        failure::{Failure, excerpt},
        json::Value,
        message::Request,
    },
};

/// Handles requests about streams and stored state. None: the request is about something else.
pub fn of_transport<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: &Request<'a>,
    client: &Caller<'a>,
    services: &mut S,
) -> Result<Option<Dispatched<'a>>, Failure> {
    let modern = client.version.is_modern();
    let answer = match &*request.method {
        "logging/setLevel" if !modern && catalog.flags().contains(Flags::LOG) => {
            let level = request
                .params
                .level
                .ok_or_else(|| Failure::malformed_params("`level` is missing"))?;
            Dispatched::SetLevel(caller::log_level(&level)?, ready(request.id, &[b"{}"]))
        }
        "subscriptions/listen" if modern => listen(catalog, request, client, services)?,
        "resources/subscribe" | "resources/unsubscribe"
            if !modern && S::WHOLE && offer(catalog, services).updates =>
        {
            Dispatched::Ready(subscribe(request, client, services)?)
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

/// What clients can subscribe to: what features may report, if there is a store to share it.
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
    client: &Caller<'a>,
    services: &mut S,
) -> Result<Dispatched<'a>, Failure> {
    let unheard = || {
        let messages = listen::unheard(request.id, catalog.server_info());
        Ok(Dispatched::Unheard(messages))
    };
    if !S::WHOLE {
        return unheard();
    }
    let offer = offer(catalog, services);
    let mut listener = Listener::modern(request.id, request.params.notifications, offer)?;
    if offer == Offer::default() {
        return unheard();
    }
    if !listener.task_ids().is_empty() && !tasks::declared(&client.capabilities) {
        return Err(tasks::undeclared());
    }
    let principal = services.principal();
    listener.retain_tasks(|id| tasks::peek(services, &principal, id).is_ok());
    let watched = Watched::new(*catalog, request.id, client.clone(), listener.task_ids());
    Ok(Dispatched::Listen(Box::new((listener, watched))))
}

/// How often a subscription is written again: two concurrent writes may overwrite each other.
const ATTEMPTS: usize = 5;

/// How long a store may take to show concurrent writes, in milliseconds.
const SETTLED_MS: u64 = 20;

fn subscribe<S: Services>(
    request: &Request<'_>,
    client: &Caller<'_>,
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
            listen::unsubscribe(services, session, expires, &uri).map_err(unavailable)?;
        }
        services.pause(SETTLED_MS);
        if listen::confirmed(services, session, expires, &uri, wanted).map_err(unavailable)? {
            break;
        }
    }
    sweep::sometimes(services);
    Ok(ready(request.id, &[b"{}"]))
}

/// The result of a request that returns nothing.
const COMPLETE: &[u8] = b"{\"resultType\":\"complete\"}";

fn task<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: &Request<'a>,
    client: &Caller<'a>,
    services: &mut S,
) -> Result<Dispatched<'a>, Failure> {
    if !tasks::declared(&client.capabilities) {
        return Err(tasks::undeclared());
    }
    let id = request
        .params
        .task_id
        .and_then(|id| id.as_str())
        .ok_or_else(|| Failure::malformed_params("`taskId` is not a string"))?;
    let principal = &services.principal();
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
                let tool = excerpt(task.tool()).into_owned();
                let (client, meta) = (client.clone(), request.params.meta);
                let call = task_call(catalog, request.id, meta, client, task, services);
                let call = call.map_err(|_| {
                    Failure::internal(format!("the tool `{tool}` of this task is gone"))
                })?;
                return Ok(Dispatched::Call(Box::new(call)));
            }
        },
    };
    Ok(Dispatched::Ready(whole(catalog, request.id, &result)))
}
