//! What the protocol needs of its surroundings: time, chance, variables, and a store that all
//! instances of a server share.

use std::collections::BTreeMap;

/// The parts of a server. Compose tells a component by number which one it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServerPart {
    /// The whole server.
    #[default]
    Server,
    /// Speaks with clients, and hands their requests to the first middleware.
    Transport,
    /// Stands behind the last middleware, and calls features.
    Router,
    /// A router that is part of another server: it hands on what is not its own.
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

/// What a transport offers to the protocol.
pub trait Services {
    /// Whether the server is the whole one. The small one has the tools of its catalog, and
    /// nothing outlives a request: the code for all else is not compiled into it.
    const WHOLE: bool;

    /// Which part of a server this is.
    fn part(&self) -> ServerPart {
        ServerPart::Server
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn now(&mut self) -> u64;

    /// From a source that nobody can predict.
    fn random(&mut self) -> [u8; 16];

    /// What the host's configuration says under this name. Absent and empty are the same.
    fn variable(&mut self, name: &str) -> Option<String>;

    /// None: this server was composed without one.
    fn store(&mut self) -> Option<&mut dyn Store>;

    /// Does nothing for so many milliseconds, a few at most: it holds up the whole instance.
    fn pause(&mut self, milliseconds: u64);
}

/// Keys and values that all instances see, with the guarantees of `wasi:keyvalue` alone: the
/// last write wins, and nothing is atomic beyond one key.
pub trait Store {
    /// The values of these keys, in their order.
    fn get(&mut self, keys: &[&str]) -> Result<Vec<Option<Vec<u8>>>, Unavailable>;

    fn set(&mut self, key: &str, value: &[u8]) -> Result<(), Unavailable>;

    /// Keys that are not there are no error.
    fn delete(&mut self, keys: &[&str]) -> Result<(), Unavailable>;

    /// Some of all keys, and where the others begin.
    fn keys(&mut self, cursor: Option<&str>) -> Result<(Vec<String>, Option<String>), Unavailable>;

    /// Adds one to the number under a key that is used for nothing else, in one step, and gives
    /// the sum; the number is zero at first. None: this store cannot.
    fn increment(&mut self, _key: &str) -> Result<Option<u64>, Unavailable> {
        Ok(None)
    }
}

/// The store did not do what it was asked to. For the log of the server; clients are told no
/// details.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable(pub String);

/// A store for one process: stdio has a single instance, which nobody shares.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(BTreeMap<String, Vec<u8>>);

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

    fn keys(
        &mut self,
        _cursor: Option<&str>,
    ) -> Result<(Vec<String>, Option<String>), Unavailable> {
        Ok((self.0.keys().cloned().collect(), None))
    }
}
