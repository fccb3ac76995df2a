//! What each method does, whatever the transport.

use crate::{
    call::Call,
    catalog::{Catalog, Flags, ListKind},
    client::{self, Client},
    failure::{Failure, INVALID_PARAMS, RESOURCE_NOT_FOUND, excerpt},
    json::{self, Kind, Object, Value},
    message::{Params, Request},
    notify::LogLevel,
    session::Session,
};

/// What became of a request that did not fail.
pub enum Answer<'a> {
    /// A whole JSON-RPC response.
    Ready(Vec<u8>),
    /// The client wants logs from this level on. A whole JSON-RPC response.
    SetLevel(LogLevel, Vec<u8>),
    Call(Call<'a>),
}

/// Answers a request of a client whose revision is settled.
pub fn dispatch<'a>(
    catalog: &Catalog<'a>,
    request: Request<'a>,
    client: Client<'a>,
) -> Result<Answer<'a>, Failure> {
    let version = client.version;
    let modern = version.is_modern();
    let flags = catalog.flags();
    match &*request.method {
        "tools/call" => call(catalog, request.id, request.params, client).map(Answer::Call),
        "tools/list" => list(catalog, &request, ListKind::Tools, modern).map(Answer::Ready),
        "server/discover" if modern => Ok(Answer::Ready(response(
            request.id,
            &[catalog.discover(catalog.store().is_some())],
        ))),
        "ping" if !modern => Ok(Answer::Ready(response(request.id, &[b"{}"]))),
        "logging/setLevel" if !modern && flags.contains(Flags::LOG) => {
            let level = request
                .params
                .level
                .ok_or_else(|| Failure::malformed_params("`level` is missing"))?;
            Ok(Answer::SetLevel(
                client::log_level(&level)?,
                response(request.id, &[b"{}"]),
            ))
        }
        "prompts/list" if flags.contains(Flags::PROMPTS) => {
            list(catalog, &request, ListKind::Prompts, modern).map(Answer::Ready)
        }
        "prompts/get" if flags.contains(Flags::PROMPTS) => Err(unknown_prompt(&request.params)),
        "resources/list" if flags.contains(Flags::RESOURCES) => {
            list(catalog, &request, ListKind::Resources, modern).map(Answer::Ready)
        }
        "resources/templates/list" if flags.contains(Flags::RESOURCES) => {
            list(catalog, &request, ListKind::ResourceTemplates, modern).map(Answer::Ready)
        }
        "resources/read" if flags.contains(Flags::RESOURCES) => {
            Err(unknown_resource(&request.params, modern))
        }
        method => Err(Failure::method_not_found(method, version)),
    }
}

/// The answer to `initialize`.
pub fn initialized(catalog: &Catalog<'_>, id: &str, session: &Session) -> Vec<u8> {
    let version = session.version.as_str().as_bytes();
    response(
        id,
        &[
            b"{\"protocolVersion\":\"",
            version,
            b"\"",
            catalog.initialize(catalog.store().is_some()),
        ],
    )
}

/// A JSON-RPC response whose result is these parts together.
fn response(id: &str, result: &[&[u8]]) -> Vec<u8> {
    let (before, between, after) = (&b"{\"jsonrpc\":\"2.0\",\"id\":"[..], b",\"result\":", b"}");
    let length: usize = result.iter().map(|part| part.len()).sum();
    let mut out =
        Vec::with_capacity(before.len() + id.len() + between.len() + length + after.len());
    out.extend_from_slice(before);
    out.extend_from_slice(id.as_bytes());
    out.extend_from_slice(between);
    result.iter().for_each(|part| out.extend_from_slice(part));
    out.extend_from_slice(after);
    out
}

fn list(
    catalog: &Catalog<'_>,
    request: &Request<'_>,
    kind: ListKind,
    modern: bool,
) -> Result<Vec<u8>, Failure> {
    let cursor = match request.params.cursor {
        None => None,
        Some(value) => Some(
            value
                .as_str()
                .ok_or_else(|| Failure::malformed_params("`cursor` is not a string"))?,
        ),
    };
    let page = catalog
        .page(kind, cursor.as_deref())
        .ok_or_else(|| Failure::invalid_params("invalid cursor"))?;
    let mut next = Vec::new();
    if let Some(cursor) = page.next {
        next.extend_from_slice(b",\"nextCursor\":");
        json::string(&mut next, cursor);
    }
    Ok(if modern {
        response(
            request.id,
            &[
                b"{\"resultType\":\"complete\",\"",
                kind.member().as_bytes(),
                b"\":",
                page.modern,
                &next,
                catalog.list_end(kind),
            ],
        )
    } else {
        response(
            request.id,
            &[
                b"{\"",
                kind.member().as_bytes(),
                b"\":",
                page.legacy,
                &next,
                b"}",
            ],
        )
    })
}

fn unknown_prompt(params: &Params<'_>) -> Failure {
    match params.name.and_then(|name| name.as_str()) {
        Some(name) => Failure::invalid_params(format!("unknown prompt `{}`", excerpt(&name))),
        None => Failure::malformed_params("`name` is not a string"),
    }
}

fn unknown_resource(params: &Params<'_>, modern: bool) -> Failure {
    let Some(uri) = params.uri.and_then(|uri| uri.as_str()) else {
        return Failure::malformed_params("`uri` is not a string");
    };
    let mut data = Vec::new();
    let mut object = Object::begin(&mut data);
    object.string("uri", &uri);
    object.end();
    let code = if modern {
        INVALID_PARAMS
    } else {
        RESOURCE_NOT_FOUND
    };
    Failure {
        data: Some(data),
        ..Failure::new(200, code, format!("unknown resource `{}`", excerpt(&uri)))
    }
}

fn call<'a>(
    catalog: &Catalog<'a>,
    id: &'a str,
    params: Params<'a>,
    client: Client<'a>,
) -> Result<Call<'a>, Failure> {
    let name = params
        .name
        .ok_or_else(|| Failure::malformed_params("`name` is missing"))?;
    let name = name
        .as_str()
        .ok_or_else(|| Failure::malformed_params("`name` is not a string"))?;
    let arguments = match params.arguments {
        None => Value {
            kind: Kind::Object,
            text: "{}",
        },
        Some(value) if value.is_object() => value,
        Some(_) => return Err(Failure::malformed_params("`arguments` is not an object")),
    };
    let input_responses = params
        .input_responses
        .filter(|_| client.version.is_modern());
    if input_responses.is_some_and(|value| !value.is_object()) {
        return Err(Failure::malformed_params(
            "`inputResponses` is not an object",
        ));
    }
    if client.version.is_modern() && params.request_state.is_some() {
        // No state was ever given out, so none can be genuine.
        return Err(Failure::invalid_params("invalid `requestState`"));
    }
    let tool = catalog.tool(&name).ok_or_else(|| unknown_tool(&name))?;
    Ok(Call::new(
        tool,
        id,
        arguments,
        params.meta,
        input_responses,
        client,
    ))
}

pub fn unknown_tool(name: &str) -> Failure {
    Failure::invalid_params(format!("unknown tool `{}`", excerpt(name)))
}
