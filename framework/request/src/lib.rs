//! The component behind `request`: it answers for the requests in progress what features may
//! know of them, and sends their notifications.
//!
//! Exports `request` for features and `control` for the transport. Imports nothing of MCP.
#![cfg(target_family = "wasm")]

#[cfg(feature = "wasi-0-2")]
mod wasi_0_2;
#[cfg(feature = "wasi-0-2")]
use wasi_0_2 as edition;

#[cfg(feature = "wasi-0-3")]
mod wasi_0_3;
#[cfg(feature = "wasi-0-3")]
use wasi_0_3 as edition;

use std::{cell::RefCell, collections::BTreeMap};

use edition::Channel;
use edition::bindings::exports::spin_mcp::{
    framework::control::Context,
    server::request::{Caller, Guest, ListKind, LogLevel},
};
use spin_mcp_protocol::notify::Notifier;

struct Component;

/// A request in progress.
struct Request {
    context: Context,
    notifier: Notifier,
    channel: Channel,
}

thread_local! {
    static REQUESTS: RefCell<BTreeMap<u64, Request>> = const { RefCell::new(BTreeMap::new()) };
}

fn begin(id: u64, context: Context, channel: Channel) {
    let notifier = Notifier::new(context.progress_token.clone(), context.log_level);
    let request = Request {
        context,
        notifier,
        channel,
    };
    REQUESTS.with_borrow_mut(|requests| requests.insert(id, request));
}

/// What `f` says of a request; the default for an id that names none.
fn with<T: Default>(id: u64, f: impl FnOnce(&mut Request) -> T) -> T {
    REQUESTS.with_borrow_mut(|requests| requests.get_mut(&id).map(f).unwrap_or_default())
}

impl Guest for Component {
    fn protocol_version(id: u64) -> String {
        with(id, |request| request.context.protocol_version.clone())
    }

    fn client_info(id: u64) -> Option<String> {
        with(id, |request| request.context.client_info.clone())
    }

    fn client_capabilities(id: u64) -> String {
        let capabilities = with(id, |request| request.context.client_capabilities.clone());
        if capabilities.is_empty() {
            "{}".to_owned()
        } else {
            capabilities
        }
    }

    /// Nobody is known: no authorization middleware exists that could establish an identity.
    fn identity(_id: u64) -> Option<Caller> {
        None
    }

    fn session_id(id: u64) -> Option<String> {
        with(id, |request| request.context.session_id.clone())
    }

    fn meta(id: u64) -> Option<String> {
        with(id, |request| request.context.meta.clone())
    }

    fn input_responses(id: u64) -> Vec<(String, String)> {
        with(id, |request| request.context.input_responses.clone())
    }

    fn request_state(id: u64) -> Option<String> {
        with(id, |request| request.context.request_state.clone())
    }

    fn is_cancelled(id: u64) -> bool {
        with(id, |request| request.channel.is_closed())
    }

    fn progress(id: u64, progress: f64, total: Option<f64>, message: Option<String>) {
        with(id, |request| {
            if let Some(notification) =
                request
                    .notifier
                    .progress(progress, total, message.as_deref())
            {
                request.channel.send(&notification);
            }
        });
    }

    fn log(id: u64, level: LogLevel, logger: Option<String>, data: String) {
        with(id, |request| {
            if let Some(notification) = request.notifier.log(level as u8, logger.as_deref(), &data)
            {
                request.channel.send(&notification);
            }
        });
    }

    /// No client can subscribe yet: servers do not advertise it.
    fn resource_updated(_id: u64, _uri: String) {}

    /// No client can listen yet: servers do not advertise it.
    fn list_changed(_id: u64, _changed: ListKind) {}
}

edition::bindings::export!(Component with_types_in edition::bindings);
