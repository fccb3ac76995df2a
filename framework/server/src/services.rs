//! What the protocol needs from the host.

use std::{
    env,
    rc::Rc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

#[cfg(feature = "auth")]
use spin_mcp_protocol::types::{Credentials, Decision, Question, Verdict};
use spin_mcp_protocol::{
    http::RESOURCE,
    sender::Sender,
    services::{MemoryStore, ServerPart, Services, Store},
};
#[cfg(all(feature = "auth", feature = "wasi-0-3"))]
use spin_mcp_protocol::{senders::Senders, services::Targets};
use spin_mcp_store::{KeyValue, variable};

#[cfg(feature = "auth")]
use crate::wasi::bindings::spin_mcp::server::{authenticator, authorizer};
use crate::{
    catalog::{catalog, this_part},
    wasi,
};

/// Whether more than the tools of a catalog is compiled in.
pub const WHOLE: bool = cfg!(feature = "whole");
/// Whether this is a router: the transport before it does what needs a store.
const ROUTER: bool = cfg!(feature = "router");
/// Whether the host's store and variables matter.
const KEEPS_STATE: bool = WHOLE && !ROUTER;

/// The host as a server sees it. By default, many instances serve many clients over HTTP, and share
/// the store of the host if it has one.
#[derive(Default)]
pub struct Host {
    /// One instance serves one client, which is on stdio.
    is_private: bool,
    store: Option<Box<dyn Store>>,
    /// Who sends the requests, as far as that matters.
    pub sender: Option<Rc<Sender>>,
}

impl Host {
    /// One instance lives as long as its client, which is on stdio.
    pub fn stdio() -> Host {
        let store = || Box::new(MemoryStore::default()) as Box<dyn Store>;
        Host {
            is_private: true,
            store: KEEPS_STATE.then(store),
            sender: None,
        }
    }
}

// What an instance of many requests keeps from one to the next.
#[cfg(all(feature = "auth", feature = "wasi-0-3"))]
thread_local! {
    static SENDERS: Rc<Senders> = Rc::default();
    static TARGETS: Rc<Targets> = Rc::default();
}

impl Services for Host {
    const WHOLE: bool = WHOLE;
    const ROUTER: bool = ROUTER;
    const AUTH: bool = cfg!(feature = "auth");

    #[cfg(feature = "auth")]
    fn sender(&self) -> Option<Rc<Sender>> {
        self.sender.clone()
    }

    #[cfg(all(feature = "auth", feature = "wasi-0-3"))]
    fn senders(&self) -> Option<Rc<Senders>> {
        (!self.is_private).then(|| SENDERS.with(Rc::clone))
    }

    #[cfg(all(feature = "auth", feature = "wasi-0-3"))]
    fn targets(&self) -> Option<Rc<Targets>> {
        Some(TARGETS.with(Rc::clone))
    }

    #[cfg(feature = "auth")]
    fn authenticate(&mut self, credentials: &Credentials) -> Verdict {
        authenticator::authenticate(credentials)
    }

    #[cfg(feature = "auth")]
    fn authorization_servers(&mut self) -> Vec<String> {
        authenticator::authorization_servers()
    }

    #[cfg(feature = "auth")]
    fn decide(&mut self, question: &Question) -> Decision {
        authorizer::decide(question)
    }

    #[cfg(feature = "auth")]
    fn visible(&mut self, question: &Question, entries: &[String]) -> Vec<bool> {
        authorizer::visible(question, entries)
    }

    fn log(&mut self, line: &str) {
        eprintln!("{line}");
    }

    fn cancel(&mut self, session: &[u8], request: &str) {
        crate::waiting::cancel(session, request);
    }

    fn part(&self) -> ServerPart {
        match (WHOLE, ROUTER) {
            (_, true) => ServerPart::Router,
            (true, _) => this_part(),
            (false, _) => ServerPart::Server,
        }
    }

    fn now(&mut self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| since.as_millis() as u64)
    }

    fn random(&mut self) -> [u8; 16] {
        let bytes = wasi::get_random_bytes(16);
        bytes
            .try_into()
            .expect("the host returns as many bytes as requested")
    }

    /// A variable of the app if the server has a store, and of the environment if it has none.
    /// One process needs no key that others know.
    fn variable(&mut self, name: &str) -> Option<String> {
        if !KEEPS_STATE || self.is_private && !(Self::AUTH && name == RESOURCE) {
            return None;
        }
        let is_app = match catalog().access().filter(|_| Self::AUTH) {
            // On stdio, there is no app.
            Some(access) => !self.is_private && access.app_variables(),
            None => false,
        };
        let value = match is_app || catalog().store().is_some() && !self.is_private {
            true => variable(name),
            false => env::var(name).ok(),
        };
        value.filter(|value| !value.is_empty())
    }

    fn store(&mut self) -> Option<&mut dyn Store> {
        if !KEEPS_STATE {
            return None;
        }
        if self.store.is_none() {
            self.store = Some(Box::new(KeyValue::new(catalog().store()?)));
        }
        let store = self.store.as_mut()?;
        Some(store.as_mut())
    }

    /// Only one instance writes to a private store.
    fn pause(&mut self, milliseconds: u64) {
        if !self.is_private {
            std::thread::sleep(Duration::from_millis(milliseconds));
        }
    }
}
