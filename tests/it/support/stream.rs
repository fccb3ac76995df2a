//! An answer that is read as it arrives: what a client does with a stream of events.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{
    http::{Request, Response},
    server::Server,
};

/// How long a server may take until its next message.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A JSON-RPC message; an answer that is not a stream counts as one.
    Message(Value),
    /// A comment, which keeps the stream alive.
    Comment(String),
    /// The end; whether the server meant it.
    End { complete: bool },
}

/// A connection on which events arrive. It is closed when the test lets go of it.
pub struct Stream {
    /// The status and the headers.
    pub head: Response,
    events: Receiver<(Event, Instant)>,
    text: Arc<Mutex<String>>,
    socket: TcpStream,
}

impl Stream {
    /// Sends a request on a connection of its own, and waits for the head of the answer.
    pub fn open(server: &Server, request: &Request) -> Self {
        Self::open_at(server.address(), request)
    }

    pub fn open_at(to: SocketAddr, request: &Request) -> Self {
        let mut socket = TcpStream::connect(to).expect("the server listens");
        socket.set_nodelay(true).expect("a socket");
        let bytes = [request.head(to), request.body.clone()].concat();
        socket.write_all(&bytes).expect("the server reads");
        let (found_head, head) = mpsc::channel();
        let (found, events) = mpsc::channel();
        let reader = socket.try_clone().expect("a socket");
        let text = Arc::default();
        let arrived = Arc::clone(&text);
        std::thread::spawn(move || read(reader, &found_head, &found, &arrived));
        let head = head
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("no answer to {request:?}"));
        Self {
            head,
            events,
            text,
            socket,
        }
    }

    /// What has arrived so far.
    pub fn text(&self) -> String {
        self.text.lock().expect("no reader panicked").clone()
    }

    /// The next event, and when it arrived.
    pub fn event(&self) -> (Event, Instant) {
        self.events.recv_timeout(PATIENCE).expect("another event")
    }

    /// The next message.
    pub fn message(&self) -> Value {
        loop {
            match self.event().0 {
                Event::Message(message) => return message,
                Event::Comment(_) => {}
                Event::End { complete } => panic!("the stream ended; complete: {complete}"),
            }
        }
    }

    /// All messages up to the end, which must come soon.
    pub fn rest(&self) -> Vec<Value> {
        let mut messages = Vec::new();
        loop {
            match self.event().0 {
                Event::Message(message) => messages.push(message),
                Event::Comment(_) => {}
                Event::End { complete } => {
                    assert!(complete, "it broke after {messages:?}");
                    return messages;
                }
            }
        }
    }

    /// No message arrives, and no end.
    pub fn assert_silent(&self, time: Duration) {
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok((Event::Comment(_), _)) => {}
                Ok((event, _)) => panic!("not silent: {event:?}"),
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => panic!("it has ended"),
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

fn read(
    mut socket: TcpStream,
    head: &Sender<Response>,
    events: &Sender<(Event, Instant)>,
    arrived: &Mutex<String>,
) {
    let mut raw = Vec::new();
    let mut buffer = vec![0; 65_536];
    let mut told = 0;
    loop {
        let count = socket.read(&mut buffer).unwrap_or(0);
        raw.extend_from_slice(&buffer[..count]);
        let Some(response) = Response::parse(&raw, &[]) else {
            if count == 0 {
                return;
            }
            continue;
        };
        let _ = head.send(response.clone());
        let tell = |event| events.send((event, Instant::now())).is_ok();
        let mut listens = true;
        if response.header("content-type") == Some("text/event-stream") {
            // The last one may have arrived in part.
            let text = String::from_utf8_lossy(&response.body);
            *arrived.lock().expect("no reader panicked") = text.to_string();
            let events = text.split_inclusive("\n\n");
            for event in events.filter(|event| event.ends_with("\n\n")).skip(told) {
                told += 1;
                listens &= tell(parse(event));
            }
        } else if count == 0 && !response.body.is_empty() {
            listens &= tell(Event::Message(response.json()));
        }
        if count == 0 || !listens {
            let complete = response.complete;
            tell(Event::End { complete });
            return;
        }
    }
}

fn parse(event: &str) -> Event {
    let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
    let data: Vec<_> = lines
        .map(|data| data.strip_prefix(' ').unwrap_or(data))
        .collect();
    if data.iter().all(|data| data.is_empty()) {
        return Event::Comment(event.trim().to_owned());
    }
    let data = data.join("\n");
    let message = serde_json::from_str(&data);
    Event::Message(message.unwrap_or_else(|error| panic!("no JSON ({error}): {data}")))
}
