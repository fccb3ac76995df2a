//! What compose placed in this module: the catalog, and which part of a server the module is.

use spin_mcp_protocol::{Catalog, catalog::Flags, services::ServerPart};

#[path = "../../baked.rs"]
mod baked;

#[link(wasm_import_module = "spin-mcp:catalog")]
unsafe extern "C" {
    safe fn part() -> usize;
}

pub fn catalog() -> Catalog<'static> {
    let catalog = Catalog::new(baked::bytes()).expect("compose and server have the same version");
    // Whoever needs credentials must not get in without.
    assert!(
        cfg!(any(feature = "auth", feature = "router")) || !catalog.flags().contains(Flags::ACCESS),
        "the server has no authenticator"
    );
    catalog
}

pub fn this_part() -> ServerPart {
    ServerPart::ALL.get(part()).copied().unwrap_or_default()
}
