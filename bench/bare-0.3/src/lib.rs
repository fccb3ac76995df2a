//! Answers every request with the same JSON body and does nothing else: what the WASI 0.3 build
//! is measured against.
#![cfg(target_family = "wasm")]

use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_bindgen, wit_future, wit_stream};

const BODY: &[u8] = include_bytes!("../../body.json");

struct Bare;
wasip3::http::service::export!(Bare);

impl wasip3::exports::http::handler::Guest for Bare {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        #[cfg(feature = "read-request")]
        std::hint::black_box(read(request).await);
        #[cfg(not(feature = "read-request"))]
        drop(request);
        let headers = Fields::from_list(&[
            ("content-type".to_string(), b"application/json".to_vec()),
            (
                "content-length".to_string(),
                BODY.len().to_string().into_bytes(),
            ),
        ])
        .map_err(|error| ErrorCode::InternalError(Some(format!("{error:?}"))))?;
        let (mut writer, reader) = wit_stream::new();
        let (trailers, trailers_reader) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(headers, Some(reader), trailers_reader);
        drop(trailers);
        wit_bindgen::spawn_local(async move {
            writer.write_all(BODY.to_vec()).await;
        });
        Ok(response)
    }
}

#[cfg(feature = "read-request")]
async fn read(request: Request) -> (Vec<(String, Vec<u8>)>, Vec<u8>) {
    let headers = request.get_headers().copy_all();
    let (_handled, handled_reader) = wit_future::new(|| Ok(()));
    let (body, _trailers) = Request::consume_body(request, handled_reader);
    (headers, body.collect().await)
}
