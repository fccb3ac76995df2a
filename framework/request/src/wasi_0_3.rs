//! WASI 0.3: notifications go to a stream that the transport made the body of the response.

use std::{
    future::{Future as _, poll_fn},
    io::Write as _,
    mem,
    pin::pin,
    task::Poll,
};

use spin_mcp_protocol::sse;
use wit_bindgen::rt::async_support::{StreamReader, StreamResult, StreamWriter};

use crate::{Component, REQUESTS};
use bindings::exports::spin_mcp::framework::control;

pub mod bindings {
    wit_bindgen::generate!({
        path: ["../wit", "../control/wasi-0.3/control.wit"],
        world: "spin-mcp:framework/request",
        generate_all,
    });
}

/// Where the notifications of one request go.
#[derive(Default)]
pub enum Channel {
    #[default]
    Nowhere,
    Lines,
    Stream(EventStream),
    /// The client went away.
    Closed,
}

impl Channel {
    pub fn is_closed(&self) -> bool {
        matches!(self, Channel::Closed)
    }

    /// Sends one notification, a JSON-RPC message: at once if its reader keeps up, with a
    /// later one or at the end otherwise.
    pub fn send(&mut self, notification: &[u8]) {
        match self {
            Channel::Nowhere | Channel::Closed => {}
            Channel::Lines => {
                if write_line(notification).is_err() {
                    *self = Channel::Closed;
                }
            }
            Channel::Stream(stream) => {
                stream.unsent.extend_from_slice(&sse::event(notification));
                if stream.send_now().is_err() {
                    *self = Channel::Closed;
                }
            }
        }
    }
}

fn write_line(line: &[u8]) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(line)?;
    stdout.write_all(b"\n")?;
    stdout.flush()
}

/// The reader of a stream is gone.
pub struct ReaderGone;

pub struct EventStream {
    writer: StreamWriter<u8>,
    /// Until the transport takes it.
    reader: Option<StreamReader<u8>>,
    unsent: Vec<u8>,
}

impl EventStream {
    /// Writes what the reader takes without waiting: notifications are sent from synchronous
    /// functions, which must not wait.
    fn send_now(&mut self) -> Result<(), ReaderGone> {
        if self.reader.is_some() {
            return Ok(());
        }
        let mut write = pin!(self.writer.write(mem::take(&mut self.unsent)));
        let (result, rest) = wit_bindgen::block_on(poll_fn(|cx| {
            Poll::Ready(match write.as_mut().poll(cx) {
                Poll::Ready(done) => done,
                Poll::Pending => write.as_mut().cancel(),
            })
        }));
        self.unsent = rest.into_vec();
        match result {
            StreamResult::Dropped => Err(ReaderGone),
            StreamResult::Complete(_) | StreamResult::Cancelled => Ok(()),
        }
    }
}

impl control::Guest for Component {
    fn begin(id: u64, context: control::Context, channel: control::Channel) {
        let channel = match channel {
            control::Channel::Nowhere => Channel::Nowhere,
            control::Channel::Lines => Channel::Lines,
            control::Channel::Events => {
                let (writer, reader) = bindings::wit_stream::new();
                Channel::Stream(EventStream { writer, reader: Some(reader), unsent: Vec::new() })
            }
        };
        crate::begin(id, context, channel);
    }

    fn events(id: u64) -> StreamReader<u8> {
        let reader = REQUESTS.with_borrow_mut(|requests| match requests.get_mut(&id)?.channel {
            Channel::Stream(ref mut stream) => stream.reader.take(),
            _ => None,
        });
        // Asked for what it did not begin, a transport gets a stream that has ended.
        reader.unwrap_or_else(|| bindings::wit_stream::new().1)
    }

    /// Sends a comment, which clients ignore; whoever takes it reads the stream.
    async fn open(id: u64) {
        let taken = crate::with(id, |request| Some(mem::take(&mut request.channel)));
        if let Some(Channel::Stream(mut stream)) = taken {
            let rest = stream.writer.write_all(b":\n\n".to_vec()).await;
            let channel = if rest.is_empty() { Channel::Stream(stream) } else { Channel::Closed };
            crate::with(id, |request| request.channel = channel);
        }
    }

    async fn end(id: u64, last: Vec<u8>) {
        let request = REQUESTS.with_borrow_mut(|requests| requests.remove(&id));
        if let Some(Channel::Stream(mut stream)) = request.map(|request| request.channel) {
            let mut unsent = mem::take(&mut stream.unsent);
            unsent.extend_from_slice(&last);
            // What a reader that left did not take is lost on purpose.
            stream.writer.write_all(unsent).await;
        }
    }

    fn forget(id: u64) {
        REQUESTS.with_borrow_mut(|requests| requests.remove(&id));
    }
}
