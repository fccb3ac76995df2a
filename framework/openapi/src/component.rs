//! The component around the table: sends requests of WASI 0.2. An instance may wait for the host.

use spin_mcp_protocol::json::Value;
use wasip2::{
    clocks::monotonic_clock::subscribe_duration,
    http::{
        outgoing_handler::handle,
        types::{
            ErrorCode, Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
            RequestOptions, Scheme,
        },
    },
    io::{
        poll::{Pollable, poll},
        streams::StreamError,
    },
};

use crate::{
    request::{self, Request, text},
    response::{Content, MAX_BODY, Outcome, Response, outcome, redirection},
    table::Table,
};
use bindings::{
    exports::spin_mcp::server::tools::{Guest, ToolList, ToolOutcome},
    spin_mcp::server::{
        tool_types::ToolResult,
        types::{ContentBlock, Error, MediaContent, TextContent},
    },
};

mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "
            package spin-mcp:openapi;
            world openapi {
                export spin-mcp:server/tools@0.1.0;
            }
        ",
        world: "spin-mcp:openapi/openapi",
        generate_all,
    });
}

/// How many redirections within the same origin are followed.
const MAX_REDIRECTIONS: usize = 3;
/// Nanoseconds.
const SECOND: u64 = 1_000_000_000;

#[path = "../../baked.rs"]
mod baked;

struct Component;

bindings::export!(Component with_types_in bindings);

impl Guest for Component {
    /// Compose has the tools from the document.
    fn list_tools(_: u64, _: Option<String>) -> Result<ToolList, Error> {
        Ok(ToolList {
            tools: vec![],
            next_cursor: None,
            cache: None,
        })
    }

    fn call_tool(_: u64, name: String, arguments: String) -> Result<Option<ToolOutcome>, Error> {
        let table = Table(baked::bytes());
        let (Some(globals), Some(operation)) = (table.globals(), table.operation(&name)) else {
            return Ok(None);
        };
        let outcome = call(globals, operation, &arguments).unwrap_or_else(Outcome::error);
        let content = outcome.content.into_iter().map(|content| match content {
            Content::Text(text) => ContentBlock::Text(TextContent {
                text,
                annotations: None,
                meta: None,
            }),
            Content::Media(data, mime_type) => {
                let is_sound = mime_type.starts_with("audio/");
                let media = MediaContent {
                    data,
                    mime_type,
                    annotations: None,
                    meta: None,
                };
                if is_sound {
                    ContentBlock::Audio(media)
                } else {
                    ContentBlock::Image(media)
                }
            }
        });
        Ok(Some(ToolOutcome::Complete(ToolResult {
            content: content.collect(),
            structured_content: outcome.structured,
            is_error: outcome.is_error,
            meta: None,
        })))
    }
}

fn call(globals: Value<'_>, operation: Value<'_>, arguments: &str) -> Result<Outcome, String> {
    let mut request = request::build(globals, operation, arguments, &spin_mcp_store::variable)?;
    let is_tls = globals.member("tls").is_some_and(|is| is.text == "true");
    let authority = text(globals, "authority").unwrap_or_default();
    let seconds = globals
        .member("timeout")
        .and_then(|of| of.text.parse().ok())
        .unwrap_or(30);
    let server = Server {
        scheme: if is_tls { Scheme::Https } else { Scheme::Http },
        origin: format!("{}://{authority}", if is_tls { "https" } else { "http" }),
        authority: &authority,
        seconds,
        deadline: subscribe_duration(seconds * SECOND),
    };
    let mut response = server.send(&request)?;
    for _ in 0..MAX_REDIRECTIONS {
        let is_safe = matches!(&*request.method, "GET" | "HEAD");
        let Some(path) = redirection(&response, &server.origin).filter(|_| is_safe) else {
            break;
        };
        request.path = path.to_owned();
        response = server.send(&request)?;
    }
    Ok(outcome(operation, &request, response))
}

struct Server<'a> {
    scheme: Scheme,
    origin: String,
    authority: &'a str,
    seconds: u64,
    deadline: Pollable,
}

impl Server<'_> {
    fn send(&self, request: &Request) -> Result<Response, String> {
        let fields = Fields::new();
        for (name, value) in &request.headers {
            fields
                .append(name, value.as_bytes())
                .map_err(|_| format!("the host does not allow the header `{name}`"))?;
        }
        if let Some(body) = &request.body {
            // A host may refuse it, and then sends the body in chunks.
            let _ = fields.append("content-length", body.len().to_string().as_bytes());
        }
        let outgoing = OutgoingRequest::new(fields);
        let invalid = |()| "the arguments do not make a valid request".to_owned();
        outgoing
            .set_method(&method(&request.method))
            .map_err(invalid)?;
        outgoing.set_scheme(Some(&self.scheme)).map_err(invalid)?;
        outgoing
            .set_authority(Some(self.authority))
            .map_err(invalid)?;
        outgoing
            .set_path_with_query(Some(&request.path))
            .map_err(invalid)?;
        let options = RequestOptions::new();
        let _ = options.set_connect_timeout(Some(self.seconds * SECOND));
        let _ = options.set_first_byte_timeout(Some(self.seconds * SECOND));
        // A body that nobody asks for is none.
        let body = request
            .body
            .as_ref()
            .map(|body| Ok((outgoing.body()?, &body[..])));
        let body = body.transpose().map_err(invalid)?;
        let future = handle(outgoing, Some(options)).map_err(|error| self.problem(error))?;
        if let Some((stream, body)) = body {
            // If it fails, the response says why.
            let _ = self.write(stream, body);
        }
        let response = loop {
            if let Some(response) = future.get() {
                break response.unwrap_or(Err(ErrorCode::InternalError(None)));
            }
            self.wait(&future.subscribe())?;
        };
        self.read(response.map_err(|error| self.problem(error))?)
    }

    fn write(&self, outgoing: OutgoingBody, mut body: &[u8]) -> Result<(), String> {
        let broken = |_| String::new();
        let stream = outgoing.write().map_err(|()| String::new())?;
        while !body.is_empty() {
            match stream.check_write().map_err(broken)? as usize {
                0 => self.wait(&stream.subscribe())?,
                room => {
                    let (now, later) = body.split_at(room.min(body.len()));
                    stream.write(now).map_err(broken)?;
                    body = later;
                }
            }
        }
        stream.flush().map_err(broken)?;
        drop(stream);
        OutgoingBody::finish(outgoing, None).map_err(|_| String::new())
    }

    fn read(&self, response: IncomingResponse) -> Result<Response, String> {
        let headers = response.headers();
        let header = |name| {
            let values: Vec<_> = headers.get(name);
            let values: Vec<_> = values
                .iter()
                .map(|value| String::from_utf8_lossy(value))
                .collect();
            values.join(", ")
        };
        let mut read = Response {
            status: response.status(),
            content_type: header("content-type"),
            link: header("link"),
            location: header("location"),
            retry_after: header("retry-after"),
            ..Response::default()
        };
        let broken = |()| format!("the answer of `{}` cannot be read", self.origin);
        let incoming = response.consume().map_err(broken)?;
        let stream = incoming.stream().map_err(broken)?;
        loop {
            match stream.read(64 << 10) {
                Ok(bytes) if bytes.is_empty() => self.wait(&stream.subscribe())?,
                Ok(bytes) => read.body.extend(bytes),
                Err(StreamError::Closed) => return Ok(read),
                Err(StreamError::LastOperationFailed(_)) => return Err(broken(())),
            }
            if read.body.len() > MAX_BODY {
                read.body.truncate(MAX_BODY);
                read.is_cut = true;
                return Ok(read);
            }
        }
    }

    /// Waits for what comes first. Fails at the deadline.
    fn wait(&self, event: &Pollable) -> Result<(), String> {
        match poll(&[event, &self.deadline])[..] {
            [1] => Err(format!(
                "`{}` did not answer within {} s; ask for less, or try again later",
                self.origin, self.seconds
            )),
            _ => Ok(()),
        }
    }

    /// Why a request failed. All cases would be 8 KB of text.
    fn problem(&self, error: ErrorCode) -> String {
        let origin = &self.origin;
        let why = match error {
            ErrorCode::HttpRequestDenied => {
                return format!(
                    "this server may not call `{origin}`; its operator must add that to `allowed_outbound_hosts`"
                );
            }
            ErrorCode::DnsError(_) | ErrorCode::DnsTimeout | ErrorCode::DestinationNotFound => {
                "its host is unknown"
            }
            ErrorCode::DestinationIpProhibited => "the host does not allow its address",
            ErrorCode::ConnectionRefused => "the connection was refused",
            ErrorCode::ConnectionTimeout
            | ErrorCode::ConnectionReadTimeout
            | ErrorCode::HttpResponseTimeout => "it did not answer in time",
            ErrorCode::TlsCertificateError | ErrorCode::TlsProtocolError => {
                "its certificate is not valid"
            }
            _ => "the request failed",
        };
        format!("`{origin}` cannot be reached: {why}; try again later")
    }
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}
