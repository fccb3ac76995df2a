//! The common code of the middleware that spin-mcp ships: a middleware as plain Rust, and the
//! component around it.
//!
//! A type implements [`Middleware`]. Tests run it natively with a [`Next`] of their own. In a
//! component, [`export!`] puts it behind `handler` (WASI 0.2) or `handler-async` (WASI 0.3).

mod edit;
mod settings;
#[cfg(target_family = "wasm")]
pub mod shell;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

use std::{
    future::Future,
    time::{SystemTime, UNIX_EPOCH},
};

pub use edit::{object, replace};
pub use settings::Settings;
pub use spin_mcp_protocol::{
    excerpt,
    json::{self, Value},
    pattern::{Pattern, any},
    ready,
    types::types::Error,
    uri,
};

pub const INVALID_PARAMS: i32 = -32602;
pub const INTERNAL_ERROR: i32 = -32603;

/// A middleware. Its functions have the contract of the interface `handler`.
pub trait Middleware: Sized {
    /// Its name in errors about its settings.
    const NAME: &str;

    /// Fails if the settings are wrong. The error follows "the settings of …: ".
    fn new(settings: Settings<'_>) -> Result<Self, String>;

    fn handle(
        &self,
        next: &impl Next,
        method: &str,
        params: String,
    ) -> impl Future<Output = Result<String, Error>>;

    fn notify(&self, next: &impl Next, method: &str, params: String) -> impl Future<Output = ()> {
        next.notify(method, params)
    }
}

/// The component behind this middleware, and what is known about the request in progress.
pub trait Next {
    fn handle(&self, method: &str, params: String) -> impl Future<Output = Result<String, Error>>;

    fn notify(&self, method: &str, params: String) -> impl Future<Output = ()>;

    /// False for requests of compose: there is no client, and the server has no host.
    fn has_client(&self) -> bool;

    /// The revision of the protocol that the client speaks.
    fn revision(&self) -> Option<String>;

    fn identity(&self) -> Option<Identity>;

    fn session_id(&self) -> Option<String>;

    /// The `_meta` object.
    fn meta(&self) -> Option<String>;
}

/// Who is calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub subject: String,
    pub issuer: String,
}

pub fn error(code: i32, message: impl Into<String>) -> Error {
    Error {
        code,
        message: message.into(),
        data: None,
    }
}

/// A text that breaks the contract: `what` it is, and the problem.
pub fn broken(what: &str, problem: &str) -> Error {
    error(INTERNAL_ERROR, format!("{what} {problem}"))
}

/// Milliseconds since 1970.
pub fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |since| since.as_millis() as u64)
}
