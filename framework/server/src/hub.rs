//! The last link of a chain: exports `handler`, and answers from the catalog or asks features.
//! As a saved sequence, it lets the next link have what is not here.

use spin_mcp_protocol::types::types::Error;

use crate::{BELOW, Component, catalog::catalog, edition, services};
use edition::bindings::spin_mcp::server::request;

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

/// What comes of a request by what is here.
enum Own {
    Done(Result<String, Error>),
    /// It is about what is not here.
    Unknown(Error),
}

/// Answers a request by what is here; what follows the arguments waits for features.
macro_rules! own {
    ($id:expr, $method:expr, $params:expr $(, $($wait:tt)+)?) => {{
        let (catalog, services) = (catalog(), &mut services::Hub);
        let version = request::protocol_version($id);
        let capabilities = request::client_capabilities($id);
        match hub::handle(&catalog, $method, $params, &version, capabilities, services) {
            Handling::Done(result) => Own::Done(result),
            Handling::Unknown(error) => Own::Unknown(error),
            Handling::Call(mut call) => loop {
                let outcome = edition::invoke(&call, $id)$($($wait)+)?;
                match hub::settle(&mut call, outcome, services) {
                    Next::Invoke => {}
                    Next::Done(result) => break Own::Done(result),
                    Next::Unknown(error) => break Own::Unknown(error),
                }
            },
        }
    }};
}

#[cfg(not(feature = "sequence"))]
mod link {
    use spin_mcp_protocol::{chain, hub, hub::Handling, hub::Next, types::types::Error};

    use super::{Own, catalog, edition, request, services};
    use edition::bindings::spin_mcp::framework::prepared;

    fn ready(id: u64, method: &str) -> Option<String> {
        chain::is_gated(method).then(|| prepared::get(id)).flatten()
    }

    fn settled(own: Own) -> Result<String, Error> {
        match own {
            Own::Done(result) => result,
            Own::Unknown(error) => Err(error),
        }
    }

    #[cfg(feature = "wasi-0-2")]
    pub fn handle(id: u64, method: String, params: String) -> Result<String, Error> {
        match ready(id, &method) {
            Some(result) => Ok(result),
            None => settled(own!(id, &method, &params)),
        }
    }

    #[cfg(feature = "wasi-0-3")]
    pub async fn handle(id: u64, method: String, params: String) -> Result<String, Error> {
        match ready(id, &method) {
            Some(result) => Ok(result),
            None => settled(own!(id, &method, &params, .await)),
        }
    }

    #[cfg(feature = "wasi-0-2")]
    pub fn notify(_id: u64, _method: String, _params: String) {}

    #[cfg(feature = "wasi-0-3")]
    pub async fn notify(_id: u64, _method: String, _params: String) {}
}

#[cfg(feature = "sequence")]
mod link {
    use spin_mcp_protocol::{
        hub,
        hub::Handling,
        hub::Next,
        hub::sequence::{self, Reach},
        types::types::Error,
    };

    use super::{Own, catalog, edition, request, services};

    const METHOD_NOT_FOUND: i32 = -32601;

    /// What follows the arguments waits for features and links.
    macro_rules! handle {
        ($id:ident, $method:ident, $params:ident $(, $($wait:tt)+)?) => {{
            let list = match Reach::of(&$method) {
                Reach::Next => return next($id, &$method, &$params)$($($wait)+)?,
                Reach::Capabilities => {
                    let described = next($id, &$method, &$params)$($($wait)+)?;
                    return sequence::capable(&catalog(), &described?);
                }
                Reach::Own => {
                    return match own!($id, &$method, &$params $(, $($wait)+)?) {
                        Own::Done(result) => result,
                        Own::Unknown(unknown) => {
                            let result = next($id, &$method, &$params)$($($wait)+)?;
                            // Nobody has any of that kind.
                            result.map_err(|error| match error.code {
                                METHOD_NOT_FOUND => unknown,
                                _ => error,
                            })
                        }
                    };
                }
                Reach::List(list) => list,
            };
            if let Some(params) = sequence::behind(&$params) {
                let page = next($id, &$method, &params)$($($wait)+)?;
                return sequence::page(&page?);
            }
            let own = match own!($id, &$method, &$params $(, $($wait)+)?) {
                Own::Done(Ok(own)) if sequence::is_last(&own) => Some(own),
                Own::Done(result) => return result,
                Own::Unknown(_) => None,
            };
            let first = sequence::first(&$params);
            let page = next($id, &$method, &first)$($($wait)+)?;
            match (own, page) {
                (Some(own), Err(error)) if error.code == METHOD_NOT_FOUND => Ok(own),
                (_, Err(error)) => Err(error),
                (Some(own), Ok(page)) => sequence::joined(list, &own, &page),
                (None, Ok(page)) => sequence::page(&page),
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
