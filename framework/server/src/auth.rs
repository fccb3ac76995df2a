//! Asks the authenticator and the authorizer.

pub use crate::wasi::bindings::spin_mcp::server::{
    authenticator::{Credentials, Verdict, authenticate, authorization_servers},
    authorizer::{Question, decide, visible},
};

/// Lets the authenticator obtain what it needs.
#[cfg(feature = "wasi-0-2")]
pub async fn refresh() -> Result<(), String> {
    crate::wasi::bindings::spin_mcp::server::keys::refresh()
}

/// Lets the authenticator obtain what it needs.
#[cfg(feature = "wasi-0-3")]
pub async fn refresh() -> Result<(), String> {
    crate::wasi::bindings::spin_mcp::server::keys_async::refresh().await
}
