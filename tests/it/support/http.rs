//! One HTTP/1.1 exchange over a plain socket: every header is the test's own, and answers can
//! be read as they arrive.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a server may take to say the next thing.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// A POST to `/mcp` with the headers that any MCP client sends.
    pub fn post(body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: "POST".into(),
            path: "/mcp".into(),
            headers: vec![
                ("Content-Type".into(), "application/json".into()),
                (
                    "Accept".into(),
                    "application/json, text/event-stream".into(),
                ),
            ],
            body: body.into(),
        }
    }

    /// Adds a header, beside others of that name.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets a header in place of all others of that name.
    pub fn set(self, name: &str, value: &str) -> Self {
        self.without(name).header(name, value)
    }

    /// Takes away all headers of that name.
    pub fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    /// Sends it on a connection of its own and reads the answer to its end.
    ///
    /// `Host`, `Content-Length` and `Connection: close` are added unless the request has them.
    pub fn send(&self, to: SocketAddr) -> Response {
        self.try_send(to)
            .unwrap_or_else(|error| panic!("no answer from {to} to {self:?}: {error}"))
    }

    /// `send` for tests in which the connection may break.
    pub fn try_send(&self, to: SocketAddr) -> std::io::Result<Response> {
        self.exchange(TcpStream::connect(to)?)
    }

    /// Sends it on a connection whose other end is not read yet.
    pub fn begin(&self, to: SocketAddr) -> TcpStream {
        let mut socket = TcpStream::connect(to).expect("it listens");
        socket.set_read_timeout(Some(PATIENCE)).expect("no zero");
        let request = [&self.head(to)[..], &self.body].concat();
        socket.write_all(&request).expect("it reads");
        socket
    }

    /// `try_send` on a connection that is open already.
    pub fn exchange(&self, mut socket: TcpStream) -> std::io::Result<Response> {
        let to = socket.peer_addr()?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.write_all(&self.head(to))?;
        // A server may answer, and close, before it has read all of a body that it refuses.
        let sent = socket.write_all(&self.body);
        let start = Instant::now();
        let mut raw = Vec::new();
        let mut arrivals = Vec::new();
        let mut buffer = vec![0; 65_536];
        loop {
            match socket.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    raw.extend_from_slice(&buffer[..count]);
                    arrivals.push((raw.len(), start.elapsed()));
                }
                Err(error) if error.kind() == ErrorKind::ConnectionReset && !raw.is_empty() => {
                    break;
                }
                Err(error) => return Err(sent.err().unwrap_or(error)),
            }
        }
        Response::parse(&raw, &arrivals).ok_or_else(|| {
            std::io::Error::other(format!("no HTTP: {:?}", String::from_utf8_lossy(&raw)))
        })
    }

    pub(super) fn head(&self, to: SocketAddr) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        let own = [
            ("Host", to.to_string()),
            ("Content-Length", self.body.len().to_string()),
            ("Connection", "close".to_string()),
        ];
        for (name, value) in &own {
            if !self
                .headers
                .iter()
                .any(|(other, _)| other.eq_ignore_ascii_case(name))
            {
                head += &format!("{name}: {value}\r\n");
            }
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        head.into_bytes()
    }
}

#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The server closed the connection where it said it would.
    pub complete: bool,
    /// How much of the body had arrived when.
    pub arrivals: Vec<(usize, Duration)>,
}

impl Response {
    pub(super) fn parse(raw: &[u8], arrivals: &[(usize, Duration)]) -> Option<Self> {
        let end = raw.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&raw[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines
            .next()?
            .strip_prefix("HTTP/1.1 ")?
            .get(..3)?
            .parse()
            .ok()?;
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_string()))
            .collect();
        let find = |wanted: &str| {
            headers
                .iter()
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.as_str())
        };
        let rest = &raw[end + 4..];
        let (body, complete, arrivals) = if find("transfer-encoding") == Some("chunked") {
            dechunk(rest, end + 4, arrivals)
        } else {
            let length = find("content-length")
                .and_then(|length| length.parse().ok())
                .unwrap_or(0);
            let arrivals = arrivals
                .iter()
                .map(|(at, when)| (at.saturating_sub(end + 4), *when))
                .collect();
            (
                rest[..rest.len().min(length)].to_vec(),
                rest.len() == length,
                arrivals,
            )
        };
        Some(Self {
            status,
            headers,
            body,
            complete,
            arrivals,
        })
    }

    pub fn header(&self, wanted: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body in UTF-8")
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("status {}, no JSON ({error}): {}", self.status, self.text())
        })
    }

    /// The messages of an event stream, in order.
    pub fn events(&self) -> Vec<Value> {
        assert_eq!(
            self.header("content-type"),
            Some("text/event-stream"),
            "{}",
            self.text()
        );
        let data = |event: &str| -> Vec<String> {
            let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
            lines
                .map(|data| data.strip_prefix(' ').unwrap_or(data).to_string())
                .collect()
        };
        let events = self.text().split("\n\n").map(data);
        // Comments and the openings of streams carry no data.
        let messages = events
            .map(|data| data.join("\n"))
            .filter(|data| !data.is_empty());
        messages
            .map(|data| {
                serde_json::from_str(&data)
                    .unwrap_or_else(|error| panic!("no JSON ({error}): {data}"))
            })
            .collect()
    }

    /// When this part of the body had arrived.
    pub fn arrival(&self, part: &str) -> Duration {
        let start = self.text().find(part);
        let end = start.unwrap_or_else(|| panic!("no `{part}` in {}", self.text())) + part.len();
        let arrived = self.arrivals.iter().find(|(length, _)| *length >= end);
        arrived.expect("the body arrived").1
    }

    /// The JSON-RPC message that answers the request: the body, or the last event.
    pub fn message(&self) -> Value {
        match self.header("content-type") {
            Some("text/event-stream") => self.events().pop().expect("an event"),
            _ => self.json(),
        }
    }
}

type Dechunked = (Vec<u8>, bool, Vec<(usize, Duration)>);

fn dechunk(mut rest: &[u8], offset: usize, arrivals: &[(usize, Duration)]) -> Dechunked {
    let total = rest.len() + offset;
    let mut body = Vec::new();
    let mut arrived = Vec::new();
    while let Some(end) = rest.windows(2).position(|bytes| bytes == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end])
            .ok()
            .and_then(|size| usize::from_str_radix(size, 16).ok());
        let (Some(size), data) = (size, &rest[end + 2..]) else {
            break;
        };
        if size == 0 {
            return (body, true, arrived);
        }
        if data.len() < size + 2 {
            break;
        }
        body.extend_from_slice(&data[..size]);
        rest = &data[size + 2..];
        let at = total - rest.len();
        if let Some((_, when)) = arrivals.iter().find(|(arrived, _)| *arrived >= at) {
            arrived.push((body.len(), *when));
        }
    }
    (body, false, arrived)
}
