//! The WASI 0.3 build: an instance serves many requests at a time.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use wasip3::{
    clocks::monotonic_clock::wait_for,
    http::{
        client::send,
        types::{ErrorCode, Fields, Request, Response as Incoming, Scheme},
    },
    wit_bindgen::StreamResult,
    wit_future,
};

pub use wasip3::random::random::get_random_u64;

use crate::{
    component::{Component, this},
    discovery::{MAX_BODY, Response, Target},
};

pub mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "
            package spin-mcp:authenticator;
            world authenticator {
                import spin-mcp:server/settings@0.1.0;
                export spin-mcp:server/authenticator@0.1.0;
                export spin-mcp:server/keys-async@0.1.0;
            }",
        world: "spin-mcp:authenticator/authenticator",
        generate_all,
    });
}

pub const LIVES_ON: bool = true;

impl bindings::exports::spin_mcp::server::keys_async::Guest for Component {
    async fn refresh() -> Result<(), String> {
        this().refresh().await
    }
}

pub async fn sleep(pause: Duration) {
    wait_for(pause.as_nanos() as u64).await;
}

pub async fn get(target: &Target<'_>, within: Duration) -> Result<Response, String> {
    let (mut response, mut deadline) = (pin!(answer(target)), pin!(sleep(within)));
    poll_fn(|cx| match response.as_mut().poll(cx) {
        Poll::Ready(response) => Poll::Ready(response),
        Poll::Pending => deadline
            .as_mut()
            .poll(cx)
            .map(|()| Err(Response::too_late())),
    })
    .await
}

async fn answer(target: &Target<'_>) -> Result<Response, String> {
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (request, _sent) = Request::new(Fields::new(), None, trailers, None);
    let scheme = match target.is_tls {
        true => Scheme::Https,
        false => Scheme::Http,
    };
    request
        .set_scheme(Some(&scheme))
        .and_then(|()| request.set_authority(Some(target.authority)))
        .and_then(|()| request.set_path_with_query(Some(&target.path_and_query())))
        .map_err(|()| "it is not a valid address".to_owned())?;
    let response = send(request).await.map_err(|error| problem!(error))?;
    let header = |name| {
        let values = response.get_headers().get(name);
        String::from_utf8(values.into_iter().next()?).ok()
    };
    Ok(Response {
        status: response.get_status_code(),
        location: header("location"),
        cache_control: header("cache-control"),
        body: body(response).await?,
    })
}

async fn body(response: Incoming) -> Result<Vec<u8>, String> {
    let (_, done) = wit_future::new(|| Ok(()));
    let (mut stream, trailers) = Incoming::consume_body(response, done);
    let mut body = Vec::with_capacity(8 << 10);
    loop {
        if body.len() == body.capacity() {
            body.reserve(8 << 10);
        }
        let (result, read) = stream.read(body).await;
        body = read;
        if body.len() > MAX_BODY {
            return Err(Response::too_large());
        }
        if !matches!(result, StreamResult::Complete(_)) {
            break;
        }
    }
    drop(stream);
    trailers.await.map_err(|error| problem!(error))?;
    Ok(body)
}
