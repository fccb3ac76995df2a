//! The server of the framework. One build is the whole server or, before middleware, its
//! transport. Another build, with the feature `router`, is the router behind middleware.
//!
//! A server exports the standard interfaces for HTTP and stdio, a router exports `handler`. Both
//! import each interface of features once. Compose replaces that import by those of the features
//! that there are, and stores what it read from them in the catalog.
#![cfg(target_family = "wasm")]

/// The name of an HTTP method. Its type is another one in each version of WASI, with the same cases.
macro_rules! method_name {
    ($method:expr) => {
        match $method {
            Method::Get => "GET".to_owned(),
            Method::Post => "POST".to_owned(),
            Method::Delete => "DELETE".to_owned(),
            Method::Head => "HEAD".to_owned(),
            Method::Options => "OPTIONS".to_owned(),
            Method::Put => "PUT".to_owned(),
            Method::Patch => "PATCH".to_owned(),
            Method::Connect => "CONNECT".to_owned(),
            Method::Trace => "TRACE".to_owned(),
            Method::Other(name) => name,
        }
    };
}

#[cfg(feature = "auth")]
mod auth;
mod catalog;
mod drive;
mod features;
#[cfg(feature = "router")]
mod router;
mod services;
mod waiting;
#[cfg_attr(feature = "wasi-0-2", path = "wasi_0_2.rs")]
#[cfg_attr(feature = "wasi-0-3", path = "wasi_0_3.rs")]
mod wasi;

struct Component;
