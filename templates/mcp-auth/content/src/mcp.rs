//! Makes an authenticator out of `authenticate` and `Settings`.

use std::sync::OnceLock;

wit_bindgen::generate!({ path: "wit", generate_all });
pub use exports::spin_mcp::server::authenticator::{Credentials, Known, Verdict};
pub use spin_mcp::server::request::Caller;

use crate::Settings;

struct Component;

impl exports::spin_mcp::server::authenticator::Guest for Component {
    /// With settings that cannot be read, nobody gets in.
    fn authenticate(credentials: Credentials) -> Verdict {
        static SETTINGS: OnceLock<Option<Settings>> = OnceLock::new();
        let read = || {
            let read = serde_json::from_str(&spin_mcp::server::settings::get());
            read.map_err(|why| eprintln!("error: the settings of `auth`: {why}"))
                .ok()
        };
        match SETTINGS.get_or_init(read) {
            Some(settings) => crate::authenticate(settings, &credentials),
            None => Verdict::Invalid("nobody can be authenticated".into()),
        }
    }

    /// Clients cannot log in anywhere: the ingress does that.
    fn authorization_servers() -> Vec<String> {
        vec![]
    }
}

export!(Component);
