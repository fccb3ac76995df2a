//! Makes a link of the chain out of `handle` and `Settings`.

use std::sync::OnceLock;

{% if async == "yes" -%}
use spin_sdk::wit_bindgen;

wit_bindgen::generate!({
    path: "wit",
    runtime_path: "spin_sdk::wit_bindgen::rt",
    generate_all,
});
use exports::spin_mcp::server::handler_async::Guest;
use spin_mcp::server::{handler_async as handler, settings};
{%- else -%}
wit_bindgen::generate!({ path: "wit", generate_all });
use exports::spin_mcp::server::handler::Guest;
use spin_mcp::server::{handler, settings};
{%- endif %}

pub use spin_mcp::server::types::Error;

use crate::Settings;

struct Component;

{% if async == "yes" -%}
impl Guest for Component {
    async fn handle(request: u64, method: String, params: String) -> Result<String, Error> {
        crate::handle(settings()?, &method, &params, async |method, params| {
            handler::handle(request, method.to_owned(), params.to_owned()).await
        })
        .await
    }

    /// Notifications have no answer. They pass as they are.
    async fn notify(request: u64, method: String, params: String) {
        handler::notify(request, method, params).await;
    }
}
{%- else -%}
impl Guest for Component {
    fn handle(request: u64, method: String, params: String) -> Result<String, Error> {
        crate::handle(settings()?, &method, &params, |method, params| {
            handler::handle(request, method, params)
        })
    }

    /// Notifications have no answer. They pass as they are.
    fn notify(request: u64, method: String, params: String) {
        handler::notify(request, &method, &params);
    }
}
{%- endif %}

export!(Component);

/// The settings, which are the same for every request.
fn settings() -> Result<&'static Settings, Error> {
    static SETTINGS: OnceLock<Result<Settings, String>> = OnceLock::new();
    let read = || serde_json::from_str(&settings::get()).map_err(|why| why.to_string());
    SETTINGS.get_or_init(read).as_ref().map_err(|why| {
        let (name, why) = (env!("CARGO_PKG_NAME"), without_position(why));
        error(-32603, format!("the settings of `{name}`: {why}"))
    })
}

/// Lines and columns mean nothing: the settings are not JSON where people write them.
fn without_position(why: &str) -> &str {
    why.rsplit_once(" at line ").map_or(why, |(what, _)| what)
}

/// A failure that the client sees.
pub fn error(code: i32, message: impl Into<String>) -> Error {
    Error {
        code,
        message: message.into(),
        data: None,
    }
}
