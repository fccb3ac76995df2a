//! The log: prints the lines of guests to stderr, each with a prefix.

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

use crate::plain;

/// The longest line in bytes. A longer line is split.
const LINE: usize = 8 * 1024;

/// The stdout or stderr of one instance. Lines of concurrent instances do not mix.
#[derive(Clone)]
pub(super) struct GuestLog(Arc<Mutex<Lines>>);

struct Lines {
    prefix: Arc<str>,
    /// The start of a line that has not ended.
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
        let ended = lines.append(bytes);
        // A closed stderr must not fail a request.
        let _ = io::stderr().write_all(&ended);
    }
}

impl Lines {
    /// The lines that end in `bytes`, with prefix and without control characters.
    fn append(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut ended = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            for piece in part.chunks(LINE) {
                self.pending.extend_from_slice(piece);
                if piece.ends_with(b"\n") || self.pending.len() >= LINE {
                    self.end(&mut ended);
                }
            }
        }
        ended
    }

    fn end(&mut self, ended: &mut Vec<u8>) {
        if self.pending.is_empty() {
            return;
        }
        let line = String::from_utf8_lossy(&self.pending);
        let line = format!("{}: {}\n", self.prefix, plain::line(&line));
        ended.extend_from_slice(line.as_bytes());
        self.pending.clear();
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let mut last = Vec::new();
        self.end(&mut last);
        let _ = io::stderr().write_all(&last);
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

    fn lines() -> Lines {
        Lines {
            prefix: "a".into(),
            pending: Vec::new(),
        }
    }

    #[test]
    fn a_line_waits_for_its_end() {
        let mut lines = lines();
        assert_eq!(lines.append(b"one "), b"");
        assert_eq!(lines.append(b"two"), b"");
        assert_eq!(
            lines.append(b"\nthree\n\nfo"),
            b"a: one two\na: three\na: \n"
        );
        assert_eq!(lines.append(b"ur\n"), b"a: four\n");
    }

    #[test]
    fn a_line_has_no_control_characters() {
        let printed = lines().append(b"\x1b[2Jcleared\r\nbroken \xff\n");
        let printed = String::from_utf8(printed).unwrap();
        assert_eq!(printed, "a: \u{fffd}[2Jcleared\na: broken \u{fffd}\n");
    }

    #[test]
    fn a_line_without_an_end_is_bounded() {
        let mut lines = lines();
        let printed = lines.append(&vec![b'x'; 3 * LINE]);
        assert_eq!(printed.len(), 3 * (LINE + "a: \n".len()));
        assert!(lines.pending.is_empty());
    }
}
