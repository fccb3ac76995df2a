//! Asks legacy clients for input, by requests on the stream of the call that needs it. The
//! replies are requests of their own, which may reach another instance: they meet the call in
//! the store
//! (https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#sending-messages-to-the-server).

use crate::{
    call::{Call, Input},
    catalog::Flags,
    state::{
        keys, seal,
        services::{Services, Unavailable},
    },
    wire::{
        failure::{Failure, excerpt},
        json::{self, Object, Value},
        message::Response,
        types::types::InputRequired,
    },
};

/// How long people may take to answer, in milliseconds.
const PATIENCE_MS: u64 = 600_000;
/// How often one call may ask. A feature that wants more goes in circles.
const MAX_ROUNDS: u32 = 32;
/// The largest reply that is kept, in bytes: stores take no more than 1 MB.
const MAX_REPLY: usize = 900_000;
const HOUR_MS: u64 = 3_600_000;
const RESULT: u8 = b'r';
const ERROR: u8 = b'e';

/// A call that waits for its client.
#[derive(Debug)]
pub struct Asking {
    messages: Vec<Vec<u8>>,
    /// The feature's key for each request, its method, and where the reply will be.
    replies: Vec<(String, String, String)>,
    state: Option<String>,
    /// Whose call it is, and the `id` of its request.
    session: Vec<u8>,
    request: String,
    /// Milliseconds since 1970.
    since: u64,
}

/// What became of a call that waits for its client.
#[derive(Clone, Debug, PartialEq)]
pub enum Polled {
    Waiting,
    Answered(Input),
    /// The client gave up on the call: nothing is to be answered.
    Cancelled,
}

/// Begins to ask for what a feature needs.
pub fn ask<S: Services>(
    call: &mut Call<'_>,
    required: &InputRequired,
    services: &mut S,
) -> Result<Asking, Failure> {
    let describe = || call.target.describe();
    let Some(session) = call.client.session_key.as_deref() else {
        return Err(Failure::internal(format!(
            "{} needs input from the user, but this client has no session; begin one with `initialize`",
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
    let mut asking = Asking {
        messages: Vec::new(),
        replies: Vec::new(),
        state: required.state.clone(),
        session: session.to_vec(),
        request: call.id.to_owned(),
        since: services.now(),
    };
    for request in &required.requests {
        let (ticket, expires) = seal::mint_ticket(services, session, PATIENCE_MS)?;
        let mut message = Vec::new();
        let mut object = Object::begin(&mut message);
        object.string("jsonrpc", "2.0");
        object.string("id", &ticket);
        object.string("method", &request.method);
        // Well-formed, as it was checked.
        let _ = json::compact(object.key("params"), &request.params);
        object.end();
        asking.messages.push(message);
        asking.replies.push((
            request.key.clone(),
            request.method.clone(),
            place(&ticket, expires),
        ));
    }
    call.rounds += 1;
    Ok(asking)
}

/// Whether who asks can read what the client replies.
pub fn check_reader<S: Services>(call: &Call<'_>) -> Result<(), Failure> {
    if S::WHOLE && call.flags().contains(Flags::INPUT) {
        return Ok(());
    }
    Err(Failure::internal(format!(
        "{} asks for input that its feature cannot read: let it import `input`",
        call.target.describe()
    )))
}

fn place(ticket: &str, expires: u64) -> String {
    keys::key("reply", expires, ticket.as_bytes())
}

impl Asking {
    /// JSON-RPC requests for the client, in order.
    pub fn messages(&self) -> impl Iterator<Item = &[u8]> {
        self.messages.iter().map(Vec::as_slice)
    }

    /// What the client replied, once all of it is there.
    pub fn poll<S: Services>(&self, services: &mut S) -> Result<Polled, Failure> {
        let now = services.now();
        let late = now > self.since + PATIENCE_MS;
        let replies = self.replies.iter().map(|(_, _, place)| place.clone());
        let hours = self.since / HOUR_MS..=now / HOUR_MS;
        let cancelled = hours.map(|hour| cancellation(&self.session, &self.request, hour));
        let places: Vec<_> = replies.chain(cancelled).collect();
        let places: Vec<_> = places.iter().map(String::as_str).collect();
        let mut found = match services.store() {
            Some(store) if !self.replies.is_empty() => store.get(&places).map_err(unavailable)?,
            _ => Vec::new(),
        };
        let cancelled = found.split_off(self.replies.len().min(found.len()));
        if cancelled.iter().any(Option::is_some) {
            return Ok(Polled::Cancelled);
        }
        let mut responses = Vec::new();
        for ((key, method, _), reply) in self.replies.iter().zip(found) {
            let Some(reply) = reply else {
                if late {
                    return Err(Failure::internal(format!(
                        "the client did not answer `{method}` within {} minutes",
                        PATIENCE_MS / 60_000
                    )));
                }
                return Ok(Polled::Waiting);
            };
            responses.push((key.clone(), read(method, reply)?));
        }
        if let Some(store) = services.store().filter(|_| !self.replies.is_empty()) {
            // What is left behind is swept away once it expired.
            let _ = store.delete(&places);
        }
        Ok(Polled::Answered(Input {
            responses,
            state: self.state.clone(),
        }))
    }
}

fn read(method: &str, reply: Vec<u8>) -> Result<String, Failure> {
    let text = |bytes: &[u8]| str::from_utf8(bytes).map(str::to_owned).ok();
    match reply.split_first() {
        Some((&RESULT, result)) => {
            text(result).ok_or_else(|| Failure::internal("the store holds a damaged reply"))
        }
        Some((&ERROR, error)) => {
            let error = text(error).unwrap_or_default();
            let message = Value::parse(&error)
                .ok()
                .and_then(|error| error.member("message"))
                .and_then(|message| message.as_str())
                .unwrap_or_default();
            Err(Failure::internal(format!(
                "the client refused `{method}`: {}",
                excerpt(&message)
            )))
        }
        _ => Err(Failure::internal("the store holds a damaged reply")),
    }
}

/// Keeps what a client of this session replied, if it was asked for that.
pub fn accept<S: Services>(
    services: &mut S,
    session: &[u8],
    response: &Response<'_>,
) -> Result<(), Failure> {
    if services.store().is_none() {
        return Ok(());
    }
    let Some(ticket) = response.id.and_then(|id| id.as_str()) else {
        return Ok(());
    };
    let Some(expires) = seal::check_ticket(services, session, &ticket)? else {
        return Ok(());
    };
    let (kind, text) = match response.outcome {
        Ok(result) if result.text.len() > MAX_REPLY => (ERROR, r#"{"message":"too large"}"#),
        Ok(result) => (RESULT, result.text),
        Err(error) => (
            ERROR,
            &error.text[..error.text.floor_char_boundary(MAX_REPLY)],
        ),
    };
    let mut value = vec![kind];
    value.extend_from_slice(text.as_bytes());
    if let Some(store) = services.store() {
        store
            .set(&place(&ticket, expires), &value)
            .map_err(unavailable)?;
    }
    keys::sweep_sometimes(services);
    Ok(())
}

/// Where it is noted that the client gave up on a request, in an hour since 1970. It is kept
/// through the next one, in which the call may look for it.
fn cancellation(session: &[u8], request: &str, hour: u64) -> String {
    let of = [session, request.as_bytes()].concat();
    keys::key("cancelled", (hour + 2) * HOUR_MS, &of)
}

/// Notes that a client of this session gave up on a request: a call that waits for it ends.
/// `request` is the `id` as JSON.
pub fn cancel<S: Services>(services: &mut S, session: &[u8], request: &str) -> Result<(), Failure> {
    let place = cancellation(session, request, services.now() / HOUR_MS);
    if let Some(store) = services.store() {
        store.set(&place, b"").map_err(unavailable)?;
        keys::sweep_sometimes(services);
    }
    Ok(())
}

/// What clients are told of a store that fails: no details.
pub fn unavailable(_: Unavailable) -> Failure {
    Failure::new(
        503,
        crate::wire::failure::INTERNAL_ERROR,
        "the server's store is not available",
    )
}

#[cfg(test)]
mod tests;
