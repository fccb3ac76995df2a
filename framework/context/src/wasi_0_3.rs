//! The WASI 0.3 build: notifications go to a stream, which the transport made the body of the
//! response.

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
    pub writer: Option<StreamWriter<u8>>,
    unsent: Vec<u8>,
    ended: bool,
    /// Of the writer that waits for more.
    waker: Option<Waker>,
}

impl Stream {
    /// A notification as it is sent. None: it is left out.
    pub fn frame(&self, notification: &[u8]) -> Option<Vec<u8>> {
        (self.unsent.len() <= MAX_UNSENT).then(|| sse::event(notification))
    }

    /// The transport opens it before it makes the call.
    pub fn is_open(&self) -> bool {
        true
    }

    /// Sends bytes as soon as the tool that sent them waits: only `pump` can wait for the reader.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.unsent.extend_from_slice(bytes);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        true
    }

    /// Sends the last bytes. Returns whether more is left to do: `pump` writes them.
    pub fn end(&mut self, last: &[u8]) -> bool {
        self.ended = true;
        self.send(last)
    }

    /// What to write next; nothing after the end.
    fn poll_next(&mut self, waker: &Waker) -> Poll<Vec<u8>> {
        if self.unsent.is_empty() && !self.ended {
            self.waker = Some(waker.clone());
            return Poll::Pending;
        }
        Poll::Ready(mem::take(&mut self.unsent))
    }
}

/// Sends the first bytes, or a comment, which clients ignore. If they are taken, the stream has a
/// reader.
pub async fn open(id: u64, mut opening: Vec<u8>) {
    if opening.is_empty() {
        opening = sse::KEEP_ALIVE.to_vec();
    }
    let Some(mut writer) = with_stream(id, |stream| stream.writer.take()).flatten() else {
        return;
    };
    if writer.write_all(opening).await.is_empty() {
        with_stream(id, |stream| stream.writer = Some(writer));
    } else {
        Component::close(id);
    }
}

pub async fn pump(id: u64) {
    let Some(mut writer) = with_stream(id, |stream| stream.writer.take()).flatten() else {
        return;
    };
    loop {
        // A request without a stream has ended.
        let next = poll_fn(|cx| {
            with_stream(id, |stream| stream.poll_next(cx.waker()))
                .unwrap_or(Poll::Ready(Vec::new()))
        })
        .await;
        if next.is_empty() {
            break;
        }
        if !writer.write_all(next).await.is_empty() {
            return Component::close(id);
        }
    }
    crate::remove(id);
}
