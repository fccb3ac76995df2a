//! What the plugin carries of the framework. Nothing else names these files.

use spin_mcp_contract::Wasi;

/// The server: a core module that compose specializes. The small one has the tools of its
/// catalog, and nothing outlives a request.
pub fn server(wasi: Wasi, whole: bool) -> &'static [u8] {
    match (wasi, whole) {
        (Wasi::P2, false) => include_bytes!(concat!(env!("OUT_DIR"), "/server-0.2.wasm")),
        (Wasi::P2, true) => include_bytes!(concat!(env!("OUT_DIR"), "/server-0.2-whole.wasm")),
        (Wasi::P3, false) => include_bytes!(concat!(env!("OUT_DIR"), "/server-0.3.wasm")),
        (Wasi::P3, true) => include_bytes!(concat!(env!("OUT_DIR"), "/server-0.3-whole.wasm")),
    }
}

/// The first link of a chain, likewise.
pub fn transport(wasi: Wasi) -> &'static [u8] {
    match wasi {
        Wasi::P2 => include_bytes!(concat!(env!("OUT_DIR"), "/server-0.2-transport.wasm")),
        Wasi::P3 => include_bytes!(concat!(env!("OUT_DIR"), "/server-0.3-transport.wasm")),
    }
}

/// The last link of a chain, likewise.
pub fn hub(wasi: Wasi) -> &'static [u8] {
    match wasi {
        Wasi::P2 => include_bytes!(concat!(env!("OUT_DIR"), "/server-0.2-hub.wasm")),
        Wasi::P3 => include_bytes!(concat!(env!("OUT_DIR"), "/server-0.3-hub.wasm")),
    }
}

/// The hub of a saved sequence, likewise: for WASI 0.2 with synchronous links, for 0.3 with
/// asynchronous ones.
pub fn sequence(wasi: Wasi) -> &'static [u8] {
    match wasi {
        Wasi::P2 => include_bytes!(concat!(env!("OUT_DIR"), "/server-0.2-sequence.wasm")),
        Wasi::P3 => include_bytes!(concat!(env!("OUT_DIR"), "/server-0.3-sequence.wasm")),
    }
}

/// The component behind `request`, likewise.
pub fn request(wasi: Wasi) -> &'static [u8] {
    match wasi {
        Wasi::P2 => include_bytes!(concat!(env!("OUT_DIR"), "/request-0.2.wasm")),
        Wasi::P3 => include_bytes!(concat!(env!("OUT_DIR"), "/request-0.3.wasm")),
    }
}

/// One of these, a component: for WASI 0.2 with synchronous functions, for 0.3 with asynchronous
/// ones.
pub fn middleware(name: &str, wasi: Wasi) -> Option<&'static [u8]> {
    macro_rules! edition {
        ($name:literal) => {
            match wasi {
                Wasi::P2 => include_bytes!(concat!(env!("OUT_DIR"), "/", $name, "-0.2.wasm")),
                Wasi::P3 => include_bytes!(concat!(env!("OUT_DIR"), "/", $name, "-0.3.wasm")),
            }
        };
    }
    Some(match name {
        "audit" => edition!("audit"),
        "filter" => edition!("filter"),
        "rate-limit" => edition!("rate-limit"),
        "validate" => edition!("validate"),
        _ => return None,
    })
}
