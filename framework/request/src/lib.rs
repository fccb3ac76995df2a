//! The component behind `request`: it answers for the requests in progress what features may
//! know of them, and sends their notifications.
//!
//! Exports `request`, `input` and `changes` for features and `control` for the transport. Imports nothing of MCP.
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
    framework::{
        control::{Change, Context},
        prepared::{self, Known},
    },
    server::{
        changes::{self, ListKind},
        input,
        request::{self, Caller, LogLevel},
    },
};
use spin_mcp_protocol::notify::Notifier;

struct Component;

/// The bits of an id that name the request; those above them name the feature that is asked.
const BELOW: u64 = (1 << 48) - 1;

/// A request in progress.
struct Request {
    context: Context,
    notifier: Notifier,
    channel: Channel,
    changes: Vec<Change>,
}

/// The most changes that one request can tell of.
const MAX_CHANGES: usize = 1_000;

thread_local! {
    static REQUESTS: RefCell<BTreeMap<u64, Request>> = const { RefCell::new(BTreeMap::new()) };
}

fn begin(id: u64, context: Context, channel: Channel) {
    let notifier = Notifier::new(context.progress_token.clone(), context.log_level);
    let request = Request {
        context,
        notifier,
        channel,
        changes: Vec::new(),
    };
    REQUESTS.with_borrow_mut(|requests| requests.insert(id & BELOW, request));
}

fn remove(id: u64) -> Option<Request> {
    REQUESTS.with_borrow_mut(|requests| requests.remove(&(id & BELOW)))
}

fn again(id: u64, input_responses: Vec<(String, String)>, request_state: Option<String>) {
    with(id, |request| {
        request.context.input_responses = input_responses;
        request.context.request_state = request_state;
    });
}

fn changes(id: u64) -> Vec<Change> {
    with(id, |request| std::mem::take(&mut request.changes))
}

fn change(id: u64, change: Change) {
    with(id, |request| {
        let is_new = !request.changes.iter().any(|other| is_same(other, &change));
        if is_new && request.changes.len() < MAX_CHANGES {
            request.changes.push(change);
        }
    });
}

fn is_same(a: &Change, b: &Change) -> bool {
    match (a, b) {
        (Change::Resource(a), Change::Resource(b)) => a == b,
        (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

/// What `f` says of a request; the default for an id that names none.
fn with<T: Default>(id: u64, f: impl FnOnce(&mut Request) -> T) -> T {
    REQUESTS.with_borrow_mut(|requests| requests.get_mut(&(id & BELOW)).map(f).unwrap_or_default())
}

impl request::Guest for Component {
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
}

impl input::Guest for Component {
    fn responses(id: u64) -> Vec<(String, String)> {
        with(id, |request| request.context.input_responses.clone())
    }

    fn state(id: u64) -> Option<String> {
        with(id, |request| request.context.request_state.clone())
    }
}

impl prepared::Guest for Component {
    fn get(id: u64) -> Known {
        Known {
            result: with(id, |request| request.context.prepared.clone()),
            protocol_version: <Component as request::Guest>::protocol_version(id),
            client_capabilities: <Component as request::Guest>::client_capabilities(id),
        }
    }
}

impl changes::Guest for Component {
    fn resource_updated(id: u64, uri: String) {
        change(id, Change::Resource(uri));
    }

    fn list_changed(id: u64, changed: ListKind) {
        change(
            id,
            match changed {
                ListKind::Tools => Change::Tools,
                ListKind::Resources => Change::Resources,
                ListKind::Prompts => Change::Prompts,
            },
        );
    }
}

edition::bindings::export!(Component with_types_in edition::bindings);
