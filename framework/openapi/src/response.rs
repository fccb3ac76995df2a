//! From the response of an API to the result of a tool.

use spin_mcp_protocol::json::{Value, compact};

use crate::{
    encode::decoded,
    fit::fit,
    request::{Request, text},
};

/// The most bytes of a body that are read.
pub const MAX_BODY: usize = 1 << 20;
/// The most bytes of text that a model gets.
const MAX_TEXT: usize = 100_000;
/// The most bytes of what an API says about an error.
const MAX_DETAIL: usize = 2_000;

/// A response. Of a body that is too large, only the beginning is there.
#[derive(Default)]
pub struct Response {
    pub status: u16,
    pub content_type: String,
    pub link: String,
    pub location: String,
    pub retry_after: String,
    pub body: Vec<u8>,
    pub is_cut: bool,
}

#[derive(Debug, PartialEq)]
pub enum Content {
    Text(String),
    /// An image or a sound, and its type.
    Media(Vec<u8>, String),
}

/// The result of a tool.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub content: Vec<Content>,
    pub structured: Option<String>,
    pub is_error: bool,
}

impl Outcome {
    pub fn error(message: String) -> Outcome {
        Outcome {
            content: vec![Content::Text(message)],
            structured: None,
            is_error: true,
        }
    }
}

pub fn outcome(operation: Value<'_>, request: &Request, response: Response) -> Outcome {
    if !(200..300).contains(&response.status) {
        return Outcome::error(failure(request, &response));
    }
    let kind = response.content_type.split(';').next().unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    let schema = operation.member("output");
    // A client expects a value where there is a schema.
    let nothing = schema.map(|_| "{}".to_owned());
    let next = next(operation, &response.link);
    let finish = |content, structured: Option<String>| Outcome {
        content: [Some(content), next.clone().map(Content::Text)]
            .into_iter()
            .flatten()
            .collect(),
        structured: structured.or(nothing.clone()),
        is_error: false,
    };
    let status = response.status;
    if response.body.is_empty() {
        return finish(
            Content::Text(format!(
                "The API answered {} without content.",
                named(status)
            )),
            None,
        );
    }
    let is_media = ["image/", "audio/"]
        .iter()
        .any(|start| kind.starts_with(start))
        && !kind.contains("svg");
    if is_media && !response.is_cut {
        return finish(Content::Media(response.body, kind), None);
    }
    let length = response.body.len();
    let Some(body) = readable(response.body, response.is_cut) else {
        let more = if response.is_cut { "more than " } else { "" };
        let kind = if kind.is_empty() {
            "an unknown type"
        } else {
            &kind
        };
        let message = format!(
            "The API answered {} with {more}{length} bytes of {kind}, which is not text.",
            named(status)
        );
        return finish(Content::Text(message), None);
    };
    let mut small = vec![];
    let json = match response.is_cut {
        true => None,
        false => compact(&mut small, body.trim()).ok(),
    };
    let whole = match json {
        Some(_) => String::from_utf8(small).unwrap_or_default(),
        None => body.clone(),
    };
    if whole.len() > MAX_TEXT || response.is_cut {
        let start = &whole[..whole.floor_char_boundary(MAX_TEXT)];
        let size = if response.is_cut {
            "more than 1 MB".to_owned()
        } else {
            format!("{} bytes", whole.len())
        };
        let message = format!(
            "{start}\n\n[The answer has {size}; this is its beginning. The request succeeded.{}]",
            narrowing(operation)
        );
        return finish(Content::Text(message), None);
    }
    let structured = json
        .filter(Value::is_object)
        .and_then(|value| match schema {
            Some(schema) => fit(value, schema),
            None => Some(whole.clone()),
        });
    finish(Content::Text(whole), structured)
}

/// A body as text, if it is UTF-8. `is_cut`: its last character may be incomplete.
fn readable(body: Vec<u8>, is_cut: bool) -> Option<String> {
    let text = match String::from_utf8(body) {
        Ok(text) => text,
        Err(error) if is_cut && error.utf8_error().error_len().is_none() => {
            let end = error.utf8_error().valid_up_to();
            let mut bytes = error.into_bytes();
            bytes.truncate(end);
            String::from_utf8(bytes).ok()?
        }
        Err(_) => return None,
    };
    (!text.contains('\0')).then_some(text)
}

/// How to get less.
fn narrowing(operation: Value<'_>) -> String {
    let all = operation.member("parameters");
    let all = all
        .iter()
        .flat_map(|all| all.elements().collect::<Vec<_>>());
    let optional = all.filter(|of| {
        of.member("in").is_some_and(|place| place.is_str("query"))
            && of.member("required").is_none()
    });
    let names: Vec<_> = optional.filter_map(|of| text(of, "argument")).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!(
            " These arguments may make it smaller: `{}`.",
            names.join("`, `")
        ),
    }
}

/// Where the next page is, of `Link: <…>; rel="next"`, as arguments of the tool.
fn next(operation: Value<'_>, link: &str) -> Option<String> {
    let mut entries = link
        .split('<')
        .skip(1)
        .filter_map(|entry| entry.split_once('>'));
    let (url, _) = entries.find(|(_, more)| {
        let more = more.to_ascii_lowercase();
        more.contains("rel=\"next\"") || more.split([';', ',']).any(|of| of.trim() == "rel=next")
    })?;
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let all = operation.member("parameters");
    let all: Vec<_> = all
        .iter()
        .flat_map(|all| all.elements().collect::<Vec<_>>())
        .collect();
    let known = query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let (name, value) = (decoded(name), decoded(&value.replace('+', " ")));
        let is = |of: &&Value<'_>| {
            of.member("in").is_some_and(|place| place.is_str("query"))
                && of.member("name").is_some_and(|own| own.is_str(&name))
        };
        let parameter = all.iter().find(is)?;
        Some(format!("`{}` = `{value}`", text(*parameter, "argument")?))
    });
    let known: Vec<_> = known.collect();
    let message = match known.is_empty() {
        true => "There are more results, which this tool has no argument for.".to_owned(),
        false => format!(
            "There are more results: call again with {}.",
            known.join(", ")
        ),
    };
    Some(short(&message).to_owned())
}

fn short(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_DETAIL)]
}

/// What failed, what the API says about it, and what to try.
fn failure(request: &Request, response: &Response) -> String {
    let path = request.path.split('?').next().unwrap_or_default();
    let status = response.status;
    let mut message = format!("{} {path} failed: {}", request.method, named(status));
    if let Some(detail) = detail(&response.body) {
        message = format!("{message}. {detail}");
    }
    let wait = &response.retry_after;
    let retry = match wait.is_empty() || wait.chars().any(char::is_control) {
        true => "try again later".to_owned(),
        false => format!("try again after `{}`", short(wait)),
    };
    let hint = match status {
        300..400 => format!("the API redirects to `{}`, which this tool does not follow", short(&response.location)),
        400 | 409 | 412 | 422 => "correct the arguments".to_owned(),
        401 | 403 => "the credentials of this server do not suffice; its operator can change them".to_owned(),
        404 | 410 => "check the arguments: what they name does not exist, or is not visible to this server".to_owned(),
        413 => "send less".to_owned(),
        429 | 503 => retry,
        500.. => "the API has a problem; try again later, and do not repeat a change that may have happened".to_owned(),
        _ => return message,
    };
    format!("{message}\n\n{hint}")
}

/// The texts of problem details (RFC 9457) and of what APIs have in their place.
fn detail(body: &[u8]) -> Option<String> {
    const NAMES: [&str; 7] = [
        "title",
        "detail",
        "message",
        "error_description",
        "error",
        "errors",
        "reason",
    ];
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    let Ok(value) = Value::parse(text) else {
        let is_page = text.starts_with('<');
        return (!text.is_empty() && !is_page).then(|| short(text).to_owned());
    };
    let mut all: Vec<String> = vec![];
    for name in NAMES {
        let Some(member) = value.member(name) else {
            continue;
        };
        // `error` can be an object like the whole.
        let inner = NAMES.iter().find_map(|name| member.member(name)?.as_str());
        let said = match member.as_str().or(inner) {
            Some(said) => said.into_owned(),
            None if matches!(member.text, "null" | "true" | "false") => continue,
            None => member.text.to_owned(),
        };
        if !said.trim().is_empty() && !all.contains(&said) {
            all.push(said.trim().to_owned());
        }
    }
    let said = match all.is_empty() {
        true => text.to_owned(),
        false => all.join("; "),
    };
    (said != "{}").then(|| short(&said).to_owned())
}

/// A status with its name, if it has a usual one.
fn named(status: u16) -> String {
    let name = match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    };
    format!("{status} {name}").trim_end().to_owned()
}

/// The path that a redirection within the same origin leads to.
pub fn redirection<'a>(response: &'a Response, origin: &str) -> Option<&'a str> {
    let to = response.location.as_str();
    let path = to.strip_prefix(origin).unwrap_or(to);
    let is_path = path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|byte| byte.is_ascii_graphic());
    let is_followed = matches!(response.status, 301 | 302 | 303 | 307 | 308);
    (is_path && is_followed).then(|| path.split('#').next().unwrap_or_default())
}
