//! The WASI 0.2 build: an instance serves one request, so it may wait for the host.

use std::{thread, time::Duration};

use spin_mcp_protocol::ready;
use wasip2::{
    clocks::monotonic_clock::subscribe_duration,
    http::{
        outgoing_handler::handle,
        types::{ErrorCode, Fields, IncomingResponse, OutgoingRequest, Scheme},
    },
    io::{
        poll::{Pollable, poll},
        streams::StreamError,
    },
};

pub use wasip2::random::random::get_random_u64;

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
                export spin-mcp:server/keys@0.1.0;
            }",
        world: "spin-mcp:authenticator/authenticator",
        generate_all,
    });
}

pub const LIVES_ON: bool = false;

impl bindings::exports::spin_mcp::server::keys::Guest for Component {
    fn refresh() -> Result<(), String> {
        ready(this().refresh())
    }
}

pub async fn sleep(pause: Duration) {
    thread::sleep(pause);
}

pub async fn get(target: &Target<'_>, within: Duration) -> Result<Response, String> {
    let deadline = subscribe_duration(within.as_nanos() as u64);
    let request = OutgoingRequest::new(Fields::new());
    let scheme = match target.is_tls {
        true => Scheme::Https,
        false => Scheme::Http,
    };
    request
        .set_scheme(Some(&scheme))
        .and_then(|()| request.set_authority(Some(target.authority)))
        .and_then(|()| request.set_path_with_query(Some(&target.path_and_query())))
        .map_err(|()| "it is not a valid address".to_owned())?;
    let future = handle(request, None).map_err(|error| problem!(error))?;
    let response = loop {
        if let Some(response) = future.get() {
            break response.unwrap_or(Err(ErrorCode::InternalError(None)));
        }
        wait(&future.subscribe(), &deadline)?;
    };
    let response = response.map_err(|error| problem!(error))?;
    let header = |name| {
        let values = response.headers().get(name);
        String::from_utf8(values.into_iter().next()?).ok()
    };
    Ok(Response {
        status: response.status(),
        location: header("location"),
        cache_control: header("cache-control"),
        body: body(&response, &deadline)?,
    })
}

fn body(response: &IncomingResponse, deadline: &Pollable) -> Result<Vec<u8>, String> {
    let broken = |()| "its body cannot be read".to_owned();
    let incoming = response.consume().map_err(broken)?;
    let stream = incoming.stream().map_err(broken)?;
    let mut body = Vec::new();
    loop {
        match stream.read(MAX_BODY as u64) {
            Ok(bytes) if bytes.is_empty() => wait(&stream.subscribe(), deadline)?,
            Ok(bytes) => body.extend(bytes),
            Err(StreamError::Closed) => return Ok(body),
            Err(StreamError::LastOperationFailed(_)) => return Err(broken(())),
        }
        if body.len() > MAX_BODY {
            return Err(Response::too_large());
        }
    }
}

/// Waits for what comes first. Fails at the deadline.
fn wait(event: &Pollable, deadline: &Pollable) -> Result<(), String> {
    match poll(&[event, deadline])[..] {
        [1] => Err(Response::too_late()),
        _ => Ok(()),
    }
}
