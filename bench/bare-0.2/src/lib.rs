//! Answers every request with the same JSON body and does nothing else: what the WASI 0.2 build
//! is measured against.
#![cfg(target_family = "wasm")]

use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

const BODY: &[u8] = include_bytes!("../../body.json");

struct Bare;
wasip2::http::proxy::export!(Bare);

impl wasip2::exports::http::incoming_handler::Guest for Bare {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        #[cfg(feature = "read-request")]
        std::hint::black_box(read(&request));
        drop(request);
        let headers = Fields::new();
        let _ = headers.set("content-type", &[b"application/json".to_vec()]);
        let _ = headers.set("content-length", &[BODY.len().to_string().into_bytes()]);
        let response = OutgoingResponse::new(headers);
        let body = response.body().expect("the body was not taken before");
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().expect("the stream was not taken before");
        let _ = stream.blocking_write_and_flush(BODY);
        drop(stream);
        let _ = OutgoingBody::finish(body, None);
    }
}

#[cfg(feature = "read-request")]
fn read(request: &IncomingRequest) -> (Vec<(String, Vec<u8>)>, Vec<u8>) {
    let headers = request.headers().entries();
    let body = request.consume().expect("the body was not taken before");
    let stream = body.stream().expect("the stream was not taken before");
    let mut bytes = Vec::new();
    while let Ok(chunk) = stream.blocking_read(65_536) {
        bytes.extend(chunk);
    }
    (headers, bytes)
}
