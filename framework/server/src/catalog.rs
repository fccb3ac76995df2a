//! What compose placed in this module: the catalog, and which part of a server the module is.

use spin_mcp_protocol::{Catalog, catalog::Flags, services::ServerPart};

#[link(wasm_import_module = "spin-mcp:catalog")]
unsafe extern "C" {
    fn address() -> *const u8;
    fn length() -> usize;
    safe fn part() -> usize;
}

pub fn catalog() -> Catalog<'static> {
    // SAFETY: compose replaces both functions by the place of static data that nothing else
    // uses, and that is never written.
    let bytes = unsafe { std::slice::from_raw_parts(address(), length()) };
    let catalog = Catalog::new(bytes).expect("compose and server have the same version");
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
