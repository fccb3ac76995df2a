//! The last link of a chain: exports `handler`, and answers from the catalog or asks features.
//! As a saved sequence, it lets the next link have what is not here.

use spin_mcp_protocol::{
    router::{self, Handling, RouterStep},
    types::types::Error,
};

use crate::{BELOW, Component, catalog::catalog, edition, services};

mod bindings {
    #[cfg(feature = "wasi-0-2")]
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package spin-mcp:last; world link { export spin-mcp:server/handler@0.1.0; }",
        world: "spin-mcp:last/link",
        with: { "spin-mcp:server/types@0.1.0": spin_mcp_protocol::types::types },
    });
    #[cfg(all(feature = "wasi-0-3", not(feature = "sequence")))]
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
    // Compose makes synchronous sequences of the other edition.
    #[cfg(all(feature = "wasi-0-3", feature = "sequence"))]
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package spin-mcp:last; world link { export spin-mcp:server/handler-async@0.1.0; }",
        world: "spin-mcp:last/link",
        with: { "spin-mcp:server/types@0.1.0": spin_mcp_protocol::types::types },
    });
}

bindings::export!(Component with_types_in bindings);

/// Who asks.
struct Client {
    version: String,
    capabilities: String,
}

/// Answers a request by what is here; what follows the arguments waits for features.
macro_rules! own {
    ($id:expr, $client:expr, $method:expr, $params:expr $(, $($wait:tt)+)?) => {{
        let (catalog, services) = (catalog(), &mut services::Hub);
        let Client { version, capabilities } = $client;
        match router::handle(&catalog, $method, $params, &version, capabilities, services) {
            Handling::Done(own) => own,
            Handling::Call(mut call) => loop {
                let outcome = edition::invoke(&call, $id)$($($wait)+)?;
                if let RouterStep::Done(own) = router::settle(&mut call, outcome, services) {
                    break own;
                }
            },
        }
    }};
}

#[cfg(not(feature = "sequence"))]
mod link {
    use spin_mcp_protocol::{catalog::Flags, chain};

    use super::{Client, Error, Handling, RouterStep, catalog, edition, router, services};
    use edition::bindings::spin_mcp::framework::prepared;

    /// The result that is there already, and who asks.
    fn known(id: u64, method: &str) -> (Option<String>, Client) {
        let catalog = catalog();
        if !catalog.flags().contains(Flags::USES_REQUEST) {
            let client = Client {
                version: router::id::version(id).as_str().to_owned(),
                capabilities: "{}".to_owned(),
            };
            return (router::id::result(&catalog, id, method), client);
        }
        let known = prepared::get(id);
        let client = Client {
            version: known.protocol_version,
            capabilities: known.client_capabilities,
        };
        (known.result.filter(|_| chain::is_gated(method)), client)
    }

    /// What follows the arguments waits for features.
    macro_rules! handle {
        ($id:ident, $method:ident, $params:ident $(, $($wait:tt)+)?) => {{
            let (result, client) = known($id, &$method);
            if let Some(result) = result {
                return Ok(result);
            }
            own!($id, client, &$method, &$params $(, $($wait)+)?).settled()
        }};
    }

    #[cfg(feature = "wasi-0-2")]
    pub fn handle(id: u64, method: String, params: String) -> Result<String, Error> {
        handle!(id, method, params)
    }

    #[cfg(feature = "wasi-0-3")]
    pub async fn handle(id: u64, method: String, params: String) -> Result<String, Error> {
        handle!(id, method, params, .await)
    }

    #[cfg(feature = "wasi-0-2")]
    pub fn notify(_id: u64, _method: String, _params: String) {}

    #[cfg(feature = "wasi-0-3")]
    pub async fn notify(_id: u64, _method: String, _params: String) {}
}

#[cfg(feature = "sequence")]
mod link {
    use spin_mcp_protocol::router::sequence::{Sequence, SequenceStep};

    use super::{Client, Error, Handling, RouterStep, catalog, edition, router, services};
    use edition::bindings::spin_mcp::server::request;

    fn client(id: u64) -> Client {
        Client {
            version: request::protocol_version(id),
            capabilities: request::client_capabilities(id),
        }
    }

    /// What follows the arguments waits for features and links.
    macro_rules! handle {
        ($id:ident, $method:ident, $params:ident $(, $($wait:tt)+)?) => {{
            let (mut sequence, mut step) = Sequence::begin($id, catalog(), &$method, &$params);
            loop {
                step = match step {
                    SequenceStep::Own => sequence.own(own!($id, client($id), &$method, &$params $(, $($wait)+)?)),
                    SequenceStep::Next(params) => {
                        return sequence.next(next($id, &$method, &params)$($($wait)+)?);
                    }
                    SequenceStep::Done(result) => return result,
                };
            }
        }};
    }

    #[cfg(feature = "wasi-0-2")]
    mod edition_link {
        use super::*;
        use edition::bindings::spin_mcp::server::handler;

        fn next(id: u64, method: &str, params: &str) -> Result<String, Error> {
            handler::handle(id, method, params)
        }

        pub fn handle(id: u64, method: String, params: String) -> Result<String, Error> {
            handle!(id, method, params)
        }

        pub fn notify(id: u64, method: String, params: String) {
            handler::notify(id, &method, &params);
        }
    }

    #[cfg(feature = "wasi-0-3")]
    mod edition_link {
        use super::*;
        use edition::bindings::spin_mcp::server::handler_async;

        async fn next(id: u64, method: &str, params: &str) -> Result<String, Error> {
            handler_async::handle(id, method.to_owned(), params.to_owned()).await
        }

        pub async fn handle(id: u64, method: String, params: String) -> Result<String, Error> {
            handle!(id, method, params, .await)
        }

        pub async fn notify(id: u64, method: String, params: String) {
            handler_async::notify(id, method, params).await;
        }
    }

    pub use edition_link::{handle, notify};
}

#[cfg(feature = "wasi-0-2")]
impl bindings::exports::spin_mcp::server::handler::Guest for Component {
    fn handle(id: u64, method: String, params: String) -> Result<String, Error> {
        link::handle(id & BELOW, method, params)
    }

    fn notify(id: u64, method: String, params: String) {
        link::notify(id & BELOW, method, params);
    }
}

#[cfg(all(feature = "wasi-0-3", not(feature = "sequence")))]
impl bindings::exports::spin_mcp::server::handler::Guest for Component {
    fn handle(id: u64, method: String, params: String) -> Result<String, Error> {
        // Compose lets nothing but synchronous features follow a synchronous link.
        futures::FutureExt::now_or_never(link::handle(id & BELOW, method, params))
            .expect("synchronous features do not wait")
    }

    fn notify(_id: u64, _method: String, _params: String) {}
}

#[cfg(feature = "wasi-0-3")]
impl bindings::exports::spin_mcp::server::handler_async::Guest for Component {
    async fn handle(id: u64, method: String, params: String) -> Result<String, Error> {
        link::handle(id & BELOW, method, params).await
    }

    async fn notify(id: u64, method: String, params: String) {
        link::notify(id & BELOW, method, params).await;
    }
}
