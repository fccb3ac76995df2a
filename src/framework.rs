//! What the plugin carries of the framework. Nothing else names these files.

use crate::compose::Wasi;

/// The WIT of the contract: the files of its package as one text.
pub const WIT: &str = include_str!(concat!(env!("OUT_DIR"), "/server.wit"));

/// The server: a core module that compose specializes.
pub fn server(wasi: Wasi) -> &'static [u8] {
    match wasi {
        Wasi::P2 => include_bytes!(concat!(env!("OUT_DIR"), "/server-0.2.wasm")),
        Wasi::P3 => include_bytes!(concat!(env!("OUT_DIR"), "/server-0.3.wasm")),
    }
}

/// The component behind `request`, likewise.
pub fn request(wasi: Wasi) -> &'static [u8] {
    match wasi {
        Wasi::P2 => include_bytes!(concat!(env!("OUT_DIR"), "/request-0.2.wasm")),
        Wasi::P3 => include_bytes!(concat!(env!("OUT_DIR"), "/request-0.3.wasm")),
    }
}
