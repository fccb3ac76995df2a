//! What the host offers to the protocol.

use spin_mcp_protocol::services::{MemoryStore, ServerPart, Services, Store};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::edition;

const PART: ServerPart = match cfg!(feature = "transport") {
    true => ServerPart::Transport,
    false => ServerPart::Server,
};

/// For HTTP: many instances, which share the store of the host if there is one.
#[derive(Default)]
pub struct Http {
    #[cfg(feature = "whole")]
    store: Option<crate::store::KeyValue>,
}

impl Services for Http {
    const WHOLE: bool = cfg!(feature = "whole");
    const PART: ServerPart = PART;

    fn now(&mut self) -> u64 {
        now()
    }

    fn random(&mut self) -> [u8; 16] {
        edition::random()
    }

    #[cfg(feature = "whole")]
    fn variable(&mut self, name: &str) -> Option<String> {
        crate::store::variable(name)
    }

    #[cfg(not(feature = "whole"))]
    fn variable(&mut self, _name: &str) -> Option<String> {
        None
    }

    #[cfg(feature = "whole")]
    fn store(&mut self) -> Option<&mut dyn Store> {
        let name = crate::catalog::catalog().store()?;
        let store = self
            .store
            .get_or_insert_with(|| crate::store::KeyValue::new(name));
        Some(store)
    }

    #[cfg(not(feature = "whole"))]
    fn store(&mut self) -> Option<&mut dyn Store> {
        None
    }

    fn pause(&mut self, milliseconds: u64) {
        std::thread::sleep(Duration::from_millis(milliseconds));
    }
}

/// For stdio: one instance, which lives as long as its client.
#[derive(Default)]
pub struct Stdio {
    store: MemoryStore,
}

impl Services for Stdio {
    const WHOLE: bool = cfg!(feature = "whole");
    const PART: ServerPart = PART;

    fn now(&mut self) -> u64 {
        now()
    }

    fn random(&mut self) -> [u8; 16] {
        edition::random()
    }

    /// A key of its own does for one process.
    fn variable(&mut self, _name: &str) -> Option<String> {
        None
    }

    fn store(&mut self) -> Option<&mut dyn Store> {
        Some(&mut self.store)
    }

    /// Nobody else writes to this store.
    fn pause(&mut self, _milliseconds: u64) {}
}

/// For the hub of a chain, whose transport does what needs a store.
#[cfg(feature = "hub")]
pub struct Hub;

#[cfg(feature = "hub")]
impl Services for Hub {
    const WHOLE: bool = true;
    const PART: ServerPart = ServerPart::Router;

    fn now(&mut self) -> u64 {
        now()
    }

    fn random(&mut self) -> [u8; 16] {
        edition::random()
    }

    fn variable(&mut self, _name: &str) -> Option<String> {
        None
    }

    fn store(&mut self) -> Option<&mut dyn Store> {
        None
    }

    fn pause(&mut self, _milliseconds: u64) {}
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}
