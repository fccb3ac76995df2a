//! The answer to `initialize`.

use crate::{catalog::Catalog, wire::version::Version};

/// The result of `initialize` for a session of this revision. `shared`: all requests see the
/// same state.
pub fn result(catalog: &Catalog<'_>, version: Version, shared: bool) -> Vec<u8> {
    [
        b"{\"protocolVersion\":\"",
        version.as_str().as_bytes(),
        b"\"",
        catalog.initialize(shared),
    ]
    .concat()
}
