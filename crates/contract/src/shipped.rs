//! The middleware that `mcp` carries.

/// The middleware that needs no source.
pub const MIDDLEWARE: [&str; 4] = ["audit", "filter", "rate-limit", "validate"];

/// Interfaces that they know how to do without. They have them only where `allow` names them, since
/// not every host has.
pub const OPTIONAL: [&str; 2] = ["wasi:keyvalue/atomics", "wasi:otel/tracing"];
