//! The component around a middleware.

use spin_mcp_protocol::types::types::Error;

use crate::{INTERNAL_ERROR, Identity, Middleware, Next, Settings, error};
use bindings::spin_mcp::server::{request, settings};

#[cfg(feature = "wasi-0-2")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        world: "spin-mcp:server/middleware",
        with: { "spin-mcp:server/types@0.1.0": spin_mcp_protocol::types::types },
        pub_export_macro: true,
        generate_all,
    });
}

#[cfg(feature = "wasi-0-3")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        world: "spin-mcp:server/middleware-async",
        with: { "spin-mcp:server/types@0.1.0": spin_mcp_protocol::types::types },
        pub_export_macro: true,
        generate_all,
    });
}

/// The middleware of this component, made from its settings. It lives as long as the instance.
pub fn middleware<M: Middleware>() -> Result<M, Error> {
    let settings = settings::get();
    let made = Settings::parse(&settings).and_then(M::new);
    made.map_err(|problem| {
        let message = format!("the settings of `{}`: {problem}", M::NAME);
        error(INTERNAL_ERROR, message)
    })
}

/// The component behind this middleware, for the request of this id.
pub struct Imported(pub u64);

impl Next for Imported {
    #[cfg(feature = "wasi-0-2")]
    async fn handle(&self, method: &str, params: String) -> Result<String, Error> {
        bindings::spin_mcp::server::handler::handle(self.0, method, &params)
    }

    #[cfg(feature = "wasi-0-3")]
    async fn handle(&self, method: &str, params: String) -> Result<String, Error> {
        bindings::spin_mcp::server::handler_async::handle(self.0, method.to_owned(), params).await
    }

    #[cfg(feature = "wasi-0-2")]
    async fn notify(&self, method: &str, params: String) {
        bindings::spin_mcp::server::handler::notify(self.0, method, &params);
    }

    #[cfg(feature = "wasi-0-3")]
    async fn notify(&self, method: &str, params: String) {
        bindings::spin_mcp::server::handler_async::notify(self.0, method.to_owned(), params).await;
    }

    fn has_client(&self) -> bool {
        self.0 != 0
    }

    fn revision(&self) -> Option<String> {
        let revision = request::protocol_version(self.0);
        (!revision.is_empty()).then_some(revision)
    }

    fn identity(&self) -> Option<Identity> {
        request::identity(self.0).map(|caller| Identity {
            subject: caller.subject,
            issuer: caller.issuer,
        })
    }

    fn session_id(&self) -> Option<String> {
        request::session_id(self.0)
    }

    fn meta(&self) -> Option<String> {
        request::meta(self.0)
    }
}

/// Makes a component of a type that is a [`Middleware`].
#[macro_export]
macro_rules! export {
    ($middleware:ty) => {
        struct Component;

        thread_local! {
            static MIDDLEWARE: &'static Result<$middleware, $crate::Error> =
                Box::leak(Box::new($crate::shell::middleware()));
        }

        $crate::export_handler!(Component, $middleware);
        $crate::shell::bindings::export!(Component with_types_in $crate::shell::bindings);
    };
}

#[cfg(feature = "wasi-0-2")]
#[doc(hidden)]
#[macro_export]
macro_rules! export_handler {
    ($component:ty, $middleware:ty) => {
        impl $crate::shell::bindings::exports::spin_mcp::server::handler::Guest for $component {
            fn handle(
                request: u64,
                method: String,
                params: String,
            ) -> Result<String, $crate::Error> {
                let made = MIDDLEWARE
                    .with(|made| made.as_ref())
                    .map_err(Clone::clone)?;
                let next = $crate::shell::Imported(request);
                $crate::ready(<$middleware as $crate::Middleware>::handle(
                    made, &next, &method, params,
                ))
            }

            fn notify(request: u64, method: String, params: String) {
                if let Ok(made) = MIDDLEWARE.with(|made| made.as_ref()) {
                    let next = $crate::shell::Imported(request);
                    $crate::ready(<$middleware as $crate::Middleware>::notify(
                        made, &next, &method, params,
                    ));
                }
            }
        }
    };
}

#[cfg(feature = "wasi-0-3")]
#[doc(hidden)]
#[macro_export]
macro_rules! export_handler {
    ($component:ty, $middleware:ty) => {
        impl $crate::shell::bindings::exports::spin_mcp::server::handler_async::Guest
            for $component
        {
            async fn handle(
                request: u64,
                method: String,
                params: String,
            ) -> Result<String, $crate::Error> {
                let made = MIDDLEWARE
                    .with(|made| made.as_ref())
                    .map_err(Clone::clone)?;
                let next = $crate::shell::Imported(request);
                <$middleware as $crate::Middleware>::handle(made, &next, &method, params).await
            }

            async fn notify(request: u64, method: String, params: String) {
                if let Ok(made) = MIDDLEWARE.with(|made| made.as_ref()) {
                    let next = $crate::shell::Imported(request);
                    <$middleware as $crate::Middleware>::notify(made, &next, &method, params).await;
                }
            }
        }
    };
}
