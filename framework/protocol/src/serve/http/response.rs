//! Whole HTTP responses.

use std::borrow::Cow;

use crate::{call::CallResponse, wire::failure::Failure};

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

    pub(super) fn empty(status: u16) -> HttpResponse {
        HttpResponse {
            status,
            headers: vec![("content-length", Cow::Borrowed("0"))],
            body: Vec::new(),
        }
    }

    pub(super) fn failure(failure: &Failure, id: Option<&str>) -> HttpResponse {
        HttpResponse::json(failure.status, failure.to_json(id))
    }
}

impl CallResponse {
    /// The response as an HTTP response.
    pub fn http(self) -> HttpResponse {
        HttpResponse::json(self.status, self.body)
    }
}
