//! Replies of legacy clients to requests of the server. A reply is a request of its own and may
//! reach another instance than the call that waits for it. So both use the store
//! (https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#sending-messages-to-the-server).

use crate::{
    state::{
        keys, seal,
        services::{Services, Store, unavailable},
        sweep,
    },
    wire::{
        failure::{Failure, excerpt},
        json::{self, Object, Value},
        message::ClientReply,
        sse,
        types::types::InputRequest,
        version::Version,
    },
};

/// How long a user may take to answer, in milliseconds.
pub const PATIENCE_MS: u64 = 3_600_000;
/// The largest reply that is stored, in bytes: stores take at most 1 MB.
const MAX_REPLY: usize = 900_000;
/// How long a call may take after its client answered, if another node waits for it, in
/// milliseconds.
const LOST_MS: u64 = 600_000;
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
    /// How often the call has asked, this time included.
    rounds: u32,
    /// The stream of the call, if the client can resume it.
    stream: Option<AskingStream>,
}

/// The stream of a call that waits for its client.
#[derive(Debug)]
pub struct AskingStream {
    /// The key under which the latest stream of the call stores its stamp.
    pub latest: String,
    /// The key of the number of the last question whose replies were taken, and when.
    pub taken: String,
    /// The stamp of this stream.
    pub owner: Option<[u8; 16]>,
    /// The number of the first message.
    pub first: u32,
    /// The ids of the messages.
    pub ids: Vec<String>,
}

impl AskingStream {
    /// When a stream of the call took the replies, in milliseconds since 1970.
    fn taken_at(&self, store: &mut dyn Store) -> Result<Option<u64>, Failure> {
        let value = store
            .get(&[&self.taken])
            .map_err(unavailable)?
            .pop()
            .flatten();
        let text = value.and_then(|value| String::from_utf8(value).ok());
        Ok(text.and_then(|text| {
            let (first, at) = text.split_once(' ')?;
            at.parse().ok().filter(|_| first == self.first.to_string())
        }))
    }
}

/// The result of a look for replies.
#[derive(Clone, Debug, PartialEq)]
pub enum Polled {
    Waiting,
    Answered(Input),
    /// The client cancelled the call, so it must not be answered; or another stream goes on with
    /// it.
    Cancelled,
}

impl Asking {
    /// A call that does not ask anything yet. `session` and the `id` in `request` are those of
    /// the call; `state` goes back to its feature.
    pub(crate) fn new(
        session: &[u8],
        request: &str,
        state: Option<&str>,
        rounds: u32,
        now: u64,
    ) -> Asking {
        Asking {
            messages: Vec::new(),
            replies: Vec::new(),
            state: state.map(str::to_owned),
            session: session.to_vec(),
            request: request.to_owned(),
            since: now,
            rounds,
            stream: None,
        }
    }

    /// Reads what `write` wrote.
    pub(crate) fn read(session: &[u8], record: &Value<'_>) -> Option<Asking> {
        let text = |value: &Value<'_>, key| Some(value.member(key)?.as_str()?.into_owned());
        let number = |key| record.member(key)?.text.parse::<u64>().ok();
        let mut asking = Asking {
            since: number("since")?,
            rounds: u32::try_from(number("rounds")?).ok()?,
            state: text(record, "state"),
            ..Asking::new(session, record.member("id")?.text, None, 0, 0)
        };
        for asked in record.member("asked")?.elements() {
            let message = asked.member("message")?;
            asking.messages.push(message.text.as_bytes().to_vec());
            let reply = (
                text(&asked, "key")?,
                text(&message, "method")?,
                text(&asked, "reply")?,
            );
            asking.replies.push(reply);
        }
        Some(asking)
    }

    /// Writes what another node needs to wait for the replies.
    pub(crate) fn write(&self, object: &mut Object<'_>) {
        object.json("since", self.since.to_string().as_bytes());
        object.json("rounds", self.rounds.to_string().as_bytes());
        object.optional("state", self.state.as_deref());
        object.json("id", self.request.as_bytes());
        let out = object.key("asked");
        out.push(b'[');
        for (index, ((key, _, reply), message)) in
            self.replies.iter().zip(&self.messages).enumerate()
        {
            if index > 0 {
                out.push(b',');
            }
            let mut asked = Object::begin(out);
            asked.string("key", key);
            asked.string("reply", reply);
            asked.json("message", message);
            asked.end();
        }
        out.push(b']');
    }

    /// Makes this a part of a stream that can be resumed.
    pub(crate) fn stream(&mut self, stream: AskingStream) {
        self.stream = Some(stream);
    }

    /// How often the call has asked, this time included.
    pub(crate) fn rounds(&self) -> u32 {
        self.rounds
    }

    /// The messages as events.
    pub fn events(&self) -> impl Iterator<Item = Vec<u8>> {
        let ids = self.stream.as_ref().map_or(&[][..], |stream| &stream.ids);
        let messages = self.messages.iter().enumerate();
        messages.map(|(at, message)| sse::event_with_id(ids.get(at).map(String::as_str), message))
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
        let cancelled = cancellations(&self.session, &self.request, self.since, now);
        let owner = self.stream.as_ref().map(|stream| stream.latest.clone());
        let places: Vec<_> = replies.chain(cancelled).chain(owner).collect();
        let places: Vec<_> = places.iter().map(String::as_str).collect();
        let mut found = match services.store() {
            Some(store) if !self.replies.is_empty() => store.get(&places).map_err(unavailable)?,
            _ => Vec::new(),
        };
        let mut cancelled = found.split_off(self.replies.len().min(found.len()));
        if let Some(stream) = &self.stream {
            let latest = cancelled.pop().flatten();
            let own = stream.owner.as_ref().map(|owner| &owner[..]);
            if latest.is_some() && latest.as_deref() != own {
                return Ok(Polled::Cancelled);
            }
        }
        if cancelled.iter().any(Option::is_some) {
            return Ok(Polled::Cancelled);
        }
        let is_complete = found.iter().all(Option::is_some);
        if let (Some(stream), Some(store)) = (&self.stream, services.store())
            && (is_complete || stream.owner.is_some())
            && let Some(at) = stream.taken_at(store)?
        {
            return match now.saturating_sub(at) > LOST_MS {
                true => Err(Failure::internal(
                    "the node that went on with this call ended before it had an answer; call again",
                )),
                false => Ok(Polled::Waiting),
            };
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
            if let Some(stream) = &self.stream {
                let taken = format!("{} {now}", stream.first);
                store
                    .set(&stream.taken, taken.as_bytes())
                    .map_err(unavailable)?;
            }
            // If this fails, a sweep deletes them once they expired.
            let _ = store.delete(&places[..self.replies.len()]);
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
    sweep::put(services, &[(&place(&ticket, expires), &value)]).map_err(unavailable)
}

/// The key of a cancellation in this hour since 1970. It expires after the next hour, until when
/// the call may look for it.
fn cancellation(session: &[u8], request: &str, hour: u64) -> String {
    let of = [session, request.as_bytes()].concat();
    keys::key("cancelled", (hour + 2) * HOUR_MS, &of)
}

/// The keys of cancellations between two times.
fn cancellations(
    session: &[u8],
    request: &str,
    since: u64,
    now: u64,
) -> impl Iterator<Item = String> {
    let hours = since / HOUR_MS..=now / HOUR_MS;
    hours.map(move |hour| cancellation(session, request, hour))
}

/// Whether a client of this session cancelled a request that began at this time.
pub fn is_cancelled<S: Services>(
    services: &mut S,
    session: &[u8],
    request: &str,
    since: u64,
) -> Result<bool, Failure> {
    let now = services.now();
    let Some(store) = services.store() else {
        return Ok(false);
    };
    let places: Vec<_> = cancellations(session, request, since, now).collect();
    let places: Vec<_> = places.iter().map(String::as_str).collect();
    let found = store.get(&places).map_err(unavailable)?;
    Ok(found.iter().any(Option::is_some))
}

/// Stores that a client of this session cancelled a request, so that the waiting call ends.
/// `request` is the `id` as JSON.
pub fn cancel<S: Services>(services: &mut S, session: &[u8], request: &str) -> Result<(), Failure> {
    let place = cancellation(session, request, services.now() / HOUR_MS);
    sweep::put(services, &[(&place, b"")]).map_err(unavailable)
}

#[cfg(test)]
mod tests;
