//! WASI 0.3: notifications go to a stream that the transport made the body of the response.

use std::{
    future::poll_fn,
    io::Write as _,
    mem,
    task::{Poll, Waker},
};

use spin_mcp_protocol::sse;
use wit_bindgen::{StreamReader, StreamWriter};

use crate::Component;
use bindings::exports::spin_mcp::framework::control;

pub mod bindings {
    wit_bindgen::generate!({
        path: ["../wit", "../control/wasi-0.3/control.wit"],
        world: "spin-mcp:framework/request",
        generate_all,
    });
}

/// Bytes of notifications that wait for a tool that does not. More are left out: the memory is
/// that of all requests.
const MAX_UNSENT: usize = 1 << 20;

/// Where the notifications of one request go.
#[derive(Default)]
pub enum Channel {
    #[default]
    Nowhere,
    Lines,
    Events(Events),
    /// The client went away.
    Closed,
}

impl Channel {
    pub fn is_closed(&self) -> bool {
        matches!(self, Channel::Closed)
    }

    /// Sends one notification, a JSON-RPC message: at once to stdout; to a stream as soon as
    /// the tool that sent it waits for something, since only `pump` may wait for the reader.
    pub fn send(&mut self, notification: &[u8]) {
        match self {
            Channel::Lines => self.write(&[notification, b"\n"].concat()),
            Channel::Events(events) if events.unsent.len() > MAX_UNSENT => {}
            _ => self.write(&sse::event(notification)),
        }
    }

    /// Sends bytes as they are, likewise.
    pub fn write(&mut self, bytes: &[u8]) {
        match self {
            Channel::Nowhere | Channel::Closed => {}
            Channel::Lines => {
                if write(bytes).is_err() {
                    *self = Channel::Closed;
                }
            }
            Channel::Events(events) => events.push(bytes),
        }
    }
}

fn write(bytes: &[u8]) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// The events between those who send and the one who writes.
pub struct Events {
    /// Until it writes.
    writer: Option<StreamWriter<u8>>,
    /// Until the transport takes it.
    reader: Option<StreamReader<u8>>,
    unsent: Vec<u8>,
    ended: bool,
    /// Of the writer that waits for more.
    waker: Option<Waker>,
}

impl Events {
    fn new() -> Events {
        let (writer, reader) = bindings::wit_stream::new();
        Events {
            writer: Some(writer),
            reader: Some(reader),
            unsent: Vec::new(),
            ended: false,
            waker: None,
        }
    }

    fn push(&mut self, event: &[u8]) {
        self.unsent.extend_from_slice(event);
        self.wake();
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// What is to be written; nothing after the end.
    fn poll_next(&mut self, waker: &Waker) -> Poll<Vec<u8>> {
        if self.unsent.is_empty() && !self.ended {
            self.waker = Some(waker.clone());
            return Poll::Pending;
        }
        Poll::Ready(mem::take(&mut self.unsent))
    }
}

/// The events of a request that has them.
fn with_events<T>(id: u64, f: impl FnOnce(&mut Events) -> T) -> Option<T> {
    crate::with(id, |request| match &mut request.channel {
        Channel::Events(events) => Some(f(events)),
        _ => None,
    })
}

impl control::Guest for Component {
    fn begin(id: u64, context: control::Context, channel: control::Channel) {
        let channel = match channel {
            control::Channel::Nowhere => Channel::Nowhere,
            control::Channel::Lines => Channel::Lines,
            control::Channel::Events => Channel::Events(Events::new()),
        };
        crate::begin(id, context, channel);
    }

    fn events(id: u64) -> StreamReader<u8> {
        // Asked for what it did not begin, a transport gets a stream that has ended.
        with_events(id, |events| events.reader.take())
            .flatten()
            .unwrap_or_else(|| bindings::wit_stream::new().1)
    }

    /// Sends a comment, which clients ignore; whoever takes it reads the stream.
    async fn open(id: u64) {
        let Some(mut writer) = with_events(id, |events| events.writer.take()).flatten() else {
            return;
        };
        if writer.write_all(b":\n\n".to_vec()).await.is_empty() {
            with_events(id, |events| events.writer = Some(writer));
        } else {
            Self::close(id);
        }
    }

    async fn pump(id: u64) {
        let Some(mut writer) = with_events(id, |events| events.writer.take()).flatten() else {
            return;
        };
        loop {
            // Without events any more, the request has ended, too.
            let next = poll_fn(|cx| {
                with_events(id, |events| events.poll_next(cx.waker()))
                    .unwrap_or(Poll::Ready(Vec::new()))
            })
            .await;
            if next.is_empty() {
                break;
            }
            if !writer.write_all(next).await.is_empty() {
                return Self::close(id);
            }
        }
        crate::remove(id);
    }

    fn again(id: u64, input_responses: Vec<(String, String)>, request_state: Option<String>) {
        crate::again(id, input_responses, request_state);
    }

    fn send(id: u64, bytes: Vec<u8>) -> bool {
        crate::with(id, |request| {
            request.channel.write(&bytes);
            !request.channel.is_closed()
        })
    }

    fn changes(id: u64) -> Vec<control::Change> {
        crate::changes(id)
    }

    fn close(id: u64) {
        crate::with(id, |request| request.channel = Channel::Closed);
    }

    fn end(id: u64, last: Vec<u8>) {
        let pumping = with_events(id, |events| {
            events.ended = true;
            events.push(&last);
        });
        if pumping.is_none() {
            crate::remove(id);
        }
    }
}
