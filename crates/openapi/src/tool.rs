//! From an operation to a tool, and to what a call of it sends.

use serde_json::{Map, Value, json};

use crate::{
    OpenApi,
    credentials::CONNECTION,
    document::{Document, elements, members, reference},
    operation::Operation,
    schema::{Side, bounded, described, schema},
};

/// The most bytes of the schema of arguments, and of results.
const MAX_INPUT: usize = 16 << 10;
const MAX_OUTPUT: usize = 4 << 10;
/// The most characters of a description and of a title.
const MAX_DESCRIPTION: usize = 1_000;
const MAX_TITLE: usize = 80;
const MULTIPART: &str = "multipart/form-data";
/// Headers that requests have by themselves, and those that credentials belong in.
const OWN_HEADERS: [&str; 4] = ["accept", "authorization", "content-type", "cookie"];

/// A tool as clients see it.
#[derive(Debug)]
pub struct Tool {
    pub name: String,
    pub title: Option<String>,
    pub description: Option<String>,
    pub input_schema: Value,
    pub output_schema: Option<Value>,
    pub read_only: bool,
    pub destructive: bool,
    pub idempotent: bool,
}

/// The arguments of a tool.
#[derive(Default)]
struct Arguments {
    properties: Map<String, Value>,
    required: Vec<String>,
    /// What becomes of them, for the table.
    parameters: Vec<Value>,
}

impl Arguments {
    fn has(&self, name: &str) -> bool {
        self.properties.contains_key(name)
    }

    fn add(&mut self, name: &str, schema: Value, required: bool, parameter: Value) {
        let mut parameter = parameter;
        parameter["argument"] = name.into();
        if required {
            self.required.push(name.to_owned());
            parameter["required"] = true.into();
        }
        self.parameters.push(parameter);
        self.properties.insert(name.to_owned(), schema);
    }
}

/// The tool, and what the table holds of the operation. The error says why there is none.
pub fn tool(
    document: &Document,
    operation: &Operation<'_>,
    of: &OpenApi,
) -> Result<(Tool, Value), String> {
    if let Some(server) = operation.own_server() {
        let own = crate::Server::parse(&server).ok();
        if own.is_none() || own != of.server_of(document).ok() {
            return Err(format!(
                "its server is `{server}`; add a feature for it, with that `base_url`"
            ));
        }
    }
    let outside =
        |reference: String| format!("`$ref` leads to `{reference}`, which is not in the document");
    let mut arguments = Arguments::default();
    let parameters = operation.parameters(document).map_err(outside)?;
    for place in ["path", "query", "header", "cookie"] {
        for parameter in parameters
            .iter()
            .filter(|parameter| parameter["in"] == place)
        {
            add_parameter(&mut arguments, parameter, place, of)?;
        }
    }
    check_path(operation.path, &arguments)?;
    let body = add_body(document, operation, &mut arguments)?;
    let input = json!({
        "type": "object",
        "properties": arguments.properties,
        "required": arguments.required,
        "additionalProperties": false,
    });
    let input_schema = schema(document, &input, Side::Input, MAX_INPUT).map_err(outside)?;
    let (accept, output) = response(document, operation).map_err(outside)?;
    let is = |methods: &[&str]| methods.contains(&operation.method);
    let text = |key: &str| {
        operation
            .object
            .get(key)
            .and_then(Value::as_str)
            .map(str::trim)
    };
    let (summary, long) = (
        text("summary").unwrap_or_default(),
        text("description").unwrap_or_default(),
    );
    let mut description = match long.starts_with(summary.trim_end_matches('.')) {
        true if !long.is_empty() => long.to_owned(),
        _ => [summary, long].join("\n\n").trim().to_owned(),
    };
    if operation.object.get("deprecated") == Some(&Value::Bool(true)) {
        description.insert_str(0, "Deprecated. ");
    }
    if description.is_empty() {
        description = operation.place();
    }
    let tool = Tool {
        name: String::new(),
        title: Some(summary.trim_end_matches('.'))
            .filter(|text| !text.is_empty() && text.chars().count() <= MAX_TITLE)
            .map(str::to_owned),
        description: Some(bounded(&description, MAX_DESCRIPTION)),
        input_schema,
        output_schema: output.clone(),
        read_only: is(&["GET", "HEAD", "OPTIONS"]),
        destructive: is(&["DELETE"]),
        idempotent: is(&["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]),
    };
    let mut call = json!({
        "method": operation.method,
        "path": operation.path,
        "accept": accept,
        "parameters": arguments.parameters,
        "body": body,
        "output": output.map(bare),
    });
    if let Some(call) = call.as_object_mut() {
        call.retain(|_, value| !value.is_null());
    }
    Ok((tool, call))
}

/// Refuses a path with a variable that no parameter is for.
fn check_path(path: &str, arguments: &Arguments) -> Result<(), String> {
    let mut rest = path;
    while let Some((_, after)) = rest.split_once('{') {
        let (name, after) = after
            .split_once('}')
            .ok_or("its path has a brace that is not closed")?;
        let known = arguments
            .parameters
            .iter()
            .any(|of| of["in"] == "path" && of["name"] == name);
        if !known {
            return Err(format!(
                "its path has `{{{name}}}`, and no parameter is called that"
            ));
        }
        rest = after;
    }
    let literal = |c: char| c.is_ascii_graphic() && !"?#\\\"<>^`|".contains(c);
    match path.starts_with('/') && path.chars().all(literal) {
        true => Ok(()),
        false => Err("its path is not the path of a URL".to_owned()),
    }
}

fn add_parameter(
    arguments: &mut Arguments,
    parameter: &Value,
    place: &str,
    of: &OpenApi,
) -> Result<(), String> {
    let name = parameter
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let set = |all: &[(String, crate::Template)], same: fn(&str, &str) -> bool| {
        all.iter().any(|(other, _)| same(other, name))
    };
    let is_set = match place {
        "header" => {
            let mut own = OWN_HEADERS.iter().chain(&CONNECTION);
            own.any(|own| own.eq_ignore_ascii_case(name))
                || set(&of.headers, |a, b| a.eq_ignore_ascii_case(b))
        }
        "query" => set(&of.query, |a, b| a == b),
        _ => false,
    };
    if is_set {
        return Ok(());
    }
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || matches!(place, "header" | "cookie") && !name.chars().all(token) {
        return Err(format!(
            "its {place} parameter cannot be called `{}`",
            name.escape_debug()
        ));
    }
    let content = members(parameter.get("content")).next();
    let style = parameter.get("style").and_then(Value::as_str);
    let default = if matches!(place, "path" | "header") {
        "simple"
    } else {
        "form"
    };
    let style = match (content, style.unwrap_or(default)) {
        (Some((media, _)), _) if is_json(media) => "json",
        (Some((media, _)), _) => return Err(format!("its parameter `{name}` is `{media}`")),
        (None, style @ "simple") if default == "simple" => style,
        (None, style @ "form") if default == "form" => style,
        (None, style @ ("label" | "matrix")) if place == "path" => style,
        (None, style @ ("deepObject" | "pipeDelimited" | "spaceDelimited")) if place == "query" => {
            style
        }
        (None, style) => {
            return Err(format!(
                "its {place} parameter `{name}` has the style `{style}`"
            ));
        }
    };
    let explode = parameter
        .get("explode")
        .and_then(Value::as_bool)
        .unwrap_or(style == "form");
    let own = parameter
        .get("schema")
        .or(content.and_then(|(_, media)| media.get("schema")));
    let text = parameter
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let schema = described(own.cloned().unwrap_or(json!({})), text);
    let required = place == "path" || parameter.get("required") == Some(&Value::Bool(true));
    let mut argument = name.to_owned();
    if arguments.has(&argument) {
        argument = format!("{name}_{place}");
    }
    if arguments.has(&argument) {
        return Err(format!("it has several parameters `{name}`"));
    }
    let mut table = json!({"in": place, "name": name, "style": style});
    if explode {
        table["explode"] = true.into();
    }
    arguments.add(&argument, schema, required, table);
    Ok(())
}

fn is_json(media: &str) -> bool {
    let media = essence(media);
    media == "application/json" || media.ends_with("+json")
}

fn is_text(media: &str) -> bool {
    let media = essence(media);
    media.starts_with("text/") || media == "application/xml" || media.ends_with("+xml")
}

/// A media type without parameters, in lower case.
fn essence(media: &str) -> String {
    media
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// How a body is sent, and whether a media type is sent so.
type Kind<'a> = (&'static str, &'a dyn Fn(&str) -> bool);

/// Adds the arguments of the body. Returns what the table says of it.
fn add_body(
    document: &Document,
    operation: &Operation<'_>,
    arguments: &mut Arguments,
) -> Result<Option<Value>, String> {
    let outside =
        |reference: String| format!("`$ref` leads to `{reference}`, which is not in the document");
    let Some(body) = document
        .member(operation.object, "requestBody")
        .map_err(outside)?
    else {
        return Ok(None);
    };
    let all: Vec<_> = members(body.get("content")).collect();
    let kinds: [Kind<'_>; 6] = [
        ("json", &|media| essence(media) == "application/json"),
        ("json", &is_json),
        ("form", &|media| {
            essence(media) == "application/x-www-form-urlencoded"
        }),
        ("multipart", &|media| essence(media) == MULTIPART),
        ("text", &is_text),
        ("file", &|media| !essence(media).starts_with("multipart/")),
    ];
    let find = |(kind, fits): &Kind<'_>| {
        let (media, of) = all.iter().find(|(media, _)| fits(media))?;
        Some((media.as_str(), *kind, *of))
    };
    let required = body.get("required") == Some(&Value::Bool(true));
    // Documents also list types that cannot hold the files.
    let files = find(&kinds[3]).filter(|(.., of)| has_file(document, of.get("schema")));
    let found = files.or_else(|| kinds.iter().find_map(find));
    let is_odd = |kind| kind == "file" && operation.method == "GET" && !required;
    let (media, kind, content) = match (found, all.first()) {
        (Some((_, kind, _)), _) if is_odd(kind) => return Ok(None),
        (Some(found), _) => found,
        (None, Some((media, _))) => return Err(format!("its body is `{media}`")),
        (None, None) => return Ok(None),
    };
    if media.chars().any(|c| !(' '..='~').contains(&c)) {
        return Err(format!("its body is `{}`", media.escape_debug()));
    }
    let text = body
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut own = content.get("schema").cloned().unwrap_or(json!({}));
    let fields = match kind {
        "text" | "file" => None,
        _ => fields(document, &own, 0).map_err(outside)?,
    };
    let fields = fields.filter(|(fields, _)| {
        let is_free = |(name, _): &(&String, _)| kind == "multipart" || !arguments.has(name);
        !fields.is_empty() && fields.iter().all(is_free)
    });
    match fields {
        Some((fields, needed)) => {
            for (name, field) in fields {
                let target = document.resolve(field).map_err(outside)?;
                if target.get("readOnly") == Some(&Value::Bool(true)) {
                    continue;
                }
                let required = required && needed.contains(&name.as_str());
                let mut table = json!({"in": "member", "name": name});
                let encoding = content.get("encoding").and_then(|all| all.get(name));
                let of = |key: &str| encoding.and_then(|encoding| encoding.get(key));
                if kind != "json" {
                    // Without a style, an object is JSON, and an array is repeated.
                    let style = of("style").and_then(Value::as_str).unwrap_or("content");
                    table["style"] = style.into();
                    table["explode"] = of("explode")
                        .and_then(Value::as_bool)
                        .unwrap_or(style != "deepObject")
                        .into();
                }
                let (mut argument, mut schema) = (name.clone(), field.clone());
                if kind == "multipart" {
                    let one = |media: &&str| {
                        media.chars().all(|c| c.is_ascii_graphic()) && !media.contains(['*', ','])
                    };
                    let media = of("contentType").and_then(Value::as_str);
                    table["type"] = media.filter(one).into();
                    if let Some(file) = file(document, field, 0).map_err(outside)? {
                        table["file"] = true.into();
                        schema = file;
                    }
                    if arguments.has(&argument) {
                        argument += "_body";
                    }
                }
                if arguments.has(&argument) {
                    return Err(format!("it has several parameters `{argument}`"));
                }
                arguments.add(&argument, schema, required, table);
            }
        }
        None if kind == "multipart" => {
            return Err(format!("its body is `{media}` without known members"));
        }
        None => {
            match kind {
                "text" => own = json!({"type": "string"}),
                "file" => own = file_of(""),
                _ => {}
            }
            let name = ["body", "request_body"]
                .into_iter()
                .find(|name| !arguments.has(name));
            let name = name.ok_or("its parameters use every name that its body could have")?;
            arguments.add(
                name,
                described(own, text),
                required,
                json!({"in": "body", "name": "body"}),
            );
        }
    }
    let media = match media.contains('*') {
        true => "application/octet-stream",
        false => media,
    };
    Ok(Some(
        json!({"type": media, "as": kind, "required": required}),
    ))
}

/// The argument for a file.
fn file_of(description: &str) -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    let file = json!({
        "type": "object",
        "properties": {
            "name": text("The name of the file, with its ending."),
            "text": text("The content, if it is text."),
            "base64": text("The content in base64, if it is not text."),
            "type": text("Its media type."),
        },
        "additionalProperties": false,
    });
    described(file, description)
}

/// What the argument is if a member of a form is a file, or a list of files.
fn file(document: &Document, member: &Value, depth: usize) -> Result<Option<Value>, String> {
    let target = document.resolve(member)?;
    let text = |key: &str| target.get(key).and_then(Value::as_str);
    let description = text("description").unwrap_or_default();
    let media = text("contentMediaType").filter(|_| text("contentEncoding").is_none());
    if text("format") == Some("binary")
        || media.is_some_and(|media| !is_json(media) && !is_text(media))
    {
        return Ok(Some(file_of(description)));
    }
    if depth == 8 {
        return Ok(None);
    }
    if let Some(items) = target.get("items") {
        let items = file(document, items, depth + 1)?;
        let list = |items| described(json!({"type": "array", "items": items}), description);
        return Ok(items.map(list));
    }
    let choices = ["anyOf", "oneOf", "allOf"].map(|key| elements(target.get(key)));
    for choice in choices.into_iter().flatten() {
        if let Some(found) = file(document, choice, depth + 1)? {
            return Ok(Some(described(found, description)));
        }
    }
    Ok(None)
}

/// Whether a member of a form is a file.
fn has_file(document: &Document, schema: Option<&Value>) -> bool {
    let fields = schema.and_then(|schema| fields(document, schema, 0).ok()?);
    let is_file = |(_, field): &(&String, &Value)| matches!(file(document, field, 0), Ok(Some(_)));
    fields.is_some_and(|(fields, _)| fields.iter().any(is_file))
}

type Fields<'a> = (Vec<(&'a String, &'a Value)>, Vec<&'a str>);

/// The members of an object and the names of those that it needs, if it says nothing else.
fn fields<'a>(
    document: &'a Document,
    schema: &'a Value,
    depth: usize,
) -> Result<Option<Fields<'a>>, String> {
    let target: &'a Value = document.resolve(schema)?;
    let Some(object) = target.as_object().filter(|_| depth < 16) else {
        return Ok(None);
    };
    let plain = [
        "oneOf",
        "anyOf",
        "not",
        "if",
        "patternProperties",
        "dependentRequired",
        "minProperties",
    ];
    let is_open = object
        .get("additionalProperties")
        .is_some_and(|more| *more != Value::Bool(false));
    let is_object = object.get("type").is_none_or(|kind| kind == "object");
    if is_open || !is_object || plain.iter().any(|key| object.contains_key(*key)) {
        return Ok(None);
    }
    let mut all: Fields<'a> = (vec![], vec![]);
    let parts = elements(object.get("allOf"));
    for part in parts {
        let Some((properties, required)) = fields(document, part, depth + 1)? else {
            return Ok(None);
        };
        all.0.extend(properties);
        all.1.extend(required);
    }
    all.0.extend(members(object.get("properties")));
    all.1
        .extend(elements(object.get("required")).filter_map(Value::as_str));
    let mut names: Vec<_> = all.0.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    let once = names.len() == all.0.len();
    Ok(once.then_some(all))
}

/// What a successful answer is: the media types to ask for, and the schema if it is an object in JSON.
fn response(
    document: &Document,
    operation: &Operation<'_>,
) -> Result<(String, Option<Value>), String> {
    let any = "application/json, */*;q=0.5".to_owned();
    let mut good: Vec<_> = members(operation.object.get("responses"))
        .filter(|(status, _)| status.starts_with('2'))
        .collect();
    good.sort_by_key(|(status, _)| *status);
    for (_, response) in good {
        let response = document.resolve(response)?;
        let Some((media, content)) =
            members(response.get("content")).find(|(media, _)| is_json(media))
        else {
            let other = members(response.get("content")).next();
            let printable = |media: &&String| media.chars().all(|c| (' '..='~').contains(&c));
            if let Some(media) = other.map(|(media, _)| media).filter(printable) {
                return Ok((format!("{media}, */*;q=0.5"), None));
            }
            continue;
        };
        let accept = format!("{}, */*;q=0.5", essence(media));
        let Some(own) = content.get("schema") else {
            return Ok((accept, None));
        };
        let written = match is_object(document, own, 0) {
            true => schema(document, own, Side::Output, MAX_OUTPUT).ok(),
            false => None,
        };
        let root = written.and_then(|mut written| {
            let root = written.as_object_mut()?;
            // The root of every choice and of every part.
            root.insert("type".into(), json!("object"));
            Some(written)
        });
        return Ok((accept, root));
    }
    Ok((any, None))
}

/// A schema of results without its descriptions.
fn bare(mut schema: Value) -> Value {
    if let Some(object) = schema.as_object_mut() {
        object.shift_remove("description");
        for (key, value) in object.iter_mut() {
            match value {
                Value::Object(all) if key == "properties" || key == "$defs" => {
                    all.values_mut()
                        .for_each(|schema| *schema = bare(schema.take()));
                }
                Value::Object(_) => *value = bare(value.take()),
                Value::Array(all) => all
                    .iter_mut()
                    .for_each(|schema| *schema = bare(schema.take())),
                _ => {}
            }
        }
    }
    schema
}

/// Whether all values of a schema are objects.
fn is_object(document: &Document, schema: &Value, depth: usize) -> bool {
    let Ok(target) = document.resolve(schema) else {
        return false;
    };
    let all = |key: &str, every: bool| {
        let mut choices = elements(target.get(key)).peekable();
        let is = |choice: &Value| is_object(document, choice, depth + 1);
        choices.peek().is_some()
            && if every {
                choices.all(is)
            } else {
                choices.any(is)
            }
    };
    depth < 8
        && (target.get("type").is_some_and(|kind| kind == "object")
            || target.get("type").is_none()
                && (target.get("properties").is_some()
                    || all("allOf", false)
                    || all("oneOf", true)
                    || all("anyOf", true)))
        && reference(target).is_none()
}
