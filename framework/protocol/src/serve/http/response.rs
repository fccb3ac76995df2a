//! Whole HTTP responses.

use std::borrow::Cow;

use crate::{
    call::CallResponse,
    wire::{failure::Failure, sse},
};

/// A whole HTTP response.
#[derive(Clone, PartialEq, Debug)]
pub struct HttpResponse {
    pub status: u16,
    /// Names are in lower case. `content-length` is among them.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    pub body: Vec<u8>,
    /// Whether it is a stream of events.
    pub is_stream: bool,
}

impl HttpResponse {
    pub(crate) fn json(status: u16, body: Vec<u8>) -> HttpResponse {
        let length = Cow::Owned(body.len().to_string());
        let headers = vec![
            ("content-type", Cow::Borrowed("application/json")),
            ("content-length", length),
        ];
        HttpResponse {
            status,
            headers,
            body,
            is_stream: false,
        }
    }

    /// A whole stream of events.
    pub(crate) fn events(body: Vec<u8>) -> HttpResponse {
        let events = sse::HEADERS.map(|(name, value)| (name, Cow::Borrowed(value)));
        let mut headers = Vec::from(events);
        headers.push(("content-length", Cow::Owned(body.len().to_string())));
        HttpResponse {
            status: 200,
            headers,
            body,
            is_stream: true,
        }
    }

    /// The same answer as the only event of a stream.
    pub fn into_events(self) -> HttpResponse {
        if self.status != 200 || self.body.is_empty() || self.is_stream {
            return self;
        }
        let mut events = HttpResponse::events(sse::event(&self.body));
        let more = self.headers.into_iter();
        events
            .headers
            .extend(more.filter(|(name, _)| !name.starts_with("content-")));
        events
    }

    fn challenging(mut self, failure: &Failure) -> HttpResponse {
        if let Some(challenge) = &failure.challenge {
            self.add("www-authenticate", challenge.clone().into());
        }
        self
    }

    pub(super) fn add(&mut self, name: &'static str, value: Cow<'static, str>) {
        self.headers.push((name, value));
    }

    pub(super) fn empty(status: u16) -> HttpResponse {
        HttpResponse {
            status,
            headers: vec![("content-length", Cow::Borrowed("0"))],
            body: Vec::new(),
            is_stream: false,
        }
    }

    pub(super) fn failure(failure: &Failure, id: Option<&str>) -> HttpResponse {
        HttpResponse::json(failure.status, failure.to_json(id)).challenging(failure)
    }
}

/// The response to a call. None: its client does not wait for it.
pub fn response(answer: Option<CallResponse>) -> HttpResponse {
    match answer {
        Some(answer) => answer.http(),
        None => HttpResponse::events(sse::KEEP_ALIVE.to_vec()),
    }
}

impl CallResponse {
    /// The response as an HTTP response.
    pub fn http(self) -> HttpResponse {
        let response = HttpResponse::json(self.status, self.body);
        match &self.failure {
            Some(failure) => response.challenging(failure),
            None => response,
        }
    }
}
