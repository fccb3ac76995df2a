//! What a developer sees of a request and its answer: never arguments, results or headers.

use std::{
    borrow::Cow,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use http_body_util::BodyExt as _;
use hyper::{
    Request, Response,
    body::{Body, Bytes, Frame, SizeHint},
    header::CONTENT_LENGTH,
};
use serde::Deserialize;
use wasmtime_wasi_http::{Error, WasiBody};

use super::plain;

/// The most bytes of an answer, or of its last event, that are read for an error.
const LONGEST: usize = 1 << 20;
/// The most characters of a name or of a message.
const SHOWN: usize = 200;

/// A request and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The method of JSON-RPC, or else of HTTP; several of a batch.
    pub method: String,
    /// The tool, the prompt or the resource that it names.
    pub name: Option<String>,
    /// The status of HTTP.
    pub status: u16,
    /// Why there is no result.
    pub error: Option<String>,
    /// Until the last byte of the answer.
    pub duration: Duration,
}

/// Sees each request after its end.
pub type Observer = Arc<dyn Fn(Exchange) + Send + Sync>;

/// A request in progress that an observer is going to see, if there is one.
#[derive(Default)]
pub(super) struct Sight(Option<Seen>);

struct Seen {
    observer: Observer,
    start: Instant,
    exchange: Exchange,
}

impl Sight {
    pub(super) fn new<B>(observer: &Option<Observer>, request: &Request<B>) -> Self {
        Self(observer.clone().map(|observer| Seen {
            observer,
            start: Instant::now(),
            exchange: Exchange {
                method: request.method().to_string(),
                name: None,
                status: 0,
                error: None,
                duration: Duration::ZERO,
            },
        }))
    }

    /// Reads what the body of the request asks for.
    pub(super) fn read(&mut self, body: &[u8]) {
        if let Some(Seen { exchange, .. }) = &mut self.0
            && let Ok(asked) = serde_json::from_slice::<Asked>(body)
        {
            exchange.method = shown(&asked.method);
            exchange.name = asked.params.and_then(Params::name);
        }
    }

    /// Shows the exchange to the observer when the answer ends.
    pub(super) fn follow(self, response: Response<WasiBody>) -> Response<WasiBody> {
        let Some(mut seen) = self.0 else {
            return response;
        };
        seen.exchange.status = response.status().as_u16();
        let length = response.headers().get(CONTENT_LENGTH);
        let left = length.and_then(|length| length.to_str().ok()?.parse().ok());
        response.map(|body| {
            let followed = Followed {
                body,
                left,
                seen: Some(seen),
                last: Vec::new(),
            };
            followed.boxed_unsync()
        })
    }
}

#[derive(Deserialize)]
struct Asked<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    params: Option<Params<'a>>,
}

/// The members of `params` that name something.
#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    uri: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "ref")]
    reference: Option<Box<Params<'a>>>,
}

impl Params<'_> {
    fn name(self) -> Option<String> {
        match (self.name, self.uri, self.reference) {
            (Some(name), ..) => Some(shown(&name)),
            // A query can have secrets in it.
            (None, Some(uri), _) => Some(shown(uri.split('?').next().unwrap_or_default())),
            (None, None, Some(reference)) => reference.name(),
            (None, None, None) => None,
        }
    }
}

#[derive(Deserialize)]
struct Answered<'a> {
    #[serde(borrow)]
    error: Option<Failed<'a>>,
    result: Option<Outcome>,
}

#[derive(Deserialize)]
struct Failed<'a> {
    code: i64,
    #[serde(borrow)]
    message: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Outcome {
    #[serde(default, rename = "isError")]
    is_error: bool,
}

/// Why an answer, or the last event of one, has no result.
fn failure(answer: &[u8]) -> Option<String> {
    let data = match answer.first() {
        Some(b'{') => answer,
        _ => answer
            .split(|byte| *byte == b'\n')
            .find_map(|line| line.strip_prefix(b"data:"))?,
    };
    let answered: Answered = serde_json::from_slice(data).ok()?;
    match (answered.error, answered.result) {
        (Some(error), _) => Some(format!("error {}: {}", error.code, shown(&error.message))),
        (None, Some(Outcome { is_error: true })) => Some("the tool reports a failure".into()),
        _ => None,
    }
}

fn shown(text: &str) -> String {
    let line = plain::line(text);
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => line[..end].to_owned() + "…",
        None => line,
    }
}

/// The body of an answer. Also ends when the client leaves.
struct Followed {
    body: WasiBody,
    seen: Option<Seen>,
    /// Bytes that are missing, if that is known. Nobody asks for more after the last one.
    left: Option<usize>,
    /// The answer so far, or its last event, unless it is too long.
    last: Vec<u8>,
}

impl Followed {
    fn is_whole(&self) -> bool {
        self.left == Some(0) || self.body.is_end_stream()
    }

    fn keep(&mut self, data: &[u8]) {
        if self.last.len() + data.len() <= LONGEST {
            self.last.extend_from_slice(data);
        }
        // Of events, the last one is enough, whole or not.
        let ended = self.last.len().saturating_sub(2);
        let mut ends = self.last[..ended].windows(2);
        if !self.last.starts_with(b"{")
            && let Some(end) = ends.rposition(|two| two == b"\n\n")
        {
            self.last.drain(..end + 2);
        }
    }

    fn end(&mut self, broken: Option<String>) {
        if let Some(mut seen) = self.seen.take() {
            seen.exchange.duration = seen.start.elapsed();
            seen.exchange.error = broken.or_else(|| failure(&self.last));
            (seen.observer)(seen.exchange);
        }
    }
}

impl Body for Followed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    this.keep(data);
                    this.left = this.left.map(|left| left.saturating_sub(data.len()));
                }
                if this.is_whole() {
                    this.end(None);
                }
            }
            Some(Err(error)) => this.end(Some(shown(&error.to_string()))),
            None => this.end(None),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        let broken = (!self.is_whole()).then(|| "the client left".into());
        self.end(broken);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use http_body_util::{Full, StreamBody};

    use super::*;

    /// What an observer sees of a request with this body, and of an answer with these frames.
    async fn seen(request: &str, frames: &[&'static str], read: usize) -> (String, Option<String>) {
        let all = Arc::new(Mutex::new(Vec::new()));
        let observed = all.clone();
        let observer: Observer = Arc::new(move |exchange| observed.lock().unwrap().push(exchange));
        let asked = Request::post("/mcp").body(()).unwrap();
        let mut sight = Sight::new(&Some(observer), &asked);
        sight.read(request.as_bytes());
        let frames = frames
            .iter()
            .map(|frame| Ok(Frame::data(Bytes::from(*frame))));
        let body = StreamBody::new(futures::stream::iter(frames.collect::<Vec<_>>()));
        let mut body = sight.follow(Response::new(body.boxed_unsync())).into_body();
        for _ in 0..read {
            let _ = body.frame().await;
        }
        drop(body);
        let [exchange] = &all.lock().unwrap()[..] else {
            panic!("one exchange")
        };
        assert_eq!(exchange.status, 200);
        let name = exchange.name.as_deref().unwrap_or("-");
        (
            format!("{} {name}", exchange.method),
            exchange.error.clone(),
        )
    }

    #[tokio::test]
    async fn a_request_is_named_without_its_arguments() {
        for (request, name) in [
            (
                r#"{"id":1,"method":"tools/call","params":{"name":"add","arguments":{"name":"x"}}}"#,
                "tools/call add",
            ),
            (
                r#"{"method":"resources/read","params":{"uri":"notes://a?token=b"}}"#,
                "resources/read notes://a",
            ),
            (
                r#"{"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"p"}}}"#,
                "completion/complete p",
            ),
            (r#"{"method":"tools/list"}"#, "tools/list -"),
            ("{\"method\":\"a\\u001b[2J\\nb\"}", "a\u{fffd}[2J -"),
            ("[]", "POST -"),
            ("", "POST -"),
        ] {
            assert_eq!(seen(request, &["{}"], 2).await, (name.into(), None));
        }
    }

    #[tokio::test]
    async fn an_error_is_that_of_the_last_message() {
        const ERROR: &str = "{\"id\":1,\"error\":{\"code\":-32602,\"message\":\"no tool `x`\"}}";
        const EVENT: &str = "event: message\ndata: {\"error\":{\"code\":-1,\"message\":\"m\"}}\n\n";
        const PROGRESS: &str = "data: {\"method\":\"notifications/progress\"}\n\n";
        let cases: [(&[&'static str], Option<&str>); 7] = [
            (&[ERROR], Some("error -32602: no tool `x`")),
            (
                &[&ERROR[..9], &ERROR[9..]],
                Some("error -32602: no tool `x`"),
            ),
            (
                &["{\"result\":{\"isError\":true,\"content\":[]}}"],
                Some("the tool reports a failure"),
            ),
            (&["{\"result\":{\"isError\":false}}"], None),
            (&[PROGRESS, EVENT], Some("error -1: m")),
            (
                &["data: {\"method\":\"a\"}\n\nevent: message\n", &EVENT[15..]],
                Some("error -1: m"),
            ),
            (&[EVENT, PROGRESS], None),
        ];
        for (frames, error) in cases {
            let (_, found) = seen("", frames, frames.len() + 1).await;
            assert_eq!(found.as_deref(), error, "{frames:?}");
        }
    }

    #[tokio::test]
    async fn nobody_asks_for_more_than_the_length() {
        let all = Arc::new(Mutex::new(Vec::new()));
        let observed = all.clone();
        let observer: Observer = Arc::new(move |exchange| observed.lock().unwrap().push(exchange));
        let sight = Sight::new(&Some(observer), &Request::new(()));
        let body = StreamBody::new(futures::stream::iter([Ok(Frame::data(Bytes::from("{}")))]));
        let response = Response::builder().header(CONTENT_LENGTH, 2);
        let response = response.body(body.boxed_unsync()).unwrap();
        let _ = sight.follow(response).into_body().frame().await;
        assert_eq!(all.lock().unwrap()[0].error, None);
    }

    #[tokio::test]
    async fn a_client_can_leave() {
        let (_, error) = seen("", &["data: 1\n\n", "data: 2\n\n"], 1).await;
        assert_eq!(error.as_deref(), Some("the client left"));
        let observer: Observer = Arc::new(|_| panic!("not before its end"));
        let sight = Sight::new(&Some(observer), &Request::new(()));
        let body = Full::new(Bytes::from("{}")).map_err(|never| match never {});
        std::mem::forget(sight.follow(Response::new(body.boxed_unsync())));
    }
}
