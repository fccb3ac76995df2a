//! The WASI 0.3 build: notifications go to a stream, which the transport makes the body of the
//! response once there is one.

use std::{
    future::poll_fn,
    mem,
    task::{Poll, Waker},
};

use spin_mcp_protocol::sse;
use wit_bindgen::StreamWriter;

use crate::{Component, with_stream};
use bindings::exports::spin_mcp::framework::control::Guest as _;

pub mod bindings {
    wit_bindgen::generate!({
        path: ["../wit", "../wit-internal"],
        world: "spin-mcp:framework/context",
        features: ["wasip3"],
        generate_all,
        additional_derives: [PartialEq],
    });
}

/// The bytes of notifications that wait while a tool does not. Further notifications are left
/// out: all requests share the memory.
const MAX_UNSENT: usize = 1 << 20;

/// The events between features, which send them, and `pump`, which writes them.
#[derive(Default)]
pub struct Stream {
    /// Once the transport has the reader, and while nothing writes.
    writer: Option<StreamWriter<u8>>,
    /// Whether the transport has the reader.
    is_read: bool,
    /// Whether anything was sent.
    is_open: bool,
    unsent: Vec<u8>,
    ended: bool,
    /// Of who waits for more.
    waker: Option<Waker>,
}

impl Stream {
    /// Gives it what to write to, and what to write first.
    pub fn begin(&mut self, writer: StreamWriter<u8>, opening: Vec<u8>) {
        self.writer = Some(writer);
        self.is_read = true;
        self.unsent.splice(..0, opening);
    }

    /// A notification as it is sent. None: it is left out.
    pub fn frame(&self, notification: &[u8]) -> Option<Vec<u8>> {
        (self.unsent.len() <= MAX_UNSENT).then(|| sse::event(notification))
    }

    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Sends bytes as soon as the tool that sent them waits: only `pump` can wait for the reader.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.unsent.extend_from_slice(bytes);
        self.is_open |= !bytes.is_empty();
        self.wake();
        true
    }

    /// Sends the last bytes. Returns whether more is left to do: `pump` writes them.
    pub fn end(&mut self, last: &[u8]) -> bool {
        self.ended = true;
        self.send(last);
        self.is_read
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Waits for something to write, or for the end.
    fn poll(&mut self, waker: &Waker) -> Poll<()> {
        if self.unsent.is_empty() && !self.ended {
            self.waker = Some(waker.clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

/// The request has ended, or its client no longer waits.
impl Drop for Stream {
    fn drop(&mut self) {
        self.wake();
    }
}

/// Waits for something to write, or for the end.
pub async fn sent(id: u64) {
    // A request without a stream has ended.
    let poll = |waker: &Waker| with_stream(id, |stream| stream.poll(waker));
    poll_fn(|cx| poll(cx.waker()).unwrap_or(Poll::Ready(()))).await;
}

pub async fn pump(id: u64) {
    let Some(mut writer) = with_stream(id, |stream| stream.writer.take()).flatten() else {
        return;
    };
    loop {
        sent(id).await;
        let next = with_stream(id, |stream| mem::take(&mut stream.unsent)).unwrap_or_default();
        if next.is_empty() {
            break;
        }
        if !writer.write_all(next).await.is_empty() {
            return Component::close(id);
        }
    }
    crate::remove(id);
}
