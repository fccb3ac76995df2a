//! The bodies of requests and answers.

use wasip2::{
    http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam},
    io::streams::{OutputStream, StreamError},
};

/// Bytes of a request.
const MAX_BODY: usize = 4 << 20;

/// All of it; none if that is too much.
pub fn read(request: &IncomingRequest) -> Option<Vec<u8>> {
    let body = request.consume().ok()?;
    let stream = body.stream().ok()?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(1 << 16) {
            Ok(more) => bytes.extend(more),
            Err(StreamError::Closed) => return Some(bytes),
            Err(StreamError::LastOperationFailed(_)) => return None,
        }
        if bytes.len() > MAX_BODY {
            return None;
        }
    }
}

/// An answer that is written line by line.
pub struct Answer(OutgoingBody);

impl Answer {
    pub fn begin(out: ResponseOutparam) -> (Answer, OutputStream) {
        let headers = Fields::new();
        let kind = b"application/x-ndjson".to_vec();
        headers.set("content-type", &[kind]).expect("a header");
        let response = OutgoingResponse::new(headers);
        let body = response.body().expect("it is taken once");
        let stream = body.write().expect("it is taken once");
        ResponseOutparam::set(out, Ok(response));
        (Answer(body), stream)
    }

    pub fn end(self, stream: OutputStream) {
        drop(stream);
        let _ = OutgoingBody::finish(self.0, None);
    }
}

/// Writes bytes; false if nobody reads them.
pub fn write(stream: &OutputStream, bytes: &[u8]) -> bool {
    // The most that a stream takes in one call.
    let mut chunks = bytes.chunks(4096);
    chunks.all(|chunk| stream.blocking_write_and_flush(chunk).is_ok())
}

/// An answer without a body.
pub fn refuse(out: ResponseOutparam, status: u16) {
    let response = OutgoingResponse::new(Fields::new());
    response.set_status_code(status).expect("a status");
    let body = response.body().expect("it is taken once");
    ResponseOutparam::set(out, Ok(response));
    let _ = OutgoingBody::finish(body, None);
}
