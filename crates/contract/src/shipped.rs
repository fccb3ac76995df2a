//! The middleware and the authenticator that `mcp` carries.

/// The middleware that needs no `source`.
pub const MIDDLEWARE: [&str; 4] = ["audit", "filter", "rate-limit", "validate"];

/// The authenticator that needs no `source`.
pub const AUTHENTICATOR: &str = "authenticator";

/// Interfaces that they can do without. They get these only if `allow` names them, because not every
/// host has them.
pub const OPTIONAL: [&str; 2] = ["wasi:keyvalue/atomics", "wasi:otel/tracing"];
