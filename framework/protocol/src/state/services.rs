//! What the protocol needs from its environment: time, randomness, variables, and a store that
//! all instances of a server share.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use super::{sender::Sender, senders::Senders};
use crate::wire::{
    failure::{Failure, INTERNAL_ERROR},
    types::{Credentials, Decision, Question, Verdict},
};

/// The parts of a server. Compose writes the number of its part into a component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServerPart {
    /// A server without a chain.
    #[default]
    Server,
    /// The head of a chain: passes requests to the next middleware.
    Transport,
    /// The end of a chain: calls features.
    Router,
    /// The router of a saved sequence: passes on what is not its own.
    Sequence,
}

impl ServerPart {
    pub const ALL: [ServerPart; 4] = [
        ServerPart::Server,
        ServerPart::Transport,
        ServerPart::Router,
        ServerPart::Sequence,
    ];
}

/// What a policy learns about the items of a catalog, as JSON, by the number of their kind and their name.
pub type Targets = RefCell<BTreeMap<(usize, String), String>>;

/// The environment of the protocol.
pub trait Services {
    /// Whether this is the full server. The small one has only the tools of its catalog and
    /// keeps no state; the code for everything else is not compiled into it.
    const WHOLE: bool;

    /// Whether this is a router, which leaves clients and their tasks to the transport: the code
    /// that asks for input and runs tasks is not compiled into it.
    const ROUTER: bool = false;

    /// Whether the server has an authenticator. The code that asks it is not compiled into others.
    const AUTH: bool = false;

    /// The sender of the request. None: nothing is known of it.
    fn sender(&self) -> Option<Rc<Sender>> {
        None
    }

    /// Identifies the sender of the request. Empty: the server does not know who it is.
    fn principal(&self) -> String {
        match self.sender() {
            Some(sender) if Self::AUTH => sender.principal.clone(),
            _ => String::new(),
        }
    }

    /// Senders that the authenticator knows, in an instance that serves more than one request.
    fn senders(&self) -> Option<Rc<Senders>> {
        None
    }

    /// Targets that a policy was asked about, in such an instance.
    fn targets(&self) -> Option<Rc<Targets>> {
        None
    }

    /// What the authenticator says.
    fn authenticate(&mut self, _credentials: &Credentials) -> Verdict {
        Verdict::Unready
    }

    /// What the authenticator says.
    fn authorization_servers(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// What the authorizer says, in a server that has one.
    fn decide(&mut self, _question: &Question) -> Decision {
        Decision::Forbidden(String::new())
    }

    /// What the authorizer says, in a server that has one.
    fn visible(&mut self, _question: &Question, _entries: &[String]) -> Vec<bool> {
        Vec::new()
    }

    /// Writes a line to the log of the server.
    fn log(&mut self, _line: &str) {}

    /// A client of this session no longer waits for the call whose `id` this is, as JSON. The call
    /// may be in another instance.
    fn cancel(&mut self, _session: &[u8], _request: &str) {}

    /// The part of a server that this is.
    fn part(&self) -> ServerPart {
        ServerPart::Server
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn now(&mut self) -> u64;

    /// Random bytes that cannot be predicted.
    fn random(&mut self) -> [u8; 16];

    /// The value of a configuration variable. An empty value is the same as none.
    fn variable(&mut self, name: &str) -> Option<String>;

    /// None: the server was composed without a store.
    fn store(&mut self) -> Option<&mut dyn Store>;

    /// Sleeps for a few milliseconds. It blocks the whole instance.
    fn pause(&mut self, milliseconds: u64);
}

/// Keys and values that all instances share, with the guarantees of `wasi:keyvalue`: the last
/// write wins, and only operations on one key are atomic.
pub trait Store {
    /// The values of these keys, in order.
    fn get(&mut self, keys: &[&str]) -> Result<Vec<Option<Vec<u8>>>, Unavailable>;

    fn set(&mut self, key: &str, value: &[u8]) -> Result<(), Unavailable>;

    /// Deletes these keys, if they exist.
    fn delete(&mut self, keys: &[&str]) -> Result<(), Unavailable>;

    /// Atomically adds one to the number under a key and returns the sum; the number begins at
    /// zero. The key must not be used for anything else. None: this store cannot do it.
    fn increment(&mut self, _key: &str) -> Result<Option<u64>, Unavailable> {
        Ok(None)
    }
}

/// The store failed. The text is for the server's log; clients do not see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable(pub String);

/// A store within one process, for stdio: there is a single instance.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(BTreeMap<String, Vec<u8>>);

impl MemoryStore {
    /// All keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl Store for MemoryStore {
    fn get(&mut self, keys: &[&str]) -> Result<Vec<Option<Vec<u8>>>, Unavailable> {
        Ok(keys.iter().map(|key| self.0.get(*key).cloned()).collect())
    }

    fn set(&mut self, key: &str, value: &[u8]) -> Result<(), Unavailable> {
        self.0.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    fn delete(&mut self, keys: &[&str]) -> Result<(), Unavailable> {
        keys.iter().for_each(|key| drop(self.0.remove(*key)));
        Ok(())
    }
}

/// The failure that clients see if the store fails. It has no details.
pub(crate) fn unavailable(_: Unavailable) -> Failure {
    Failure::new(503, INTERNAL_ERROR, "the server's store is not available")
}
