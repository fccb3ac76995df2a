//! What a client and a server say to each other on stdio, line by line, so that what the server
//! leaves unanswered is known.

use std::{
    collections::VecDeque,
    io::{self, Write as _},
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use hyper::body::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wasmtime_wasi::{
    cli::{IsTerminal, StdinStream, StdoutStream},
    p2::{InputStream, Pollable, StreamError, StreamResult},
};

use super::answer::{INTERNAL, RequestId, error_body};

/// The conversation of a client with its server, whichever instance that is.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Lines that the server has not read.
    unread: VecDeque<Line>,
    /// What is left of the line that the server reads.
    reading: Vec<u8>,
    has_ended: bool,
    /// Requests that the server has read and not answered, by their ids as written.
    open: Vec<String>,
    /// Those of them that the client waits for no longer.
    cancelled: Vec<String>,
    /// What another instance must read first: the handshake and the log level.
    settled: Vec<Line>,
    /// Answers that the client has already, by their ids.
    known: Vec<String>,
    /// The beginning of a line that the server writes.
    written: Vec<u8>,
    /// Whether the server waits for a line.
    reader: Option<Waker>,
}

#[derive(Clone, Default)]
struct Line {
    text: Vec<u8>,
    /// The id of a request.
    id: Option<String>,
    method: String,
}

#[derive(Deserialize, Default)]
struct Message<'m> {
    #[serde(borrow)]
    id: Option<&'m RawValue>,
    #[serde(default)]
    method: String,
    #[serde(borrow)]
    params: Option<&'m RawValue>,
}

impl Lines {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Takes a line of the client. Returns the id of a `ping`.
    pub(super) fn push(&self, text: Vec<u8>) -> Option<String> {
        let message: Message<'_> = serde_json::from_slice(&text).unwrap_or_default();
        let id = message.id.map(|id| id.get().to_owned());
        let mut state = self.state();
        if message.method == "notifications/cancelled" {
            #[derive(Deserialize)]
            #[serde(rename_all = "camelCase")]
            struct Cancelled<'m> {
                #[serde(borrow)]
                request_id: &'m RawValue,
            }
            let params = message.params.map_or("", RawValue::get);
            if let Ok(Cancelled { request_id }) = serde_json::from_str(params) {
                let id = request_id.get();
                state.unread.retain(|line| line.id.as_deref() != Some(id));
                if state.open.iter().any(|open| open == id) {
                    state.cancelled.push(id.to_owned());
                }
            }
        }
        let ping = id.clone().filter(|_| message.method == "ping");
        let line = Line {
            id: id.filter(|_| !message.method.is_empty()),
            method: message.method,
            text,
        };
        state.unread.push_back(line);
        state.wake();
        ping
    }

    /// Answers a `ping` that the server has not answered, because a tool keeps it busy. It may have
    /// read it, in a WASI 0.3 build.
    pub(super) fn answer_ping(&self, id: &str) {
        let mut state = self.state();
        let unread = state.unread.len();
        state.unread.retain(|line| line.id.as_deref() != Some(id));
        let was_unread = state.unread.len() < unread;
        let was_read = take(&mut state.open, id);
        if was_read {
            state.known.push(id.to_owned());
        }
        if was_unread || was_read {
            print(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{}}}}\n").as_bytes());
        }
    }

    /// Stdin has ended.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.has_ended = true;
        state.wake();
    }

    /// Answers for a server that failed, and makes another instance of it go on. False: no
    /// request made it fail, so another instance would fail, too.
    pub(super) fn recover(&self, why: &str) -> bool {
        let mut state = self.state();
        let open = mem::take(&mut state.open);
        let cancelled = mem::take(&mut state.cancelled);
        for id in open.iter().filter(|id| !cancelled.contains(id)) {
            let mut line = error_body(&RequestId::raw(id), INTERNAL, why);
            line.push(b'\n');
            print(&line);
        }
        state.reading.clear();
        state.written.clear();
        state.reader = None;
        for line in state.settled.clone().into_iter().rev() {
            state.known.extend(line.id.clone());
            state.unread.push_front(line);
        }
        !open.is_empty()
    }
}

impl State {
    fn wake(&mut self) {
        if let Some(waker) = self.reader.take() {
            waker.wake();
        }
    }

    /// Whether the server can read more, or the end.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.reading.is_empty() && self.unread.is_empty() && !self.has_ended {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// The next bytes of one line: the server cannot read ahead. Empty at the end.
    fn read(&mut self, most: usize) -> Vec<u8> {
        if self.reading.is_empty()
            && let Some(line) = self.unread.pop_front()
        {
            self.open.extend(line.id.clone());
            self.reading = line.text.clone();
            match line.method.as_str() {
                "initialize" => self.settled = vec![line],
                "notifications/initialized" | "logging/setLevel" => {
                    self.settled.retain(|other| other.method != line.method);
                    self.settled.push(line);
                }
                _ => {}
            }
        }
        let rest = self.reading.split_off(most.min(self.reading.len()));
        mem::replace(&mut self.reading, rest)
    }

    /// Passes on what the server writes, without answers that nobody waits for.
    fn write(&mut self, bytes: &[u8]) {
        self.written.extend_from_slice(bytes);
        while let Some(end) = self.written.iter().position(|byte| *byte == b'\n') {
            let rest = self.written.split_off(end + 1);
            let line = mem::replace(&mut self.written, rest);
            let message: Message<'_> = serde_json::from_slice(&line).unwrap_or_default();
            let id = message.id.filter(|_| message.method.is_empty());
            let id = id.map(|id| id.get().to_owned()).unwrap_or_default();
            take(&mut self.open, &id);
            let is_unwanted = take(&mut self.known, &id) || take(&mut self.cancelled, &id);
            if !is_unwanted {
                print(&line);
            }
        }
    }
}

/// Removes an id. False: it was not there.
fn take(ids: &mut Vec<String>, id: &str) -> bool {
    let at = ids.iter().position(|other| other == id);
    at.map(|at| ids.remove(at)).is_some()
}

/// Writes to stdout. A client that is gone reads nothing; stdin ends then, too.
fn print(line: &[u8]) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(line).and_then(|()| stdout.flush());
}

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdinStream for Lines {
    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn InputStream> {
        Box::new(self.clone())
    }
}

impl StdoutStream for Lines {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncRead for Lines {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.state();
        state.poll_ready(cx).map(|()| {
            buffer.put_slice(&state.read(buffer.remaining()));
            Ok(())
        })
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {
        std::future::poll_fn(|cx| self.state().poll_ready(cx)).await;
    }
}

#[wasmtime_wasi::async_trait]
impl InputStream for Lines {
    fn read(&mut self, most: usize) -> StreamResult<Bytes> {
        let mut state = self.state();
        match state.read(most) {
            bytes if bytes.is_empty() && state.has_ended && most > 0 => Err(StreamError::Closed),
            bytes => Ok(bytes.into()),
        }
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.state().write(bytes);
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

    fn read(lines: &Lines) -> String {
        String::from_utf8(lines.state().read(usize::MAX)).unwrap()
    }

    fn push(lines: &Lines, text: &str) -> Option<String> {
        lines.push(text.as_bytes().to_vec())
    }

    #[test]
    fn another_instance_goes_on_where_one_failed() {
        let lines = Lines::default();
        let first = r#"{"id":0,"method":"initialize"}"#;
        push(&lines, first);
        read(&lines);
        lines.state().write(b"{\"id\":0,\"result\":{}}\n");
        assert!(!lines.recover("nothing was asked"));
        assert_eq!(read(&lines), first);
        lines.state().write(b"{\"id\":0,\"res");
        lines.state().write(b"ult\":{}}\n");
        assert!(lines.state().known.is_empty(), "it was not sent twice");
        push(&lines, r#"{"id":1,"method":"tools/call"}"#);
        push(&lines, r#"{"id":2,"method":"tools/call"}"#);
        read(&lines);
        assert!(lines.recover("it trapped"));
        assert_eq!(read(&lines), first);
        assert_eq!(read(&lines), r#"{"id":2,"method":"tools/call"}"#);
    }

    #[test]
    fn calls_that_were_not_read_are_cancelled() {
        let lines = Lines::default();
        push(&lines, r#"{"id":"a","method":"tools/call"}"#);
        read(&lines);
        push(&lines, r#"{"id":"b","method":"tools/call"}"#);
        for id in ["a", "b", "c"] {
            let params = format!(r#""params":{{"requestId":"{id}"}}"#);
            push(
                &lines,
                &format!(r#"{{"method":"notifications/cancelled",{params}}}"#),
            );
        }
        assert!(read(&lines).contains(r#""requestId":"a""#));
        assert_eq!(lines.state().cancelled, [r#""a""#]);
        lines.state().write(b"{\"id\":\"a\",\"result\":{}}\n");
        assert!(lines.state().cancelled.is_empty() && lines.state().open.is_empty());
    }

    #[test]
    fn a_ping_is_answered_once() {
        let lines = Lines::default();
        let ping = r#"{"id":1,"method":"ping"}"#;
        for is_read in [false, true] {
            assert_eq!(push(&lines, ping).as_deref(), Some("1"));
            if is_read {
                read(&lines);
            }
            lines.answer_ping("1");
            let state = lines.state();
            assert!(state.unread.is_empty() && state.open.is_empty());
            assert_eq!(state.known.len(), usize::from(is_read));
        }
        lines.state().write(b"{\"id\":1,\"result\":{}}\n");
        assert!(lines.state().known.is_empty(), "it was not sent twice");
        // In time.
        push(&lines, ping);
        read(&lines);
        lines.state().write(b"{\"id\":1,\"result\":{}}\n");
        lines.answer_ping("1");
        assert!(lines.state().known.is_empty());
    }

    #[test]
    fn the_server_reads_no_line_ahead() {
        let lines = Lines::default();
        push(&lines, "{}\n");
        push(&lines, "{}\n");
        assert_eq!(lines.state().read(2), b"{}");
        assert_eq!(lines.state().read(9), b"\n");
        assert_eq!(lines.state().unread.len(), 1);
        lines.end();
        assert_eq!(read(&lines), "{}\n");
        assert_eq!(read(&lines), "");
    }
}
