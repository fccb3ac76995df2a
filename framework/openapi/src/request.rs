//! From the arguments of a tool to the request of its operation.

use std::{
    borrow::Cow,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use spin_mcp_protocol::json::{Kind, Object, Value, compact};

use crate::encode::{decoded, encoded};

#[derive(Debug, PartialEq)]
pub struct Request {
    pub method: String,
    /// With the query.
    pub path: String,
    /// The names are in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Option<Vec<u8>>,
}

/// An argument with its place in a request.
struct Parameter<'a> {
    argument: Cow<'a, str>,
    place: Cow<'a, str>,
    name: Cow<'a, str>,
    style: Cow<'a, str>,
    explode: bool,
    required: bool,
    /// Whether it is a file, and its media type, in a form.
    file: bool,
    media: Cow<'a, str>,
    value: Option<Value<'a>>,
}

pub fn text<'a>(of: Value<'a>, name: &str) -> Option<Cow<'a, str>> {
    of.member(name)?.as_str()
}

fn holds(of: Value<'_>, name: &str) -> bool {
    of.member(name).is_some_and(|value| value.text == "true")
}

/// The request. The error is for the model. `variable` reads a variable of the app.
pub fn build(
    globals: Value<'_>,
    operation: Value<'_>,
    arguments: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Request, String> {
    let arguments = Value::parse(arguments).map_err(|_| "the arguments are not valid JSON")?;
    let all = parameters(operation, arguments);
    check(&all, arguments)?;
    let of = |place: &'static str| {
        let given = all.iter().filter(move |parameter| parameter.place == place);
        given.filter_map(|parameter| Some((parameter, parameter.value?)))
    };
    let own = text(operation, "path").unwrap_or_default();
    let mut path = text(globals, "path").unwrap_or_default().into_owned();
    path += &path_of(&own, &all)?;
    let mut query: Vec<(String, String)> = vec![];
    for (parameter, value) in of("query") {
        pairs(
            &mut query,
            &parameter.name,
            value,
            &parameter.style,
            parameter.explode,
        );
    }
    for (name, value) in templates(globals, "query") {
        let name = encoded(&name);
        query.retain(|(other, _)| *other != name);
        query.push((name, encoded(&filled(value, variable)?)));
    }
    if !query.is_empty() {
        path = format!("{path}?{}", joined(&query, "&"));
    }
    let mut headers = vec![
        (
            "accept".to_owned(),
            text(operation, "accept").unwrap_or_default().into_owned(),
        ),
        ("user-agent".to_owned(), "spin-mcp".to_owned()),
    ];
    for (parameter, value) in of("header") {
        let value = match &*parameter.style {
            "json" => json(value),
            _ => listed(value, parameter.explode, ",", false),
        };
        if value.chars().any(char::is_control) {
            return Err(format!(
                "argument `{}` has a line break or another control character, which a header cannot contain",
                parameter.argument
            ));
        }
        headers.push((parameter.name.to_ascii_lowercase(), value));
    }
    let mut cookies = vec![];
    for (parameter, value) in of("cookie") {
        pairs(
            &mut cookies,
            &parameter.name,
            value,
            &parameter.style,
            parameter.explode,
        );
    }
    if !cookies.is_empty() {
        headers.push(("cookie".into(), joined(&cookies, "; ")));
    }
    let mut body = None;
    if let Some(spec) = operation.member("body") {
        let (whole, mut members) = (of("body").next(), of("member"));
        if let Some((media, content)) = body_of(spec, whole, &mut members)? {
            headers.push(("content-type".into(), media));
            body = Some(content);
        }
    }
    let method = text(operation, "method").unwrap_or_default();
    if matches!(&*method, "POST" | "PUT" | "PATCH") {
        // Servers want to know that there is nothing.
        body = body.or_else(|| Some(vec![]));
    }
    for (name, value) in templates(globals, "headers") {
        let name = name.to_ascii_lowercase();
        headers.retain(|(other, _)| *other != name);
        headers.push((name, filled(value, variable)?));
    }
    Ok(Request {
        method: method.into_owned(),
        path,
        headers,
        body,
    })
}

fn parameters<'a>(operation: Value<'a>, arguments: Value<'a>) -> Vec<Parameter<'a>> {
    let all = operation.member("parameters");
    let all = all
        .iter()
        .flat_map(|all| all.elements().collect::<Vec<_>>());
    all.map(|of| {
        let text = |name: &str| text(of, name).unwrap_or_default();
        let argument = text("argument");
        let value = arguments.member(&argument);
        Parameter {
            place: text("in"),
            name: text("name"),
            style: text("style"),
            explode: holds(of, "explode"),
            required: holds(of, "required"),
            file: holds(of, "file"),
            media: text("type"),
            // In a body, `null` is a value.
            value: value.filter(|value| {
                value.kind != Kind::Null || matches!(&*text("in"), "body" | "member")
            }),
            argument,
        }
    })
    .collect()
}

/// Names all that is missing or unknown at once.
fn check(all: &[Parameter<'_>], arguments: Value<'_>) -> Result<(), String> {
    let list = |names: Vec<&str>| format!("`{}`", names.join("`, `"));
    let missing = all
        .iter()
        .filter(|parameter| parameter.required && parameter.value.is_none());
    let missing: Vec<_> = missing.map(|parameter| &*parameter.argument).collect();
    if !missing.is_empty() {
        return Err(format!("required arguments are missing: {}", list(missing)));
    }
    let keys = arguments.members().filter_map(|(key, _)| key.as_str());
    let unknown: Vec<_> = keys
        .filter(|key| !all.iter().any(|of| of.argument == *key))
        .collect();
    match unknown.is_empty() {
        true => Ok(()),
        false => {
            let known: Vec<_> = all.iter().map(|of| &*of.argument).collect();
            let known = if known.is_empty() {
                "none".into()
            } else {
                list(known)
            };
            let unknown: Vec<_> = unknown
                .iter()
                .map(|name| spin_mcp_protocol::excerpt(name))
                .collect();
            let unknown = list(unknown.iter().map(|name| &**name).collect());
            Err(format!(
                "unknown arguments: {unknown}; this tool takes {known}"
            ))
        }
    }
}

/// The path of an operation, with its values. No value adds or removes a segment.
fn path_of(template: &str, all: &[Parameter<'_>]) -> Result<String, String> {
    let mut path = String::new();
    let mut rest = template;
    let mut values = vec![];
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        path += before;
        let mut in_path = all.iter().filter(|parameter| parameter.place == "path");
        let parameter = in_path.find(|parameter| parameter.name == name);
        let given = parameter.and_then(|parameter| Some((parameter, parameter.value?)));
        let (parameter, value) = given.ok_or("an argument of the path is missing")?;
        let (style, explode, is_object) = (
            &*parameter.style,
            parameter.explode,
            value.kind == Kind::Object,
        );
        let named = format!(";{}=", encoded(&parameter.name));
        let (start, separator) = match style {
            "label" => (".", if explode { "." } else { "," }),
            "matrix" if explode && is_object => (";", ";"),
            "matrix" => (&*named, if explode { &*named } else { "," }),
            _ => ("", ","),
        };
        let own = match style {
            "json" => encoded(&json(value)),
            _ => listed(value, parameter.explode, separator, true),
        };
        if own.is_empty() || decoded(&own).chars().any(char::is_control) {
            return Err(format!(
                "argument `{}` is part of a path, so it must not be empty and have no control characters",
                parameter.argument
            ));
        }
        values.push(&*parameter.argument);
        path = path + start + &own;
        rest = after;
    }
    path += rest;
    // What decodes a path before it looks for folders must find none but the document's.
    let plain = decoded(&path);
    let mut segments = plain
        .split(['/', '\\'])
        .map(|segment| segment.split(';').next());
    let is_dots = |segment: Option<&str>| matches!(segment, Some("." | ".."));
    match segments.any(is_dots) {
        true => Err(format!(
            "`{}` must not have `.` or `..` between slashes",
            values.join("`, `")
        )),
        false => Ok(path),
    }
}

fn json(value: Value<'_>) -> String {
    let mut out = vec![];
    let _ = compact(&mut out, value.text);
    String::from_utf8(out).unwrap_or_default()
}

/// A value as text: a string without quotes, and JSON of everything else.
fn scalar(value: Value<'_>) -> Cow<'_, str> {
    match value.as_str() {
        Some(text) => text,
        None if value.kind == Kind::Null => "".into(),
        None => json(value).into(),
    }
}

/// The styles `simple`, `label` and `matrix`.
fn listed(value: Value<'_>, explode: bool, separator: &str, encode: bool) -> String {
    let text = |text: &str| {
        if encode {
            encoded(text)
        } else {
            text.to_owned()
        }
    };
    let equals = if explode { "=" } else { "," };
    let all: Vec<_> = match value.kind {
        Kind::Array => value
            .elements()
            .map(|element| text(&scalar(element)))
            .collect(),
        Kind::Object => value
            .members()
            .map(|(key, member)| format!("{}{equals}{}", text(&scalar(key)), text(&scalar(member))))
            .collect(),
        _ => return text(&scalar(value)),
    };
    all.join(separator)
}

/// Encoded names and values for a query or a form.
fn pairs(
    out: &mut Vec<(String, String)>,
    name: &str,
    value: Value<'_>,
    style: &str,
    explode: bool,
) {
    let separator = match style {
        "pipeDelimited" => "%7C",
        "spaceDelimited" => "%20",
        _ => ",",
    };
    let name = encoded(name);
    match value.kind {
        Kind::Object | Kind::Array if style == "json" => out.push((name, encoded(&json(value)))),
        Kind::Object | Kind::Array if style == "deepObject" => deep(out, &name, value),
        Kind::Object if style == "content" => out.push((name, encoded(&json(value)))),
        Kind::Array if explode => {
            let elements = value.elements();
            out.extend(elements.map(|element| (name.clone(), encoded(&scalar(element)))));
        }
        Kind::Array => {
            let all: Vec<_> = value
                .elements()
                .map(|element| encoded(&scalar(element)))
                .collect();
            if !all.is_empty() {
                out.push((name, all.join(separator)));
            }
        }
        Kind::Object => {
            let members = value.members();
            let members =
                members.map(|(key, member)| (encoded(&scalar(key)), encoded(&scalar(member))));
            match explode {
                true => out.extend(members),
                false => {
                    let all: Vec<_> = members
                        .map(|(key, member)| format!("{key}{separator}{member}"))
                        .collect();
                    out.push((name, all.join(separator)));
                }
            }
        }
        _ if style == "json" => out.push((name, encoded(&json(value)))),
        _ => out.push((name, encoded(&scalar(value)))),
    }
}

/// `name[key]` for each member at any depth. JSON nests at most 64 deep.
fn deep(out: &mut Vec<(String, String)>, name: &str, value: Value<'_>) {
    match value.kind {
        Kind::Object => value.members().for_each(|(key, member)| {
            deep(
                out,
                &format!("{name}%5B{}%5D", encoded(&scalar(key))),
                member,
            );
        }),
        Kind::Array => value.elements().enumerate().for_each(|(index, element)| {
            deep(out, &format!("{name}%5B{index}%5D"), element);
        }),
        Kind::Null => {}
        _ => out.push((name.to_owned(), encoded(&scalar(value)))),
    }
}

fn joined(pairs: &[(String, String)], separator: &str) -> String {
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join(separator)
}

/// The body and its media type.
fn body_of<'a>(
    spec: Value<'_>,
    whole: Option<(&Parameter<'_>, Value<'_>)>,
    members: &mut dyn Iterator<Item = (&'a Parameter<'a>, Value<'a>)>,
) -> Result<Option<(String, Vec<u8>)>, String> {
    let mut members = members.peekable();
    if whole.is_none() && members.peek().is_none() && !holds(spec, "required") {
        return Ok(None);
    }
    let mut media = text(spec, "type").unwrap_or_default().into_owned();
    let content = match (&*text(spec, "as").unwrap_or_default(), whole) {
        ("text" | "file", None) => return Ok(None),
        ("text", Some((_, value))) => scalar(value).into_owned().into_bytes(),
        ("file", Some((parameter, value))) => {
            let file = File::of(parameter, value)?;
            media = file.media.map_or(media, Cow::into_owned);
            file.content
        }
        ("multipart", _) => {
            let (boundary, content) = multipart(members)?;
            media = format!("{media}; boundary={boundary}");
            content
        }
        ("form", whole) => {
            let mut form = vec![];
            for (key, value) in whole.iter().flat_map(|(_, value)| value.members()) {
                pairs(&mut form, &scalar(key), value, "content", true);
            }
            for (parameter, value) in members {
                pairs(
                    &mut form,
                    &parameter.name,
                    value,
                    &parameter.style,
                    parameter.explode,
                );
            }
            joined(&form, "&").into_bytes()
        }
        (_, Some((_, whole))) => json(whole).into_bytes(),
        (_, None) => {
            let mut out = vec![];
            let mut object = Object::begin(&mut out);
            members.for_each(|(parameter, value)| {
                object.json(&parameter.name, json(value).as_bytes())
            });
            object.end();
            out
        }
    };
    Ok(Some((media, content)))
}

/// The boundary, and a part for each value and for each element of a list.
fn multipart<'a>(
    members: impl Iterator<Item = (&'a Parameter<'a>, Value<'a>)>,
) -> Result<(String, Vec<u8>), String> {
    // As browsers write names.
    let quoted = |name: &str| {
        let name = name.replace('"', "%22").replace('\r', "%0D");
        name.replace('\n', "%0A")
    };
    let head = |name: &str, more: &str, media: &str| {
        let media = match media {
            "" => String::new(),
            media => format!("\r\nContent-Type: {media}"),
        };
        let name = quoted(name);
        format!("Content-Disposition: form-data; name=\"{name}\"{more}{media}")
    };
    let mut parts: Vec<(String, Vec<u8>)> = vec![];
    for (parameter, value) in members.filter(|(_, value)| value.kind != Kind::Null) {
        let media = &*parameter.media;
        if parameter.file {
            let all = match value.kind {
                Kind::Array => value.elements().collect(),
                _ => vec![value],
            };
            for value in all {
                let file = File::of(parameter, value)?;
                let name = format!("; filename=\"{}\"", quoted(&file.name));
                let media = file.media.as_deref().unwrap_or("application/octet-stream");
                parts.push((head(&parameter.name, &name, media), file.content));
            }
            continue;
        }
        let style = &*parameter.style;
        let media = match (value.kind, style) {
            (Kind::Object, "content") if media.is_empty() => "application/json",
            _ => media,
        };
        let mut encoded = vec![];
        pairs(
            &mut encoded,
            &parameter.name,
            value,
            style,
            parameter.explode,
        );
        parts.extend(encoded.iter().map(|(name, content)| {
            (
                head(&decoded(name), "", media),
                decoded(content).into_bytes(),
            )
        }));
    }
    let has = |content: &[u8], boundary: &str| {
        let mut windows = content.windows(boundary.len());
        windows.any(|window| window == boundary.as_bytes())
    };
    // No content can hold the boundary that it leads to.
    let mut hasher = DefaultHasher::new();
    let boundary = loop {
        parts.hash(&mut hasher);
        let boundary = format!("spin-mcp-{:016x}", hasher.finish());
        if !parts.iter().any(|(_, content)| has(content, &boundary)) {
            break boundary;
        }
    };
    let mut out = vec![];
    for (head, content) in parts {
        out.extend(format!("--{boundary}\r\n{head}\r\n\r\n").bytes());
        out.extend(content);
        out.extend(b"\r\n");
    }
    out.extend(format!("--{boundary}--\r\n").bytes());
    Ok((boundary, out))
}

/// What a model gives as a file.
struct File<'a> {
    name: Cow<'a, str>,
    media: Option<Cow<'a, str>>,
    content: Vec<u8>,
}

impl<'a> File<'a> {
    fn of(parameter: &'a Parameter<'_>, value: Value<'a>) -> Result<Self, String> {
        const BASE64: GeneralPurpose = GeneralPurpose::new(
            &STANDARD,
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
        );
        let argument = &parameter.argument;
        let own = text(value, "text").or_else(|| value.as_str());
        let content = match (own, text(value, "base64")) {
            (Some(text), None) => text.into_owned().into_bytes(),
            (None, Some(base64)) => BASE64
                .decode(&*base64)
                .map_err(|_| format!("`base64` of argument `{argument}` is not base64"))?,
            _ => {
                return Err(format!(
                    "argument `{argument}` is a file: give its content as `text` or as `base64`"
                ));
            }
        };
        let declared = Some(parameter.media.as_ref()).filter(|media| !media.is_empty());
        let media = text(value, "type").or(declared.map(Cow::from));
        match media {
            Some(media) if !media.chars().all(|c| c.is_ascii_graphic() || c == ' ') => Err(
                format!("`type` of argument `{argument}` is not a media type"),
            ),
            media => Ok(Self {
                name: text(value, "name").unwrap_or(parameter.name.as_ref().into()),
                media,
                content,
            }),
        }
    }
}

/// Names and templates.
fn templates<'a>(globals: Value<'a>, key: &str) -> Vec<(Cow<'a, str>, Value<'a>)> {
    let all = globals.member(key);
    let pairs = all
        .iter()
        .flat_map(|all| all.elements().collect::<Vec<_>>());
    pairs
        .filter_map(|pair| {
            let mut pair = pair.elements();
            Some((pair.next()?.as_str()?, pair.next()?))
        })
        .collect()
}

/// A template with its variables.
fn filled(
    template: Value<'_>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let mut out = String::new();
    for (index, part) in template.elements().enumerate() {
        let part = part.as_str().unwrap_or_default();
        if index % 2 == 0 {
            out += &part;
            continue;
        }
        let value = variable(&part).unwrap_or_default();
        let value = value.trim();
        if value.is_empty() || value.chars().any(char::is_control) {
            return Err(format!(
                "the variable `{part}` of this server is not set or has a line break; its operator must set it"
            ));
        }
        out += value;
    }
    Ok(out)
}
