//! The stream of a call that asks its legacy client, which the client can resume on any node: a
//! `GET` with the id of the last event that it received
//! (https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#resumability-and-redelivery).
//!
//! The store has the request, the questions that are open, and in the end the answer. Features
//! keep nothing while they wait, so a node that knows these can go on with the call. Of two
//! streams of a call, the latest goes on. The keys contain the session and random bytes, so an id
//! is of no use to another session.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    keys,
    replies::{Asking, AskingStream, PATIENCE_MS},
    services::{Services, Store, Unavailable},
    sweep,
};
use crate::wire::{
    json::{Object, Value},
    sse,
};

/// How long a call can be resumed, in milliseconds.
const LIFETIME_MS: u64 = 2 * PATIENCE_MS;
/// The largest value that is stored, in bytes.
pub const LARGEST: usize = 900_000;
/// How long a call may take until it asks, for one that is resumed before it has, in
/// milliseconds.
const SILENT_MS: u64 = 10 * 60 * 1000;
/// How long a node that resumes a call leaves it to the one before it, in milliseconds. By then,
/// that one knows: it looks more often.
const SETTLED_MS: u64 = 300;
/// An id contains its expiry in seconds, and random bytes.
const ID: usize = 20;

/// A stream of a call.
#[derive(Clone, Debug)]
pub struct CallStream {
    session: Vec<u8>,
    id: [u8; ID],
    /// What tells this stream from others of the call. None: it is the first one.
    owner: Option<[u8; 16]>,
    /// The number of the next event.
    next: u32,
    /// Whether the request is stored.
    is_kept: bool,
}

/// The id of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventId {
    stream: [u8; ID],
    number: u32,
}

impl EventId {
    /// None: `CallStream` did not make this text.
    pub fn parse(text: &[u8]) -> Option<EventId> {
        let (stream, number) = str::from_utf8(text).ok()?.split_once('.')?;
        Some(EventId {
            stream: URL_SAFE_NO_PAD.decode(stream).ok()?.try_into().ok()?,
            number: number.parse().ok()?,
        })
    }

    /// When the call can no longer be resumed, in milliseconds since 1970.
    fn expires(&self) -> u64 {
        expires(&self.stream)
    }

    fn key(&self, kind: &str, session: &[u8]) -> String {
        keys::key(kind, self.expires(), &[session, &self.stream].concat())
    }
}

fn expires(id: &[u8; ID]) -> u64 {
    let seconds = id.first_chunk().copied().unwrap_or_default();
    u64::from(u32::from_be_bytes(seconds)) * 1000
}

/// The request of a call that a client resumes, if it has asked. The session is that of the
/// client.
pub fn request<S: Services>(services: &mut S, session: &[u8], event: EventId) -> Option<Vec<u8>> {
    let key = event.key("call-request", session);
    services.store()?.get(&[&key]).ok()?.pop()?
}

impl CallStream {
    pub fn new<S: Services>(services: &mut S, session: &[u8]) -> CallStream {
        let expires = services.now().saturating_add(LIFETIME_MS).div_ceil(1000);
        let expires = u32::try_from(expires).unwrap_or(u32::MAX);
        let mut id = [0; ID];
        id[..4].copy_from_slice(&expires.to_be_bytes());
        id[4..].copy_from_slice(&services.random());
        CallStream {
            session: session.to_vec(),
            id,
            owner: None,
            next: 0,
            is_kept: false,
        }
    }

    /// The event that lets a client resume the stream before it has received a message. Clients
    /// know it since 2025-11-25.
    pub fn opening(&mut self) -> Vec<u8> {
        sse::opening(&self.next_id())
    }

    /// Whether the client knows an id of the stream.
    pub fn has_sent(&self) -> bool {
        self.next > 0
    }

    fn next_id(&mut self) -> String {
        let id = URL_SAFE_NO_PAD.encode(self.id);
        self.next += 1;
        format!("{id}.{}", self.next - 1)
    }

    fn key(&self, kind: &str) -> String {
        let event = EventId {
            stream: self.id,
            number: 0,
        };
        event.key(kind, &self.session)
    }

    /// Keeps a call that asks, and gives its questions ids. If the store fails, the call cannot
    /// be resumed, but goes on.
    pub fn keep<S: Services>(&mut self, services: &mut S, request: &str, asking: &mut Asking) {
        let (first, before) = (self.next, self.clone());
        let ids = asking.messages().map(|_| self.next_id()).collect();
        let mut record = Vec::new();
        let mut object = Object::begin(&mut record);
        object.json("event", first.to_string().as_bytes());
        asking.write(&mut object);
        object.end();
        if request.len() > LARGEST || record.len() > LARGEST {
            return;
        }
        let Some(store) = services.store() else {
            return;
        };
        let (of_request, of_call) = (self.key("call-request"), self.key("call"));
        let write = |store: &mut dyn Store| -> Result<(), Unavailable> {
            if !before.is_kept {
                store.set(&of_request, request.as_bytes())?;
                let others = [self.key("call-stream"), self.key("call-taken")];
                sweep::note(store, &[&of_request, &of_call, &others[0], &others[1]]);
            }
            store.set(&of_call, &record)
        };
        if write(store).is_err() {
            *self = before;
            return;
        }
        self.is_kept = true;
        asking.stream(self.of_asking(first, ids));
        sweep::sometimes(services);
    }

    fn of_asking(&self, first: u32, ids: Vec<String>) -> AskingStream {
        AskingStream {
            latest: self.key("call-stream"),
            taken: self.key("call-taken"),
            owner: self.owner,
            first,
            ids,
        }
    }

    /// Keeps the answer, a JSON-RPC response, for a client that has not received it; returns the
    /// id of its event.
    pub fn answer<S: Services>(&mut self, services: &mut S, body: &[u8]) -> Option<String> {
        let (of_request, of_call) = (self.key("call-request"), self.key("call"));
        let number = self.next;
        let mut record = Vec::with_capacity(body.len() + 64);
        let mut object = Object::begin(&mut record);
        object.json("event", number.to_string().as_bytes());
        object.json("answer", body);
        object.end();
        let store = services.store()?;
        store.set(&of_call, &record).ok()?;
        if self.is_kept {
            // If this fails, a sweep deletes it.
            let _ = store.delete(&[&of_request]);
        } else {
            sweep::note(store, &[&of_call]);
            sweep::sometimes(services);
        }
        Some(self.next_id())
    }
}

/// What a stream that goes on with a call learns from the store.
#[derive(Debug)]
pub enum Look {
    Waiting,
    /// The questions that the client has not received.
    Asked(Vec<Vec<u8>>),
    /// The answer as an event, which ends the stream.
    Answered(Vec<u8>),
    /// There is nothing more to send, now or later.
    Over,
}

/// A stream that goes on with a call.
#[derive(Debug)]
pub struct Resumed {
    pub stream: CallStream,
    /// The number of the last event that the client received.
    last: u32,
    /// What the call waits for, once that is known.
    pub asking: Option<Asking>,
    /// The number of the first of its events.
    first: u32,
    since: u64,
}

impl Resumed {
    /// Takes over the call. None: nothing more is to come, or the store fails.
    pub fn begin<S: Services>(
        services: &mut S,
        session: &[u8],
        event: EventId,
    ) -> Result<Option<Resumed>, Unavailable> {
        let (now, owner) = (services.now(), services.random());
        let stream = CallStream {
            session: session.to_vec(),
            id: event.stream,
            owner: Some(owner),
            next: event.number.saturating_add(1),
            is_kept: true,
        };
        let (of_call, of_stream) = (stream.key("call"), stream.key("call-stream"));
        let Some(store) = services.store().filter(|_| now < event.expires()) else {
            return Ok(None);
        };
        let known = store.get(&[&of_call])?.pop().flatten();
        let is_old = event.expires().saturating_sub(now) < LIFETIME_MS - SILENT_MS;
        if known.is_none() && is_old {
            return Ok(None);
        }
        let has_answer = |record: &Record<'_>| record.answer.is_some();
        let text = known
            .as_deref()
            .and_then(|known| str::from_utf8(known).ok());
        let record = text.and_then(Record::read);
        if record.is_some_and(|record| has_answer(&record) && record.event <= event.number) {
            return Ok(None);
        }
        store.set(&of_stream, &owner)?;
        sweep::note(store, &[&of_stream]);
        Ok(Some(Resumed {
            stream,
            last: event.number,
            asking: None,
            first: 0,
            since: now,
        }))
    }

    /// Whether the stream before this one has had time to leave the call to it.
    pub fn is_settled<S: Services>(&self, services: &mut S) -> bool {
        services.now().saturating_sub(self.since) >= SETTLED_MS
    }

    /// Looks at the call. If the store fails, the next look may succeed.
    pub fn look<S: Services>(&mut self, services: &mut S) -> Result<Look, Unavailable> {
        let keys = [self.stream.key("call-stream"), self.stream.key("call")];
        let Some(store) = services.store() else {
            return Ok(Look::Over);
        };
        let mut values = store.get(&keys.each_ref().map(String::as_str))?.into_iter();
        let (owner, call) = (values.next().flatten(), values.next().flatten());
        if owner.as_deref() != self.stream.owner.as_ref().map(|owner| &owner[..]) {
            return Ok(Look::Over);
        }
        let text = call.as_deref().and_then(|call| str::from_utf8(call).ok());
        let Some(record) = text.and_then(Record::read) else {
            return Ok(Look::Waiting);
        };
        if let Some(answer) = record.answer {
            self.stream.next = record.event;
            let id = self.stream.next_id();
            return Ok(match record.event > self.last {
                true => Look::Answered(sse::event_with_id(Some(&id), answer.text.as_bytes())),
                false => Look::Over,
            });
        }
        if self.asking.is_some() && self.first == record.event {
            return Ok(Look::Waiting);
        }
        let Some(mut asking) = Asking::read(&self.stream.session, &record.value) else {
            return Ok(Look::Over);
        };
        self.first = record.event;
        self.stream.next = record.event;
        let ids = asking.messages().map(|_| self.stream.next_id()).collect();
        asking.stream(self.stream.of_asking(self.first, ids));
        let received = self.last.saturating_add(1).saturating_sub(self.first) as usize;
        let events = asking.events().skip(received).collect();
        self.asking = Some(asking);
        Ok(Look::Asked(events))
    }
}

/// A call as the store has it.
struct Record<'r> {
    event: u32,
    answer: Option<Value<'r>>,
    value: Value<'r>,
}

impl<'r> Record<'r> {
    fn read(text: &'r str) -> Option<Record<'r>> {
        let value = Value::parse(text).ok()?;
        Some(Record {
            event: value.member("event")?.text.parse().ok()?,
            answer: value.member("answer"),
            value,
        })
    }
}
