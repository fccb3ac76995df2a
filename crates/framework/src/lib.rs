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

/// The whole server, for one with an authenticator: compose makes it a transport, too.
pub fn server_with_auth(wasi: Wasi) -> &'static [u8] {
    match wasi {
        Wasi::P2 => include_bytes!(concat!(env!("OUT_DIR"), "/server-0.2-auth.wasm")),
        Wasi::P3 => include_bytes!(concat!(env!("OUT_DIR"), "/server-0.3-auth.wasm")),
    }
}

/// The part in front of the middleware: the whole server, which compose makes a transport.
pub fn transport(wasi: Wasi) -> &'static [u8] {
    server(wasi, true)
}

/// The part behind the middleware, likewise. Compose can make it the router of a saved sequence:
/// the one of WASI 0.2 where middleware is synchronous, the one of WASI 0.3 where it waits.
pub fn router(wasi: Wasi) -> &'static [u8] {
    match wasi {
        Wasi::P2 => include_bytes!(concat!(env!("OUT_DIR"), "/server-0.2-router.wasm")),
        Wasi::P3 => include_bytes!(concat!(env!("OUT_DIR"), "/server-0.3-router.wasm")),
    }
}

/// The component that knows the requests in progress, likewise.
pub fn context(wasi: Wasi) -> &'static [u8] {
    match wasi {
        Wasi::P2 => include_bytes!(concat!(env!("OUT_DIR"), "/context-0.2.wasm")),
        Wasi::P3 => include_bytes!(concat!(env!("OUT_DIR"), "/context-0.3.wasm")),
    }
}

/// The component that decides by a policy in Rego, likewise. It is the same for both versions of WASI.
pub fn policy() -> &'static [u8] {
    include_bytes!(concat!(env!("OUT_DIR"), "/policy.wasm"))
}

/// The component in front of a component that knows nothing of MCP, likewise.
pub fn adapter() -> &'static [u8] {
    include_bytes!(concat!(env!("OUT_DIR"), "/adapter.wasm"))
}

/// The feature that calls an API, likewise. Its functions are synchronous, so it serves both versions of
/// WASI.
pub fn openapi() -> &'static [u8] {
    include_bytes!(concat!(env!("OUT_DIR"), "/openapi-feature.wasm"))
}

/// The feature with the documentation, and commands for coding agents, likewise.
pub fn docs() -> &'static [u8] {
    include_bytes!(concat!(env!("OUT_DIR"), "/docs.wasm"))
}

/// What finds out who sends a request, a component.
pub fn authenticator(wasi: Wasi) -> &'static [u8] {
    match wasi {
        Wasi::P2 => include_bytes!(concat!(env!("OUT_DIR"), "/authenticator-0.2-fetch.wasm")),
        Wasi::P3 => include_bytes!(concat!(env!("OUT_DIR"), "/authenticator-0.3-fetch.wasm")),
    }
}

/// The same for settings in which no issuer has `fetch`: it imports neither HTTP nor a store.
pub fn pinned_authenticator(wasi: Wasi) -> &'static [u8] {
    match wasi {
        Wasi::P2 => include_bytes!(concat!(env!("OUT_DIR"), "/authenticator-0.2.wasm")),
        Wasi::P3 => include_bytes!(concat!(env!("OUT_DIR"), "/authenticator-0.3.wasm")),
    }
}

/// One of these, a component: for WASI 0.2 with synchronous functions, for 0.3 with asynchronous
/// ones.
pub fn middleware(name: &str, wasi: Wasi) -> Option<&'static [u8]> {
    macro_rules! builds {
        ($name:literal) => {
            match wasi {
                Wasi::P2 => include_bytes!(concat!(env!("OUT_DIR"), "/", $name, "-0.2.wasm")),
                Wasi::P3 => include_bytes!(concat!(env!("OUT_DIR"), "/", $name, "-0.3.wasm")),
            }
        };
    }
    Some(match name {
        "audit" => builds!("audit"),
        "filter" => builds!("filter"),
        "rate-limit" => builds!("rate-limit"),
        "validate" => builds!("validate"),
        _ => return None,
    })
}
