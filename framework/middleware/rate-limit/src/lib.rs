//! Middleware: limits how many requests a client may send.
//!
//! Time is divided into windows of equal length. The store that all instances share counts the
//! requests of each client in a window, under one key, which names when it expires. The count is exact
//! if the store can increment a number in one step.

use std::{
    cell::RefCell,
    hash::{BuildHasher as _, RandomState},
};

use spin_mcp_middleware_sdk::{
    Error, INTERNAL_ERROR, Middleware, Next, Pattern, Settings, any, error, json::Object, now,
};
use spin_mcp_protocol::{
    keys,
    services::{Store, Unavailable},
    sweep::{note, sweep},
};

#[cfg(target_family = "wasm")]
spin_mcp_middleware_sdk::export!(RateLimit);

/// Like the status of HTTP. JSON-RPC reserves -32768 to -32000.
const TOO_MANY_REQUESTS: i32 = 429;
/// One in this many clients that are new to a window deletes the keys of older windows.
const SWEEP: u64 = 8;

pub struct RateLimit {
    requests: u64,
    seconds: u64,
    per: Per,
    methods: Vec<Pattern>,
    /// Whether a request passes if it cannot be counted.
    open: bool,
    store: RefCell<Box<dyn Store>>,
    now: fn() -> u64,
}

/// Who shares a limit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Per {
    Principal,
    Session,
    Everybody,
}

impl Middleware for RateLimit {
    const NAME: &str = "rate-limit";

    fn new(settings: Settings<'_>) -> Result<RateLimit, String> {
        let requests = settings.count("requests", 1_000_000)?.unwrap_or(60);
        let seconds = settings.count("seconds", 31 * 24 * 60 * 60)?.unwrap_or(60);
        let per = settings.choice("per", &["principal", "session", "everybody"])?;
        let methods = settings.strings("methods")?;
        let store = settings.string("store")?;
        let unavailable = settings.choice("unavailable", &["refuse", "allow"])?;
        settings.end()?;
        let methods = methods.unwrap_or_else(|| vec!["tools/call".to_owned()]);
        Ok(RateLimit {
            requests,
            seconds,
            per: match per {
                Some("session") => Per::Session,
                Some("everybody") => Per::Everybody,
                _ => Per::Principal,
            },
            methods: methods.into_iter().map(Pattern::new).collect(),
            open: unavailable == Some("allow"),
            store: RefCell::new(open(store.unwrap_or_else(|| "default".to_owned()))),
            now,
        })
    }

    async fn handle(
        &self,
        next: &impl Next,
        method: &str,
        params: String,
    ) -> Result<String, Error> {
        if next.has_client() && any(&self.methods, method) {
            self.admit(&self.client(next))?;
        }
        next.handle(method, params).await
    }
}

impl RateLimit {
    /// The client whose limit a request counts towards.
    fn client(&self, next: &impl Next) -> String {
        if self.per == Per::Everybody {
            return String::new();
        }
        let session = (self.per == Per::Session)
            .then(|| next.session_id())
            .flatten();
        if let Some(session) = session {
            return format!("session {session}");
        }
        let caller = next.identity();
        caller.map_or_else(String::new, |caller| {
            format!("principal {:?} {:?}", caller.issuer, caller.subject)
        })
    }

    /// Counts a request. Fails if the limit is exceeded.
    fn admit(&self, client: &str) -> Result<(), Error> {
        let now = (self.now)();
        let length = self.seconds * 1000;
        let end = (now / length + 1) * length;
        match self.count(client, now, end) {
            Ok(count) if count <= self.requests => Ok(()),
            Ok(_) => Err(self.too_many(end - now)),
            Err(Unavailable(_)) if self.open => Ok(()),
            Err(Unavailable(_)) => Err(error(
                INTERNAL_ERROR,
                "the requests of this client cannot be counted now; try again later",
            )),
        }
    }

    /// The number of requests of a client in the window that ends then, including this one.
    fn count(&self, client: &str, now: u64, end: u64) -> Result<u64, Unavailable> {
        let mut store = self.store.borrow_mut();
        // Different limits count separately.
        let of = (client, self.requests, self.seconds, &self.methods);
        let of = format!("{of:?}");
        let mut key = keys::key("count", end, of.as_bytes());
        let (count, is_new) = match store.increment(&key) {
            Ok(Some(count)) => (count, count == 1),
            // A store may know numbers and not increment them.
            Ok(None) | Err(_) => {
                key = keys::key("rate", end, of.as_bytes());
                self.estimate(&mut **store, &key)?
            }
        };
        if is_new {
            note(&mut **store, &[&key]);
            if RandomState::new().hash_one(now).is_multiple_of(SWEEP) {
                sweep(&mut **store, now);
            }
        }
        Ok(count)
    }

    /// The same with a store that can only read and write: requests that arrive together count as
    /// one. Also returns whether the key is new.
    fn estimate(&self, store: &mut dyn Store, key: &str) -> Result<(u64, bool), Unavailable> {
        let found = store.get(&[key])?.into_iter().next().flatten();
        let before = match &found {
            None => 0,
            Some(value) => str::from_utf8(value)
                .ok()
                .and_then(|value| value.parse::<u64>().ok())
                .ok_or_else(|| Unavailable(format!("the value of `{key}` is not a number")))?,
        };
        let count = before.saturating_add(1);
        let is_counted = before < self.requests;
        if is_counted {
            store.set(key, count.to_string().as_bytes())?;
        }
        Ok((count, is_counted && found.is_none()))
    }

    fn too_many(&self, wait: u64) -> Error {
        let mut data = Vec::new();
        let mut object = Object::begin(&mut data);
        object.json("retryAfterMs", wait.to_string().as_bytes());
        object.end();
        let (requests, seconds) = (self.requests, self.seconds);
        let message = format!(
            "too many requests: {requests} in {seconds} s are allowed; try again in {} s",
            wait.div_ceil(1000)
        );
        Error {
            data: String::from_utf8(data).ok(),
            ..error(TOO_MANY_REQUESTS, message)
        }
    }
}

#[cfg(target_family = "wasm")]
fn open(store: String) -> Box<dyn Store> {
    Box::new(spin_mcp_store::KeyValue::new(store))
}

/// No host has a store natively.
#[cfg(not(target_family = "wasm"))]
fn open(_store: String) -> Box<dyn Store> {
    Box::new(spin_mcp_protocol::services::MemoryStore::default())
}

#[cfg(test)]
mod tests;
