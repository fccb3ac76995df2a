//! What compose bakes into a component: its catalog, table or program. Components that have one include this file.

use std::slice;

#[link(wasm_import_module = "spin-mcp:catalog")]
unsafe extern "C" {
    fn address() -> *const u8;
    fn length() -> usize;
}

pub fn bytes() -> &'static [u8] {
    // SAFETY: compose replaces both functions by the place of static data that nothing else
    // uses, and that is never written.
    unsafe { slice::from_raw_parts(address(), length()) }
}
