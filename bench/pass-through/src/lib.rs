//! A middleware that hands on whatever it gets, and does nothing else: what any middleware
//! costs.
#![cfg(target_family = "wasm")]

struct PassThrough;

#[cfg(not(feature = "async"))]
mod link {
    use super::PassThrough;
    use exports::spin_mcp::server::handler::Guest;
    use spin_mcp::server::{handler, types::Error};

    wit_bindgen::generate!({
        path: "../../framework/wit",
        inline: "
            package bench:pass-through;
            world link {
                import spin-mcp:server/handler@0.1.0;
                export spin-mcp:server/handler@0.1.0;
            }",
        generate_all,
    });
    export!(PassThrough);

    impl Guest for PassThrough {
        fn handle(request: u64, method: String, params: String) -> Result<String, Error> {
            handler::handle(request, &method, &params)
        }

        fn notify(request: u64, method: String, params: String) {
            handler::notify(request, &method, &params);
        }
    }
}

#[cfg(feature = "async")]
mod link {
    use super::PassThrough;
    use exports::spin_mcp::server::handler_async::Guest;
    use spin_mcp::server::{handler_async, types::Error};

    wit_bindgen::generate!({
        path: "../../framework/wit",
        inline: "
            package bench:pass-through;
            world link {
                import spin-mcp:server/handler-async@0.1.0;
                export spin-mcp:server/handler-async@0.1.0;
            }",
        generate_all,
    });
    export!(PassThrough);

    impl Guest for PassThrough {
        async fn handle(request: u64, method: String, params: String) -> Result<String, Error> {
            handler_async::handle(request, method, params).await
        }

        async fn notify(request: u64, method: String, params: String) {
            handler_async::notify(request, method, params).await;
        }
    }
}
