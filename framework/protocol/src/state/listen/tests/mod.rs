mod filters;
mod messages;
mod properties;
mod sessions;
mod subscriptions;
mod windows;

use super::*;
use crate::{
    state::services::{MemoryStore, Store, Unavailable},
    testing::TestServices,
    wire::json::Value,
};

const ALL: Offer = Offer {
    tools: true,
    prompts: true,
    resources: true,
    updates: true,
    tasks: true,
};
/// How long a listener waits at most.
const POLL_MS: u64 = 500;
const HOUR: u64 = watch::WINDOW_MS;

/// A listener with the id 1.
fn modern(filter: &str) -> Listener {
    let filter = Value::parse(filter).unwrap();
    Listener::modern("1", Some(filter), ALL).unwrap()
}

/// Services at this time, in milliseconds after the beginning of an hour.
fn at(offset: u64) -> TestServices {
    let mut services = TestServices::default();
    services.now = services.now / HOUR * HOUR + offset;
    services
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn begun(mut listener: Listener, services: &mut TestServices) -> Listener {
    listener.begin(services).unwrap();
    listener
}

impl Listener {
    fn poll_at(&mut self, now: u64, store: &mut dyn Store) -> Result<Vec<Vec<u8>>, Unavailable> {
        let tells = self.look(now, store)?;
        Ok(match tells {
            true => self.tell(Vec::new(), store),
            false => Default::default(),
        })
    }
}

/// The method of each notification, and its URI if it has one.
fn heard(listener: &mut Listener, services: &mut TestServices) -> Vec<String> {
    let notifications = listener.poll(services, |_, _| true).unwrap();
    notifications.into_iter().map(brief).collect()
}

fn brief(notification: Vec<u8>) -> String {
    let value: serde_json::Value = serde_json::from_slice(&notification).unwrap();
    assert_eq!(value["jsonrpc"], "2.0");
    let method = value["method"].as_str().unwrap();
    let method = method.strip_prefix("notifications/").unwrap();
    match value["params"]["uri"].as_str() {
        Some(uri) => format!("{method} {uri}"),
        None => method.to_owned(),
    }
}

fn resource(uri: &str) -> Change {
    Change::Resource(uri.to_owned())
}

/// A store that counts, and that can fail.
#[derive(Clone, Default)]
struct Watched {
    store: MemoryStore,
    /// How many keys each `get` asked for.
    gets: Vec<usize>,
    sets: usize,
    broken: bool,
}

impl Watched {
    fn check(&self) -> Result<(), Unavailable> {
        match self.broken {
            true => Err(Unavailable("broken".to_owned())),
            false => Ok(()),
        }
    }
}

impl Store for Watched {
    fn get(&mut self, keys: &[&str]) -> Result<Vec<Option<Vec<u8>>>, Unavailable> {
        self.check()?;
        self.gets.push(keys.len());
        self.store.get(keys)
    }

    fn set(&mut self, key: &str, value: &[u8]) -> Result<(), Unavailable> {
        self.check()?;
        self.sets += 1;
        self.store.set(key, value)
    }

    fn delete(&mut self, keys: &[&str]) -> Result<(), Unavailable> {
        self.check()?;
        self.store.delete(keys)
    }
}
