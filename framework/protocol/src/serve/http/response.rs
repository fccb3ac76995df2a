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
        }
    }

    /// The same answer as the only event of a stream.
    pub fn into_events(mut self) -> HttpResponse {
        if self.status == 200 && !self.body.is_empty() {
            self.body = sse::event(&self.body);
            let events = sse::HEADERS.map(|(name, value)| (name, Cow::Borrowed(value)));
            let length = ("content-length", Cow::Owned(self.body.len().to_string()));
            let mut headers = vec![length];
            headers.extend(events);
            let is_new = |(name, _): &(&str, _)| !name.starts_with("content-");
            headers.extend(self.headers.into_iter().filter(is_new));
            self.headers = headers;
        }
        self
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
        }
    }

    pub(super) fn failure(failure: &Failure, id: Option<&str>) -> HttpResponse {
        HttpResponse::json(failure.status, failure.to_json(id)).challenging(failure)
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
