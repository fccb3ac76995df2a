//! What guests print: whole lines on our stderr, marked as theirs.

use std::{
    io::{self, Write as _},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use hyper::body::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    async_trait,
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

/// A longer line is split.
const LINE: usize = 8 * 1024;

/// The stdout or stderr of one instance. Lines of instances that print at the same time do
/// not mix.
#[derive(Clone)]
pub(super) struct GuestLog(Arc<Mutex<Lines>>);

struct Lines {
    prefix: Arc<str>,
    /// A line that has not ended yet.
    pending: Vec<u8>,
}

impl GuestLog {
    pub(super) fn new(prefix: Arc<str>) -> Self {
        Self(Arc::new(Mutex::new(Lines {
            prefix,
            pending: Vec::new(),
        })))
    }

    fn append(&self, bytes: &[u8]) {
        let mut lines = self.0.lock().unwrap_or_else(|e| e.into_inner());
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            for piece in part.chunks(LINE) {
                lines.pending.extend_from_slice(piece);
                if piece.ends_with(b"\n") || lines.pending.len() >= LINE {
                    lines.print();
                }
            }
        }
    }
}

impl Lines {
    fn print(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let mut line = Vec::with_capacity(self.prefix.len() + self.pending.len() + 3);
        line.extend_from_slice(self.prefix.as_bytes());
        line.extend_from_slice(b": ");
        line.append(&mut self.pending);
        if !line.ends_with(b"\n") {
            line.push(b'\n');
        }
        // A log that nobody reads is no reason to fail a request.
        let _ = io::stderr().write_all(&line);
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.print();
    }
}

impl StdoutStream for GuestLog {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl IsTerminal for GuestLog {
    fn is_terminal(&self) -> bool {
        IsTerminal::is_terminal(&io::stderr())
    }
}

impl OutputStream for GuestLog {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.append(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 * 1024)
    }
}

#[async_trait]
impl Pollable for GuestLog {
    async fn ready(&mut self) {}
}

impl AsyncWrite for GuestLog {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.append(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(log: &GuestLog) -> Vec<u8> {
        log.0.lock().unwrap().pending.clone()
    }

    #[test]
    fn a_line_waits_for_its_end() {
        let log = GuestLog::new("test".into());
        log.append(b"a ");
        log.append(b"b");
        assert_eq!(pending(&log), b"a b");
        log.append(b"\nc");
        assert_eq!(pending(&log), b"c");
    }

    #[test]
    fn a_line_without_an_end_is_bounded() {
        let log = GuestLog::new("test".into());
        log.append(&vec![b'x'; 3 * LINE + 5]);
        assert_eq!(pending(&log).len(), 5);
    }
}
