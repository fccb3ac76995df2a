//! Answers of the guest, and the errors that the host sends if the guest fails.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Response, StatusCode,
    body::{Body, Bytes, Frame, SizeHint},
    header::{CONTENT_TYPE, HeaderValue},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::{Sleep, sleep_until};
use wasmtime_wasi_http::{Error, WasiBody};

use super::fate::{Failure, Fate, Reading};

/// The JSON-RPC code of an internal error.
pub(super) const INTERNAL: i32 = -32603;

/// The JSON-RPC code of an invalid request.
pub(super) const INVALID: i32 = -32600;

/// The `id` of a request, as the client wrote it.
#[derive(Clone, Default)]
pub(super) struct RequestId(Option<Box<RawValue>>);

impl RequestId {
    /// An id as the client wrote it.
    pub(super) fn raw(text: &str) -> Self {
        Self(RawValue::from_string(text.to_owned()).ok())
    }

    /// Reads the id from a body. A body that is not a single request has no id.
    pub(super) fn of(body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Envelope {
            #[serde(default)]
            id: Option<Box<RawValue>>,
            #[serde(rename = "method")]
            _method: String,
        }
        let id = serde_json::from_slice::<Envelope>(body)
            .ok()
            .and_then(|envelope| envelope.id);
        Self(id.filter(|id| {
            id.get()
                .starts_with(['"', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
        }))
    }
}

/// A JSON-RPC error response.
pub(super) fn error_body(id: &RequestId, code: i32, message: &str) -> Vec<u8> {
    #[derive(Serialize)]
    struct Envelope<'a> {
        jsonrpc: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a RawValue>,
        error: Object<'a>,
    }
    #[derive(Serialize)]
    struct Object<'a> {
        code: i32,
        message: &'a str,
    }
    let envelope = Envelope {
        jsonrpc: "2.0",
        id: id.0.as_deref(),
        error: Object { code, message },
    };
    serde_json::to_vec(&envelope).expect("strings and numbers are JSON")
}

/// An error response of the host.
pub(super) fn refuse(
    status: StatusCode,
    id: &RequestId,
    code: i32,
    message: &str,
) -> Response<WasiBody> {
    let body = Full::new(error_body(id, code, message).into());
    let mut response = Response::new(body.map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

impl Failure {
    pub(super) fn response(self, fate: &Fate, id: &RequestId) -> Response<WasiBody> {
        let status = match self {
            Self::Expired => StatusCode::GATEWAY_TIMEOUT,
            Self::Trapped | Self::Silent => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        };
        refuse(status, id, INTERNAL, &self.message(fate))
    }

    fn message(self, fate: &Fate) -> String {
        match self {
            Self::Expired if fate.is_answered() => {
                format!(
                    "the answer paused for longer than {} s",
                    fate.timeout.as_secs()
                )
            }
            Self::Expired => format!("the request took longer than {} s", fate.timeout.as_secs()),
            Self::Trapped if fate.is_shared() => {
                "the server component trapped while handling this request or a concurrent one"
                    .into()
            }
            Self::Trapped => "the server component trapped while handling this request".into(),
            Self::Silent => "the server component did not answer this request".into(),
            Self::Unavailable => "the server component could not start for this request".into(),
        }
    }
}

/// The body of a guest's response. If the guest fails halfway, an event stream ends with an
/// event that names the reason. Any other body breaks off, so that clients do not take it for
/// complete.
pub(super) struct Answer {
    body: WasiBody,
    fate: Arc<Fate>,
    /// The part of the request body that was read.
    request: Bytes,
    deadline: Pin<Box<Sleep>>,
    events: bool,
    /// The last event that was sent is complete.
    between_events: bool,
    over: bool,
    _reading: Reading,
}

impl Answer {
    pub(super) fn wrap(
        response: Response<WasiBody>,
        fate: Arc<Fate>,
        request: Bytes,
        reading: Reading,
    ) -> Response<WasiBody> {
        let events = response.headers().get(CONTENT_TYPE).is_some_and(|value| {
            value
                .as_bytes()
                .to_ascii_lowercase()
                .starts_with(b"text/event-stream")
        });
        fate.go_on();
        response.map(|body| {
            let answer = Self {
                body,
                deadline: Box::pin(sleep_until(fate.deadline())),
                fate,
                request,
                events,
                between_events: true,
                over: false,
                _reading: reading,
            };
            answer.boxed_unsync()
        })
    }

    /// Ready when the guest sent nothing, or the client read nothing, for too long.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.deadline.as_mut().poll(cx).is_ready() {
            let deadline = self.fate.deadline();
            if deadline <= self.deadline.deadline() {
                return Poll::Ready(());
            }
            self.deadline.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    fn fail(&mut self, failure: Failure) -> Option<Result<Frame<Bytes>, Error>> {
        self.over = true;
        let message = failure.message(&self.fate);
        if !(self.events && self.between_events) {
            return Some(Err(Error::InternalError(Some(message))));
        }
        // A stream that does not answer a request cannot carry an error.
        let id = RequestId::of(&self.request);
        id.0.as_ref()?;
        let mut event = b"event: message\ndata: ".to_vec();
        event.append(&mut error_body(&id, INTERNAL, &message));
        event.extend_from_slice(b"\n\n");
        Some(Ok(Frame::data(event.into())))
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(None);
        }
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref().filter(|data| !data.is_empty()) {
                    this.between_events = data.ends_with(b"\n\n");
                    this.fate.go_on();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            // A body also ends when its instance is dropped. The fate tells the two apart.
            Poll::Ready(None) => match this.fate.failure() {
                Some(failure) => Poll::Ready(this.fail(failure)),
                None => Poll::Ready(None),
            },
            Poll::Ready(Some(Err(_))) => {
                let failure = this.fate.fail(Failure::Silent);
                Poll::Ready(this.fail(failure))
            }
            Poll::Pending => match this.poll_late(cx) {
                Poll::Ready(()) => {
                    let failure = this.fate.fail(Failure::Expired);
                    Poll::Ready(this.fail(failure))
                }
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        // The host may add a last event to an event stream.
        self.over || (!self.events && self.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        if self.events {
            SizeHint::default()
        } else {
            self.body.size_hint()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, time::Duration};

    use super::*;

    fn error(body: &str) -> String {
        String::from_utf8(error_body(&RequestId::of(body.as_bytes()), INTERNAL, "m")).unwrap()
    }

    #[test]
    fn an_error_repeats_the_id_as_written() {
        for id in ["1", "-7", "\"a\\u0041\"", "12345678901234567890123"] {
            let error = error(&format!(
                r#"{{"method":"ping","params":{{"id":9}},"id":{id}}}"#
            ));
            let start = format!(r#"{{"jsonrpc":"2.0","id":{id},"error""#);
            assert!(error.starts_with(&start), "{error}");
        }
    }

    #[test]
    fn only_a_request_has_an_id() {
        for body in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"id":1}"#,
            r#"{"method":"m"}"#,
            r#"{"method":"m","id":null}"#,
            r#"{"method":"m","id":{}}"#,
            r#"{"method":"m","id":1,"id":2}"#,
            "\u{1}",
        ] {
            assert!(!error(body).contains("\"id\""), "{body}");
        }
    }

    /// A body that yields these pieces, and then ends or waits.
    struct Guest(VecDeque<&'static str>, End);

    #[derive(Clone, Copy)]
    enum End {
        Ends,
        Waits,
    }

    impl Body for Guest {
        type Data = Bytes;
        type Error = Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
            match (self.0.pop_front(), self.1) {
                (Some(piece), _) => Poll::Ready(Some(Ok(Frame::data(piece.into())))),
                (None, End::Ends) => Poll::Ready(None),
                (None, End::Waits) => Poll::Pending,
            }
        }
    }

    async fn answer(
        kind: &str,
        pieces: &[&'static str],
        end: End,
        failure: Option<Failure>,
    ) -> Result<String, Error> {
        let fate = Fate::new(Duration::from_secs(1));
        if let Some(failure) = failure {
            fate.fail(failure);
        }
        let body = Guest(pieces.iter().copied().collect(), end).boxed_unsync();
        let response = Response::builder()
            .header(CONTENT_TYPE, kind)
            .body(body)
            .unwrap();
        let request = Bytes::from_static(br#"{"method":"tools/call","id":"x"}"#);
        let reading = Reading::of(&fate);
        let body = Answer::wrap(response, fate, request, reading).into_body();
        let bytes = body.collect().await?.to_bytes();
        Ok(String::from_utf8(bytes.into()).unwrap())
    }

    const EVENTS: &str = "text/event-stream";
    const JSON: &str = "application/json";

    #[tokio::test]
    async fn an_answer_passes_unchanged() {
        for kind in [EVENTS, JSON] {
            let whole = answer(kind, &["data: 1\n\n", "data: 2\n\n"], End::Ends, None).await;
            assert_eq!(whole.unwrap(), "data: 1\n\ndata: 2\n\n");
        }
    }

    #[tokio::test]
    async fn a_stream_names_the_reason_of_its_early_end() {
        let late = answer(EVENTS, &["data: 1\n\n"], End::Waits, None)
            .await
            .unwrap();
        assert_eq!(
            late,
            "data: 1\n\nevent: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":\"x\",\"error\":\
             {\"code\":-32603,\"message\":\"the answer paused for longer than 1 s\"}}\n\n"
        );
        let trapped = answer(EVENTS, &["data: 1\n\n"], End::Ends, Some(Failure::Trapped)).await;
        assert!(
            trapped
                .unwrap()
                .contains("trapped while handling this request\"")
        );
    }

    #[tokio::test]
    async fn an_incomplete_body_is_an_error() {
        assert!(
            answer(EVENTS, &["data: 1"], End::Waits, None)
                .await
                .is_err()
        );
        assert!(answer(JSON, &["{"], End::Waits, None).await.is_err());
        assert!(
            answer(JSON, &["{"], End::Ends, Some(Failure::Trapped))
                .await
                .is_err()
        );
    }
}
