//! The context: it knows the requests in progress. It answers what features and middleware ask
//! about them, and sends their notifications.
//!
//! Exports `request`, `input` and `changes` for features, `control` for the transport and
//! `prepared` for the router. Imports nothing of MCP.
#![cfg(target_family = "wasm")]

#[cfg_attr(feature = "wasi-0-2", path = "wasi_0_2.rs")]
#[cfg_attr(feature = "wasi-0-3", path = "wasi_0_3.rs")]
mod wasi;

use std::{cell::RefCell, collections::BTreeMap, io::Write as _, mem};

use spin_mcp_protocol::{notify::Notifier, request_id};
use wasi::{
    Stream, bindings,
    bindings::exports::spin_mcp::{
        framework::{
            control::{self, Change, Context},
            prepared::{self, Known},
        },
        server::{
            changes::{self, ListKind},
            input,
            request::{self, Caller, LogLevel},
        },
    },
};

struct Component;

/// A request in progress.
struct Request {
    context: Context,
    notifier: Notifier,
    channel: Channel,
    /// The first bytes of a stream.
    opening: Vec<u8>,
    /// The origin of the page that reads a stream.
    #[cfg(feature = "wasi-0-2")]
    origin: Option<String>,
    changes: Vec<Change>,
}

/// The most changes that one request can report.
const MAX_CHANGES: usize = 1_000;

thread_local! {
    static REQUESTS: RefCell<BTreeMap<u64, Request>> = const { RefCell::new(BTreeMap::new()) };
}

/// Where the notifications of one request go.
enum Channel {
    Nowhere,
    /// Stdout.
    Lines,
    Stream(Stream),
    /// The client is gone, or no longer waits.
    Closed,
}

impl Channel {
    /// Sends a notification: a JSON-RPC message.
    fn notify(&mut self, notification: &[u8]) {
        match self {
            Channel::Lines => self.send(&[notification, b"\n"].concat()),
            Channel::Stream(stream) => {
                if let Some(bytes) = stream.frame(notification) {
                    self.send(&bytes);
                }
            }
            Channel::Nowhere | Channel::Closed => {}
        }
    }

    /// Sends bytes unchanged.
    fn send(&mut self, bytes: &[u8]) {
        let is_open = match self {
            Channel::Nowhere | Channel::Closed => true,
            Channel::Lines => write(bytes).is_ok(),
            Channel::Stream(stream) => stream.send(bytes),
        };
        if !is_open {
            *self = Channel::Closed;
        }
    }
}

fn write(bytes: &[u8]) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// What `f` returns for a request, or the default if the id is unknown.
fn with<T: Default>(id: u64, f: impl FnOnce(&mut Request) -> T) -> T {
    let id = request_id::request(id);
    REQUESTS.with_borrow_mut(|requests| requests.get_mut(&id).map(f).unwrap_or_default())
}

/// What `f` returns for the stream of a request, if it has one.
fn with_stream<T>(id: u64, f: impl FnOnce(&mut Stream) -> T) -> Option<T> {
    with(id, |request| match &mut request.channel {
        Channel::Stream(stream) => Some(f(stream)),
        _ => None,
    })
}

fn remove(id: u64) {
    REQUESTS.with_borrow_mut(|requests| requests.remove(&request_id::request(id)));
}

fn report(id: u64, change: Change) {
    with(id, |request| {
        if !request.changes.contains(&change) && request.changes.len() < MAX_CHANGES {
            request.changes.push(change);
        }
    });
}

impl control::Guest for Component {
    fn begin(id: u64, context: Context, channel: control::Channel) {
        let notifier = Notifier::new(context.progress_token.clone(), context.log_level);
        let request = Request {
            context,
            notifier,
            channel: match channel {
                control::Channel::Nowhere => Channel::Nowhere,
                control::Channel::Lines => Channel::Lines,
                control::Channel::Events => Channel::Stream(Stream::default()),
            },
            opening: Vec::new(),
            #[cfg(feature = "wasi-0-2")]
            origin: None,
            changes: Vec::new(),
        };
        REQUESTS.with_borrow_mut(|all| all.insert(request_id::request(id), request));
    }

    fn again(id: u64, input_responses: Vec<(String, String)>, request_state: Option<String>) {
        with(id, |request| {
            request.context.input_responses = input_responses;
            request.context.request_state = request_state;
        });
    }

    fn send(id: u64, bytes: Vec<u8>) -> bool {
        with(id, |request| {
            request.channel.send(&bytes);
            !matches!(request.channel, Channel::Closed)
        })
    }

    fn changes(id: u64) -> Vec<Change> {
        with(id, |request| mem::take(&mut request.changes))
    }

    fn close(id: u64) {
        with(id, |request| request.channel = Channel::Closed);
    }

    fn end(id: u64, last: Vec<u8>) {
        let goes_on = with_stream(id, |stream| stream.end(&last));
        if goes_on != Some(true) {
            remove(id);
        }
    }

    fn opens_with(id: u64, bytes: Vec<u8>) {
        with(id, |request| request.opening = bytes);
    }

    fn is_streaming(id: u64) -> bool {
        with_stream(id, |stream| stream.is_open()).unwrap_or_default()
    }

    #[cfg(feature = "wasi-0-2")]
    fn give(id: u64, output: control::Output) {
        with(id, |request| {
            let opening = mem::take(&mut request.opening);
            let origin = request.origin.take();
            request.channel = Channel::Stream(Stream::Given(output, opening, origin))
        });
    }

    #[cfg(feature = "wasi-0-2")]
    fn allow(id: u64, origin: String) {
        with(id, |request| request.origin = Some(origin));
    }

    #[cfg(feature = "wasi-0-2")]
    fn take(id: u64) -> Option<control::Output> {
        with_stream(id, Stream::take).flatten()
    }

    #[cfg(feature = "wasi-0-3")]
    fn events(id: u64) -> wit_bindgen::StreamReader<u8> {
        // Of an unknown id, the writer is dropped: the stream has ended.
        let (writer, reader) = bindings::wit_stream::new();
        let opening = with(id, |request| mem::take(&mut request.opening));
        with_stream(id, |stream| stream.begin(writer, opening));
        reader
    }

    #[cfg(feature = "wasi-0-3")]
    async fn sent(id: u64) {
        wasi::sent(id).await;
    }

    #[cfg(feature = "wasi-0-3")]
    async fn pump(id: u64) {
        wasi::pump(id).await;
    }
}

impl request::Guest for Component {
    fn protocol_version(id: u64) -> String {
        with(id, |request| request.context.protocol_version.clone())
    }

    fn client_info(id: u64) -> Option<String> {
        with(id, |request| request.context.client_info.clone())
    }

    fn client_capabilities(id: u64) -> String {
        let declared = with(id, |request| request.context.client_capabilities.clone());
        let declared = Some(declared).filter(|declared| !declared.is_empty());
        declared.unwrap_or_else(|| "{}".to_owned())
    }

    fn identity(id: u64) -> Option<Caller> {
        with(id, |request| request.context.identity.clone())
    }

    fn headers(id: u64) -> Vec<(String, String)> {
        with(id, |request| request.context.headers.clone())
    }

    fn session_id(id: u64) -> Option<String> {
        with(id, |request| request.context.session_id.clone())
    }

    fn meta(id: u64) -> Option<String> {
        with(id, |request| request.context.meta.clone())
    }

    fn is_cancelled(id: u64) -> bool {
        with(id, |request| matches!(request.channel, Channel::Closed))
    }

    fn progress(id: u64, progress: f64, total: Option<f64>, message: Option<String>) {
        with(id, |request| {
            let notifier = &mut request.notifier;
            if let Some(notification) = notifier.progress(progress, total, message.as_deref()) {
                request.channel.notify(&notification);
            }
        });
    }

    fn log(id: u64, level: LogLevel, logger: Option<String>, data: String) {
        with(id, |request| {
            let notifier = &mut request.notifier;
            if let Some(notification) = notifier.log(level as u8, logger.as_deref(), &data) {
                request.channel.notify(&notification);
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
        report(id, Change::Resource(uri));
    }

    fn list_changed(id: u64, changed: ListKind) {
        let change = match changed {
            ListKind::Tools => Change::Tools,
            ListKind::Resources => Change::Resources,
            ListKind::Prompts => Change::Prompts,
        };
        report(id, change);
    }
}

bindings::export!(Component with_types_in bindings);
