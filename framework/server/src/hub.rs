//! The last link of a chain: exports `handler`, and answers from the catalog or asks features.

use spin_mcp_protocol::{
    hub::{self, Handling, Next},
    types::types::Error,
};

use crate::{BELOW, Component, catalog::catalog, edition, services};
use edition::bindings::spin_mcp::framework::prepared;

mod bindings {
    #[cfg(feature = "wasi-0-2")]
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package spin-mcp:last; world link { export spin-mcp:server/handler@0.1.0; }",
        world: "spin-mcp:last/link",
        with: { "spin-mcp:server/types@0.1.0": spin_mcp_protocol::types::types },
    });
    #[cfg(feature = "wasi-0-3")]
    wit_bindgen::generate!({
        path: "../wit",
        inline: "
            package spin-mcp:last;
            world link {
                export spin-mcp:server/handler@0.1.0;
                export spin-mcp:server/handler-async@0.1.0;
            }",
        world: "spin-mcp:last/link",
        with: { "spin-mcp:server/types@0.1.0": spin_mcp_protocol::types::types },
    });
}

bindings::export!(Component with_types_in bindings);

/// Handles a request; what follows the arguments waits for features.
macro_rules! handle {
    ($id:ident, $method:ident, $params:ident $(, $($wait:tt)+)?) => {{
        let id = $id & BELOW;
        let known = prepared::get(id);
        if let Some(result) = known.result {
            return Ok(result);
        }
        let catalog = catalog();
        let (version, capabilities) = (known.protocol_version, known.client_capabilities);
        let services = &mut services::Hub;
        let handling = hub::handle(&catalog, &$method, &$params, &version, capabilities, services);
        let mut call = match handling {
            Handling::Done(result) => return result,
            Handling::Call(call) => call,
        };
        loop {
            let outcome = edition::invoke(&call, id)$($($wait)+)?;
            if let Next::Done(result) = hub::settle(&mut call, outcome, services) {
                return result;
            }
        }
    }};
}

#[cfg(feature = "wasi-0-2")]
impl bindings::exports::spin_mcp::server::handler::Guest for Component {
    fn handle(id: u64, method: String, params: String) -> Result<String, Error> {
        handle!(id, method, params)
    }

    fn notify(_id: u64, _method: String, _params: String) {}
}

#[cfg(feature = "wasi-0-3")]
impl bindings::exports::spin_mcp::server::handler::Guest for Component {
    fn handle(id: u64, method: String, params: String) -> Result<String, Error> {
        // Compose lets nothing but synchronous features follow a synchronous link.
        futures::FutureExt::now_or_never(handle(id, method, params))
            .expect("synchronous features do not wait")
    }

    fn notify(_id: u64, _method: String, _params: String) {}
}

#[cfg(feature = "wasi-0-3")]
impl bindings::exports::spin_mcp::server::handler_async::Guest for Component {
    async fn handle(id: u64, method: String, params: String) -> Result<String, Error> {
        handle(id, method, params).await
    }

    async fn notify(_id: u64, _method: String, _params: String) {}
}

#[cfg(feature = "wasi-0-3")]
async fn handle(id: u64, method: String, params: String) -> Result<String, Error> {
    handle!(id, method, params, .await)
}
