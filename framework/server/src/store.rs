//! The key-value store and the variables of the host.

use std::env;

pub use spin_mcp_store::KeyValue;

use crate::catalog::catalog;
use bindings::wasi::config::store as config;

mod bindings {
    wit_bindgen::generate!({
        path: "../control/store/config.wit",
        inline: "
            package spin-mcp:variables;
            world variables {
                import wasi:config/store@0.2.0-draft-2024-09-27;
            }",
        world: "spin-mcp:variables/variables",
        generate_all,
    });
}

/// A variable: of the app where there is a store, and of the environment elsewhere.
pub fn variable(name: &str) -> Option<String> {
    let value = match catalog().store() {
        Some(_) => config::get(name).ok().flatten(),
        None => env::var(name).ok(),
    };
    value.filter(|value| !value.is_empty())
}
