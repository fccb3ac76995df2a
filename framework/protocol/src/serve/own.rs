//! Requests that a part of a server handles itself.

use super::{chain, dispatched::Dispatched, params, stateful};
use crate::{
    answer::{response::ready, result::NO_COMPLETION},
    call::{
        Call, CallStep, FeatureOutcome, Input, access,
        caller::Caller,
        target::{self, Target},
    },
    catalog::{Catalog, Flags, ListKind},
    state::services::{ServerPart, Services},
    wire::{failure::Failure, json, message::Request},
};

/// Handles a request. A transport handles streams and stored state, a router everything else,
/// and a server without a chain both.
pub fn own<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: Request<'a>,
    client: Caller<'a>,
    services: &mut S,
) -> Result<Dispatched<'a>, Failure> {
    if services.part() != ServerPart::Router
        && let Some(answer) = stateful::of_transport(catalog, &request, &client, services)?
    {
        return Ok(answer);
    }
    if services.part() == ServerPart::Transport {
        return Err(Failure::method_not_found(&request.method, client.version));
    }
    let modern = client.version.is_modern();
    let flags = catalog.flags();
    // Many clients ask for every list, whatever a server declares.
    if let Some(kind) = target::list_kind(&request.method) {
        return list(catalog, request, kind, client, services);
    }
    match &*request.method {
        "tools/call" if flags.contains(Flags::TOOLS) => {
            let target = Target::tool(catalog, &request.params);
            call(catalog, request, target, client, services)
        }
        "prompts/get" if S::WHOLE && flags.contains(Flags::PROMPTS) => {
            let target = Target::prompt(catalog, &request.params);
            call(catalog, request, target, client, services)
        }
        "resources/read" if S::WHOLE && flags.contains(Flags::RESOURCES) => {
            let target = Target::resource(catalog, &request.params, modern);
            call(catalog, request, target, client, services)
        }
        "completion/complete" if S::WHOLE && flags.contains(Flags::COMPLETIONS) => {
            complete(catalog, request, client, services)
        }
        "server/discover" if modern => {
            let shared = services.store().is_some();
            let discovered = catalog.discover(shared);
            Ok(Dispatched::Ready(ready(request.id, &[discovered])))
        }
        "ping" if !modern => Ok(Dispatched::Ready(ready(request.id, &[b"{}"]))),
        method => Err(Failure::method_not_found(method, client.version)),
    }
}

fn list<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: Request<'a>,
    kind: ListKind,
    client: Caller<'a>,
    services: &mut S,
) -> Result<Dispatched<'a>, Failure> {
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
        && let Some(target) = Target::list(catalog, kind, cursor.as_deref(), modern)?
    {
        let (id, meta) = (request.id, request.params.meta);
        return Ok(Dispatched::Call(Box::new(Call::new(
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
    let entries = if modern { page.modern } else { page.legacy };
    let seen = match str::from_utf8(entries) {
        Ok(list) if S::AUTH => {
            let client = (&client, request.params.text);
            access::visible(catalog, kind, client, list, services)?
        }
        _ => None,
    };
    let entries = seen.as_deref().unwrap_or(entries);
    Ok(Dispatched::Ready(if modern {
        ready(
            request.id,
            &[
                b"{\"resultType\":\"complete\",\"",
                name,
                b"\":",
                entries,
                &next,
                catalog.list_end(kind),
            ],
        )
    } else {
        ready(request.id, &[b"{\"", name, b"\":", entries, &next, b"}"])
    }))
}

fn call<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: Request<'a>,
    target: Result<(Target<'a>, target::Slots), Failure>,
    mut client: Caller<'a>,
    services: &mut S,
) -> Result<Dispatched<'a>, Failure> {
    let target = match target {
        Ok(target) => target,
        Err(failure) => {
            // Whatever else is wrong comes first, as it does where features must be asked.
            if failure.unknown {
                chain::request(catalog, request, client, services)?;
            }
            return Err(failure);
        }
    };
    params::without_tasks(catalog, &mut client, services);
    let input = params::input(&request.params, &target.0, &client, services)?;
    let meta = request.params.meta;
    Ok(Dispatched::Call(Box::new(Call::new(
        *catalog, request.id, target, meta, input, client,
    ))))
}

fn complete<'a, S: Services>(
    catalog: &Catalog<'a>,
    request: Request<'a>,
    client: Caller<'a>,
    services: &mut S,
) -> Result<Dispatched<'a>, Failure> {
    let (target, slots) = Target::completion(catalog, &request.params)?;
    let asked = slots.is_some();
    let target = (target, slots.unwrap_or(target::Slots::One(0)));
    let meta = request.params.meta;
    let mut call = Call::new(*catalog, request.id, target, meta, Input::default(), client);
    if asked {
        return Ok(Dispatched::Call(Box::new(call)));
    }
    match call.settle(
        FeatureOutcome::Completion(Ok(Some(NO_COMPLETION))),
        services,
    ) {
        CallStep::Done(response) => Ok(Dispatched::Ready(response.body)),
        CallStep::Invoke | CallStep::Ask(_) => {
            Err(Failure::internal("a completion asked for input"))
        }
    }
}
