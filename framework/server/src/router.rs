//! The router behind the middleware: it exports `handler`, and answers from the catalog or calls
//! features. As a saved sequence, it passes all other requests to the next middleware.

use spin_mcp_protocol::{
    catalog::Flags,
    chain, ready,
    request_id::request,
    router::{
        self, Handling, Own, RouterStep,
        sequence::{Sequence, SequenceStep},
    },
    services::ServerPart,
    types::types::Error,
};

#[cfg(feature = "wasi-0-2")]
use crate::features::blocking as next;
#[cfg(feature = "wasi-0-3")]
use crate::features::waiting as next;
use crate::{
    Component,
    catalog::{catalog, this_part},
    features,
    services::Host,
    wasi::bindings::spin_mcp::{framework::prepared, server::request as context},
};

mod bindings {
    #[cfg(feature = "wasi-0-2")]
    wit_bindgen::generate!({
        path: ["../wit", "../wit-internal"],
        world: "spin-mcp:framework/router",
        features: ["wasip2"],
        with: { "spin-mcp:server/types@0.1.0": spin_mcp_protocol::types::types },
    });
    #[cfg(feature = "wasi-0-3")]
    wit_bindgen::generate!({
        path: ["../wit", "../wit-internal"],
        world: "spin-mcp:framework/router",
        features: ["wasip3"],
        with: { "spin-mcp:server/types@0.1.0": spin_mcp_protocol::types::types },
    });
}

bindings::export!(Component with_types_in bindings);

async fn handle(id: u64, method: String, params: String) -> Result<String, Error> {
    let (id, method, params) = (request(id), &*method, &*params);
    if this_part() != ServerPart::Sequence {
        return match known(id, method) {
            (Some(result), ..) => Ok(result),
            (None, version, capabilities) => own(id, method, params, &version, capabilities)
                .await
                .settled(),
        };
    }
    let (mut sequence, mut step) = Sequence::begin(id, catalog(), method, params);
    loop {
        step = match step {
            SequenceStep::Own => {
                let version = context::protocol_version(id);
                let capabilities = context::client_capabilities(id);
                sequence.own(own(id, method, params, &version, capabilities).await)
            }
            SequenceStep::Next(params) => {
                return sequence.next(next::handle(id, method, &params).await);
            }
            SequenceStep::Done(result) => return result,
        };
    }
}

async fn notify(id: u64, method: String, params: String) {
    if this_part() == ServerPart::Sequence {
        next::notify(request(id), &method, &params).await;
    }
}

/// The result that the transport has already; the revision of the client, and its capabilities.
fn known(id: u64, method: &str) -> (Option<String>, String, String) {
    let catalog = catalog();
    if !catalog.flags().contains(Flags::USES_REQUEST) {
        let version = router::id::version(id).as_str().to_owned();
        return (
            router::id::result(&catalog, id, method),
            version,
            "{}".to_owned(),
        );
    }
    let known = prepared::get(id);
    let result = known.result.filter(|_| chain::is_gated(method));
    (result, known.protocol_version, known.client_capabilities)
}

/// Answers a request from the catalog, or by calling features.
async fn own(id: u64, method: &str, params: &str, version: &str, capabilities: String) -> Own {
    let (catalog, host) = (catalog(), &mut Host::default());
    match router::handle(&catalog, method, params, version, capabilities, host) {
        Handling::Done(own) => own,
        Handling::Call(mut call) => loop {
            let outcome = features::invoke(&call, id).await;
            if let RouterStep::Done(own) = router::settle(&mut call, outcome, host) {
                break own;
            }
        },
    }
}

/// Behind synchronous middleware, compose places nothing but synchronous features.
impl bindings::exports::spin_mcp::server::handler::Guest for Component {
    fn handle(id: u64, method: String, params: String) -> Result<String, Error> {
        ready(handle(id, method, params))
    }

    fn notify(id: u64, method: String, params: String) {
        ready(notify(id, method, params));
    }
}

#[cfg(feature = "wasi-0-3")]
impl bindings::exports::spin_mcp::server::handler_async::Guest for Component {
    async fn handle(id: u64, method: String, params: String) -> Result<String, Error> {
        handle(id, method, params).await
    }

    async fn notify(id: u64, method: String, params: String) {
        notify(id, method, params).await;
    }
}
