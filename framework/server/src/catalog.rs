//! The catalog that compose placed in this module's memory.

use spin_mcp_protocol::Catalog;

#[link(wasm_import_module = "spin-mcp:catalog")]
unsafe extern "C" {
    fn address() -> *const u8;
    fn length() -> usize;
}

pub fn catalog() -> Catalog<'static> {
    // SAFETY: compose replaces both functions by the place of static data that nothing else
    // uses, and which is never written.
    let bytes = unsafe { std::slice::from_raw_parts(address(), length()) };
    Catalog::new(bytes).expect("compose and server are of one version")
}
