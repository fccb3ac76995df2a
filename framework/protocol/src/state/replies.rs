//! Replies of legacy clients to requests of the server. A reply is a request of its own and may
//! reach another instance than the call that waits for it. So both use the store
//! (https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#sending-messages-to-the-server).

use crate::{
    state::{
        keys, seal,
        services::{Services, unavailable},
    },
    wire::{
        failure::{Failure, excerpt},
        json::{self, Object, Value},
        message::ClientReply,
        types::types::InputRequest,
        version::Version,
    },
};

/// How long a user may take to answer, in milliseconds.
const PATIENCE_MS: u64 = 600_000;
/// The largest reply that is stored, in bytes: stores take at most 1 MB.
const MAX_REPLY: usize = 900_000;
const HOUR_MS: u64 = 3_600_000;
const RESULT: u8 = b'r';
const ERROR: u8 = b'e';

/// The client's answers to `input-required`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Input {
    /// Keys, and JSON values.
    pub responses: Vec<(String, String)>,
    pub state: Option<String>,
}

/// A call that waits for its client.
#[derive(Debug)]
pub struct Asking {
    messages: Vec<Vec<u8>>,
    /// For each request: the feature's key, the method, and the key of the reply in the store.
    replies: Vec<(String, String, String)>,
    state: Option<String>,
    /// The session of the call, and the `id` of its request.
    session: Vec<u8>,
    request: String,
    /// When the call began to wait, in milliseconds since 1970.
    since: u64,
}

/// The result of a look for replies.
#[derive(Clone, Debug, PartialEq)]
pub enum Polled {
    Waiting,
    Answered(Input),
    /// The client cancelled the call, so it must not be answered.
    Cancelled,
}

impl Asking {
    /// A call that does not ask anything yet. `session` and the `id` in `request` are those of
    /// the call; `state` goes back to its feature.
    pub(crate) fn new(session: &[u8], request: &str, state: Option<&str>, now: u64) -> Asking {
        Asking {
            messages: Vec::new(),
            replies: Vec::new(),
            state: state.map(str::to_owned),
            session: session.to_vec(),
            request: request.to_owned(),
            since: now,
        }
    }

    /// Adds a request for the client.
    pub(crate) fn add<S: Services>(
        &mut self,
        services: &mut S,
        request: &InputRequest,
        version: Version,
    ) -> Result<(), Failure> {
        let (ticket, expires) = seal::mint_ticket(services, &self.session, PATIENCE_MS)?;
        let mut message = Vec::new();
        let mut object = Object::begin(&mut message);
        object.string("jsonrpc", "2.0");
        object.string("id", &ticket);
        object.string("method", &request.method);
        let params = object.key("params");
        // This cannot fail: the request was checked.
        let asked = json::compact(params, &request.params).ok();
        let text = |name| asked.and_then(|asked| asked.member(name));
        if version.has_elicitation_ids()
            && text("mode").is_some_and(|mode| mode.is_str("url"))
            && text("elicitationId").is_none()
        {
            params.pop();
            let mut params = Object::resume(params);
            params.string("elicitationId", &ticket);
            params.end();
        }
        object.end();
        self.messages.push(message);
        self.replies.push((
            request.key.clone(),
            request.method.clone(),
            place(&ticket, expires),
        ));
        Ok(())
    }

    /// The JSON-RPC requests for the client, in order.
    pub fn messages(&self) -> impl Iterator<Item = &[u8]> {
        self.messages.iter().map(Vec::as_slice)
    }

    /// The client's replies, once all have arrived.
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
            // If this fails, a sweep deletes them once they expired.
            let _ = store.delete(&places);
        }
        Ok(Polled::Answered(Input {
            responses,
            state: self.state.clone(),
        }))
    }
}

fn place(ticket: &str, expires: u64) -> String {
    keys::key("reply", expires, ticket.as_bytes())
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

/// Stores the reply of a client of this session, if it was asked for.
pub fn accept<S: Services>(
    services: &mut S,
    session: &[u8],
    response: &ClientReply<'_>,
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

/// The key of a cancellation in this hour since 1970. It expires after the next hour, until when
/// the call may look for it.
fn cancellation(session: &[u8], request: &str, hour: u64) -> String {
    let of = [session, request.as_bytes()].concat();
    keys::key("cancelled", (hour + 2) * HOUR_MS, &of)
}

/// Stores that a client of this session cancelled a request, so that the waiting call ends.
/// `request` is the `id` as JSON.
pub fn cancel<S: Services>(services: &mut S, session: &[u8], request: &str) -> Result<(), Failure> {
    let place = cancellation(session, request, services.now() / HOUR_MS);
    if let Some(store) = services.store() {
        store.set(&place, b"").map_err(unavailable)?;
        keys::sweep_sometimes(services);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
