//! The resources that a session is subscribed to
//! (https://modelcontextprotocol.io/specification/2025-11-25/server/resources#subscriptions).
//!
//! They are one value in the store. If two instances change it at once, both read the same
//! value, and the second write overwrites the first. So after `subscribe` and `unsubscribe` wait
//! a little and call `confirmed`; if it gives false, begin again.

use super::{
    change::Change,
    filter::{LONGEST_NAME, MOST_RESOURCES},
    watch::{self, Stamp, Topic},
};
use crate::{
    state::{
        keys,
        services::{Services, Store, Unavailable},
        sweep,
    },
    wire::failure::Failure,
};

/// Why a session was not subscribed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The URI is longer than `LONGEST_NAME`.
    TooLong,
    /// The session already has `MOST_RESOURCES` subscriptions.
    TooMany,
    Unavailable(Unavailable),
}

impl Refused {
    /// The failure for the client.
    pub fn failure(&self) -> Failure {
        match self {
            Refused::TooLong => {
                Failure::malformed_params(format!("`uri` has more than {LONGEST_NAME} bytes"))
            }
            Refused::TooMany => Failure::invalid_params(format!(
                "the session is subscribed to {MOST_RESOURCES} resources, which is the maximum; unsubscribe from one of them first"
            )),
            Refused::Unavailable(_) => {
                Failure::internal("the server's key-value store did not answer; try again later")
            }
        }
    }
}

impl From<Unavailable> for Refused {
    fn from(unavailable: Unavailable) -> Refused {
        Refused::Unavailable(unavailable)
    }
}

/// Subscribes a session to a resource; does nothing if it is subscribed. The session lasts until
/// `expires` (milliseconds since 1970). `session` identifies it and may have any length.
///
/// Another instance that writes at the same time can undo it: see `confirmed`.
pub fn subscribe<S: Services>(
    services: &mut S,
    session: &[u8],
    expires: u64,
    uri: &str,
) -> Result<(), Refused> {
    if uri.len() > LONGEST_NAME {
        return Err(Refused::TooLong);
    }
    let now = services.now();
    let store = store(services)?;
    let key = key(session, expires);
    let change = Change::Resource(uri.to_owned());
    let topic = change.topic();
    let names: Vec<String> = watch::windows(now, now)
        .map(|window| watch::name(&topic, window))
        .collect();
    let asked: Vec<&str> = [&key].into_iter().chain(&names).map(|s| &**s).collect();
    let mut values = store.get(&asked)?.into_iter();
    let mut record = decode(values.next().flatten().as_deref());
    if record.iter().any(|topic| topic.change == change) {
        return Ok(());
    }
    if record.len() >= MOST_RESOURCES {
        return Err(Refused::TooMany);
    }
    record.push(Topic::new(change, watch::stamps(values)));
    store.set(&key, &encode(&record))?;
    sweep::note(store, &[&key]);
    Ok(())
}

/// Ends the subscription of a session to a resource; does nothing if there is none.
///
/// Another instance that writes at the same time can undo it: see `confirmed`.
pub fn unsubscribe<S: Services>(
    services: &mut S,
    session: &[u8],
    expires: u64,
    uri: &str,
) -> Result<(), Unavailable> {
    let store = store(services)?;
    let key = key(session, expires);
    let mut record = read(store, &key)?;
    let before = record.len();
    record.retain(|topic| !is_of(topic, uri));
    if record.len() == before {
        return Ok(());
    }
    if record.is_empty() {
        return store.delete(&[&key]);
    }
    store.set(&key, &encode(&record))
}

/// Whether the store still has the subscription of a session to this resource; with `wanted`
/// false, whether it does not.
pub fn confirmed<S: Services>(
    services: &mut S,
    session: &[u8],
    expires: u64,
    uri: &str,
    wanted: bool,
) -> Result<bool, Unavailable> {
    let record = read(store(services)?, &key(session, expires))?;
    Ok(record.iter().any(|topic| is_of(topic, uri)) == wanted)
}

/// The URIs that a session is subscribed to, the oldest first.
pub fn subscriptions<S: Services>(
    services: &mut S,
    session: &[u8],
    expires: u64,
) -> Result<Vec<String>, Unavailable> {
    let record = read(store(services)?, &key(session, expires))?;
    let uris = record.into_iter().filter_map(|topic| match topic.change {
        Change::Resource(uri) => Some(uri),
        _ => None,
    });
    Ok(uris.collect())
}

fn store<S: Services>(services: &mut S) -> Result<&mut dyn Store, Unavailable> {
    let absent = || Unavailable("the server was composed without a key-value store".to_owned());
    services.store().ok_or_else(absent)
}

fn read(store: &mut dyn Store, key: &str) -> Result<Vec<Topic>, Unavailable> {
    let value = store.get(&[key])?.into_iter().next().flatten();
    Ok(decode(value.as_deref()))
}

fn is_of(topic: &Topic, uri: &str) -> bool {
    matches!(&topic.change, Change::Resource(known) if known == uri)
}

/// The key of a session's subscriptions.
pub(super) fn key(session: &[u8], expires: u64) -> String {
    keys::key("subscribed", expires, session)
}

/// For each resource: the length of its URI, the URI, the number of stamps at the time of the
/// subscription, and these stamps.
fn encode(record: &[Topic]) -> Vec<u8> {
    let mut out = Vec::new();
    for topic in record {
        let Change::Resource(uri) = &topic.change else {
            continue;
        };
        out.extend_from_slice(&(uri.len() as u16).to_le_bytes());
        out.extend_from_slice(uri.as_bytes());
        out.push(topic.seen.len() as u8);
        out.extend(topic.seen.iter().flatten());
    }
    out
}

/// Reads what `encode` wrote, up to the first byte that `encode` cannot have written: features
/// may write to the store too.
pub(super) fn decode(value: Option<&[u8]>) -> Vec<Topic> {
    let mut rest = value.unwrap_or_default();
    let mut record = Vec::new();
    while record.len() < MOST_RESOURCES
        && let Some((topic, after)) = decode_one(rest)
    {
        record.push(topic);
        rest = after;
    }
    record
}

fn decode_one(bytes: &[u8]) -> Option<(Topic, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let length = usize::from(u16::from_le_bytes(*length));
    let (uri, rest) = rest.split_at_checked(length)?;
    let uri = str::from_utf8(uri)
        .ok()
        .filter(|_| length <= LONGEST_NAME)?;
    let (&count, rest) = rest.split_first()?;
    let (stamps, rest) = rest.split_at_checked(usize::from(count) * size_of::<Stamp>())?;
    let (stamps, _) = stamps.as_chunks();
    let topic = Topic::new(Change::Resource(uri.to_owned()), stamps.to_vec());
    Some((topic, rest))
}
