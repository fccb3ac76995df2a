//! From a document to requests, and from responses to results.

use serde_json::{Value as Json, json};
use spin_mcp_openapi::{OpenApi, Server, Template};
use spin_mcp_protocol::json::Value;

use crate::{
    fit::fit,
    request::{Request, build},
    response::{Content, MAX_BODY, Outcome, Response, outcome, redirection},
    table::Table,
};

/// The table of a document with one operation, `call`.
fn table(path: &str, method: &str, operation: Json) -> Vec<u8> {
    let mut operation = operation;
    operation["operationId"] = "call".into();
    let other = json!({"operationId": "other", "responses": {}});
    let document =
        json!({"openapi": "3.1.0", "paths": {path: {method: operation}, "/other": {"get": other}}});
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("api.json");
    std::fs::write(&file, document.to_string()).unwrap();
    let of = OpenApi {
        document: file,
        base_url: Some(Server::parse("https://api.test/v1/").unwrap()),
        headers: vec![("X-Key".into(), Template::parse("k {{ secret }}").unwrap())],
        query: vec![("key".into(), Template::parse("{{ secret }}").unwrap())],
        ..OpenApi::default()
    };
    of.make("").unwrap().table
}

fn secret(name: &str) -> Option<String> {
    (name == "secret").then(|| "s&t\n".to_owned())
}

fn request(table: &[u8], arguments: &Json) -> Result<Request, String> {
    let table = Table(table);
    assert!(table.operation("other").is_some() && table.operation("none").is_none());
    build(
        table.globals().unwrap(),
        table.operation("call").unwrap(),
        &arguments.to_string(),
        &secret,
    )
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let mut all = request.headers.iter();
    all.find_map(|(own, value)| (own == name).then_some(value.as_str()))
}

fn body_text(request: &Request) -> &str {
    str::from_utf8(request.body.as_ref().unwrap()).unwrap()
}

fn query(parameter: Json, value: Json) -> String {
    let mut parameter = parameter;
    parameter["name"] = "p".into();
    let operation = json!({"parameters": [parameter]});
    let table = table("/x", "get", operation);
    let request = request(&table, &json!({"p": value})).unwrap();
    request
        .path
        .strip_prefix("/v1/x?")
        .unwrap()
        .strip_suffix("key=s%26t")
        .unwrap()
        .trim_end_matches('&')
        .to_owned()
}

#[test]
fn queries_have_their_style() {
    let (array, object) = (
        json!(["a b", "c,d"]),
        json!({"r": 1, "g": [2, {"b": null, "c": "&"}]}),
    );
    for (style, explode, value, expected) in [
        ("form", true, json!("a/b?c#d=é"), "p=a%2Fb%3Fc%23d%3D%C3%A9"),
        ("form", true, json!(1.50), "p=1.5"),
        ("form", true, json!(true), "p=true"),
        ("form", true, json!(null), ""),
        ("form", true, array.clone(), "p=a%20b&p=c%2Cd"),
        ("form", false, array.clone(), "p=a%20b,c%2Cd"),
        ("form", false, json!([]), ""),
        ("pipeDelimited", false, array.clone(), "p=a%20b%7Cc%2Cd"),
        ("spaceDelimited", false, array, "p=a%20b%20c%2Cd"),
        ("form", true, json!({"x": 1, "y": "z"}), "x=1&y=z"),
        ("form", false, json!({"x": 1, "y": "z"}), "p=x,1,y,z"),
        (
            "deepObject",
            true,
            object,
            "p%5Br%5D=1&p%5Bg%5D%5B0%5D=2&p%5Bg%5D%5B1%5D%5Bc%5D=%26",
        ),
    ] {
        let parameter = json!({"in": "query", "style": style, "explode": explode});
        assert_eq!(query(parameter, value), expected, "{style} {explode}");
    }
    let content = json!({"in": "query", "content": {"application/json": {}}});
    assert_eq!(
        query(content, json!({"a": [1, 2]})),
        "p=%7B%22a%22%3A%5B1%2C2%5D%7D"
    );
    // A member of an object cannot take the place of a credential.
    assert_eq!(
        query(json!({"in": "query"}), json!({"key": "own", "b": 1})),
        "b=1"
    );
}

#[test]
fn each_argument_has_its_place() {
    let operation = json!({
        "parameters": [
            {"in": "path", "name": "id"},
            {"in": "path", "name": "list"},
            {"in": "query", "name": "id", "required": true},
            {"in": "header", "name": "X-Trace", "schema": {"type": "array"}},
            {"in": "header", "name": "X-Key"},
            {"in": "header", "name": "Authorization"},
            {"in": "cookie", "name": "c"},
        ],
        "requestBody": {"content": {"application/json; charset=utf-8": {"schema": {
            "type": "object", "properties": {"name": {"type": "string"}, "size": {}}
        }}}},
        "responses": {"200": {"content": {"application/vnd.x+json": {}}}},
    });
    let table = table("/things/{id}/of/{list}", "put", operation);
    let arguments = json!({
        "id": "a b", "list": [1, "x/y"], "id_query": 7, "X-Trace": ["a", "b"], "c": "1;2",
        "name": "n\"", "size": null,
    });
    let made = request(&table, &arguments).unwrap();
    assert_eq!(made.method, "PUT");
    assert_eq!(made.path, "/v1/things/a%20b/of/1,x%2Fy?id=7&key=s%26t");
    assert_eq!(body_text(&made), r#"{"name":"n\"","size":null}"#);
    for (name, value) in [
        ("accept", "application/vnd.x+json, */*;q=0.5"),
        ("content-type", "application/json; charset=utf-8"),
        ("x-trace", "a,b"),
        ("x-key", "k s&t"),
        ("cookie", "c=1%3B2"),
    ] {
        assert_eq!(header(&made, name), Some(value), "{name}");
    }
    assert_eq!(header(&made, "authorization"), None);
    let made = request(&table, &json!({"id": 1, "list": 2, "id_query": 3})).unwrap();
    assert_eq!(
        (body_text(&made), header(&made, "content-type")),
        ("", None)
    );
    let error = request(&table, &json!({"id": 1, "id_query": null})).unwrap_err();
    assert_eq!(error, "required arguments are missing: `list`, `id_query`");
    let error = request(
        &table,
        &json!({"id": 1, "list": 2, "id_query": 3, "X-Key": "own"}),
    )
    .unwrap_err();
    assert_eq!(
        error,
        "unknown arguments: `X-Key`; this tool takes `id`, `list`, `id_query`, `X-Trace`, `c`, `name`, `size`"
    );
}

#[test]
fn bodies_are_json_forms_or_text() {
    let body = |media: &str, content: Json, arguments: Json| {
        let operation = json!({"requestBody": {"required": true, "content": {media: content}}});
        let table = table("/x", "post", operation);
        body_text(&request(&table, &arguments).unwrap()).to_owned()
    };
    let form = "application/x-www-form-urlencoded";
    let schema = json!({"type": "object", "properties": {"a": {}, "b": {}, "c": {}}});
    let encoded = json!({"schema": schema, "encoding": {"c": {"style": "deepObject"}}});
    let arguments = json!({"a": "x y&z", "b": [1, {"k": 2}], "c": {"d": [{"e": 5}]}});
    assert_eq!(
        body(form, encoded, arguments),
        "a=x%20y%26z&b=1&b=%7B%22k%22%3A2%7D&c%5Bd%5D%5B0%5D%5Be%5D=5"
    );
    let any = json!({"schema": {"type": "object"}});
    assert_eq!(
        body(form, any.clone(), json!({"body": {"a": 1, "b": {"c": 2}}})),
        "a=1&b=%7B%22c%22%3A2%7D"
    );
    assert_eq!(
        body("text/plain", any.clone(), json!({"body": "a\nb"})),
        "a\nb"
    );
    assert_eq!(
        body("application/json", any, json!({"body": [1, {"a": null}]})),
        r#"[1,{"a":null}]"#
    );
    let members = json!({"schema": {"type": "object", "properties": {"a": {}}}});
    assert_eq!(body("application/json", members, json!({})), "{}");
}

#[test]
fn paths_have_their_style() {
    let (array, object) = (json!(["a b", ".c"]), json!({"r": 1, "g/": 2}));
    for (style, explode, value, expected) in [
        ("label", false, json!("a;b"), ".a%3Bb"),
        ("label", false, array.clone(), ".a%20b,.c"),
        ("label", true, array.clone(), ".a%20b..c"),
        ("label", false, object.clone(), ".r,1,g%2F,2"),
        ("label", true, object.clone(), ".r=1.g%2F=2"),
        ("matrix", false, json!("a;b"), ";p=a%3Bb"),
        ("matrix", false, array.clone(), ";p=a%20b,.c"),
        ("matrix", true, array.clone(), ";p=a%20b;p=.c"),
        ("matrix", false, object.clone(), ";p=r,1,g%2F,2"),
        ("matrix", true, object.clone(), ";r=1;g%2F=2"),
        ("simple", true, object, "r=1,g%2F=2"),
    ] {
        let parameter = json!({"in": "path", "name": "p", "style": style, "explode": explode});
        let table = table("/x{p}/y", "get", json!({"parameters": [parameter]}));
        let made = request(&table, &json!({"p": value})).unwrap();
        let expected = format!("/v1/x{expected}/y?key=s%26t");
        assert_eq!(made.path, expected, "{style} {explode}");
    }
}

/// The table of an operation with this form, whose parts have files.
fn upload(form: Json) -> Vec<u8> {
    let body = json!({"required": true, "content": {
        "application/json": {"schema": {"type": "object"}},
        "multipart/form-data": form,
    }});
    let parameters = json!([{"in": "query", "name": "note"}]);
    table(
        "/x",
        "post",
        json!({"requestBody": body, "parameters": parameters}),
    )
}

#[test]
fn forms_carry_files() {
    let binary = json!({"type": "string", "format": "binary"});
    let table = upload(json!({
        "schema": {"required": ["photo"], "properties": {
            "photo": {"anyOf": [{"type": "string", "contentMediaType": "image/png"}, {"type": "null"}]},
            "more": {"type": "array", "items": binary},
            "note": {"type": "string"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "about": {"type": "object"}, "deep": {"type": "object"},
        }},
        "encoding": {"photo": {"contentType": "image/png"}, "more": {"contentType": "a/b, c/*"}, "deep": {"style": "deepObject"}},
    }));
    let arguments = json!({
        "note": "in the query", "note_body": "é",
        "photo": {"name": "a\"\r\n.png", "base64": "AP-A/w=".replace('-', "+")},
        "more": [{"name": "x.txt", "text": "--spin-mcp", "type": "text/plain; charset=utf-8"}, "plain"],
        "tags": ["a", "b"], "about": {"k": [1]},
        "deep": {"a": {"b\"": "é "}},
    });
    let made = request(&table, &arguments).unwrap();
    assert_eq!(made.path, "/v1/x?note=in%20the%20query&key=s%26t");
    let kind = header(&made, "content-type").unwrap();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    let part = |head: &str, content: &[u8]| {
        let head = format!("--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n");
        [head.as_bytes(), content, b"\r\n"].concat()
    };
    let mut expected = [
        part(
            "name=\"photo\"; filename=\"a%22%0D%0A.png\"\r\nContent-Type: image/png",
            b"\0\xff\x80\xff",
        ),
        part(
            "name=\"more\"; filename=\"x.txt\"\r\nContent-Type: text/plain; charset=utf-8",
            b"--spin-mcp",
        ),
        part(
            "name=\"more\"; filename=\"more\"\r\nContent-Type: application/octet-stream",
            b"plain",
        ),
        part("name=\"note\"", "é".as_bytes()),
        part("name=\"tags\"", b"a"),
        part("name=\"tags\"", b"b"),
        part(
            "name=\"about\"\r\nContent-Type: application/json",
            b"{\"k\":[1]}",
        ),
        part("name=\"deep[a][b%22]\"", "é ".as_bytes()),
    ]
    .concat();
    expected.extend(format!("--{boundary}--\r\n").bytes());
    let shown = String::from_utf8_lossy(made.body.as_ref().unwrap());
    assert_eq!(shown, String::from_utf8_lossy(&expected));
    assert_eq!(made.body.unwrap(), expected);

    for (photo, expected) in [
        (json!({"name": "a"}), "argument `photo` is a file"),
        (
            json!({"text": "a", "base64": "YQ=="}),
            "argument `photo` is a file",
        ),
        (
            json!({"base64": "a?"}),
            "`base64` of argument `photo` is not base64",
        ),
        (
            json!({"text": "a", "type": "a/b\r\nX: y"}),
            "`type` of argument `photo` is not a media type",
        ),
    ] {
        let error = request(&table, &json!({"photo": photo})).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_body_can_be_a_file() {
    for (media, sent) in [
        ("image/png", "image/png"),
        ("*/*", "application/octet-stream"),
    ] {
        let content = json!({media: {"schema": {"type": "string", "format": "binary"}}});
        let table = table("/x", "put", json!({"requestBody": {"content": content}}));
        let made = request(&table, &json!({"body": {"base64": "AP8="}})).unwrap();
        assert_eq!(header(&made, "content-type"), Some(sent));
        assert_eq!(made.body.unwrap(), [0, 255]);
        let made = request(&table, &json!({"body": {"text": "a", "type": "text/x"}})).unwrap();
        assert_eq!(header(&made, "content-type"), Some("text/x"));
        assert_eq!(body_text(&request(&table, &json!({})).unwrap()), "");
    }
}

/// Whatever the arguments are: as many segments, headers and lines as the document says.
#[test]
fn no_argument_leaves_its_place() {
    for (style, separators) in [("simple", ""), ("label", ""), ("matrix", ";")] {
        no_argument_leaves_a(style, separators);
    }
}

fn no_argument_leaves_a(style: &str, separators: &str) {
    let operation = json!({"parameters": [
        {"in": "path", "name": "one", "style": style}, {"in": "path", "name": "two"}, {"in": "query", "name": "q"},
        {"in": "header", "name": "H"}, {"in": "cookie", "name": "c"},
    ]});
    let table = table("/a/{one}/b{two}/c", "get", operation);
    let alphabet = [
        "a", ".", "..", "/", "\\", "%", "%2e", "%2F", "?", "#", "&", "=", ";", ":", "@", "\r\n",
        "\0", " ", "é",
    ];
    let mut texts: Vec<String> = alphabet.map(str::to_owned).to_vec();
    for one in alphabet {
        texts.extend(alphabet.map(|other| format!("{one}{other}")));
        texts.extend(alphabet.map(|other| format!("..{one}{other}..")));
    }
    let mut refused = 0;
    for text in texts {
        for value in [
            json!(text),
            json!([text, text]),
            json!({text.clone(): text}),
        ] {
            let Ok(made) = request(
                &table,
                &json!({"one": value, "two": value, "q": value, "c": value}),
            ) else {
                refused += 1;
                continue;
            };
            let (path, query) = made.path.split_once('?').unwrap();
            let segments: Vec<_> = path.split('/').collect();
            assert_eq!(
                (segments.len(), segments[1], segments[2], segments[5]),
                (6, "v1", "a", "c"),
                "{text:?}"
            );
            assert!(segments[4].starts_with('b'), "{text:?}");
            let plain = crate::encode::decoded(path);
            assert!(
                !plain
                    .split(['/', '\\'])
                    .any(|segment| matches!(segment, "." | "..")),
                "{text:?}"
            );
            let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~%=&,/".contains(c);
            assert!(
                path.chars().all(|c| allowed(c) || separators.contains(c))
                    && query.chars().all(allowed),
                "{text:?}"
            );
            assert!(query.ends_with("key=s%26t"), "{text:?}");
            let cookie = header(&made, "cookie").unwrap();
            assert!(
                cookie.chars().all(|c| allowed(c) || c == ';' || c == ' '),
                "{cookie:?}"
            );
            let header = request(&table, &json!({"one": 1, "two": 1, "H": value}));
            let safe = !text.contains(['\r', '\n', '\0']);
            // JSON escapes what a list or an object contains, and a header has it plain.
            assert_eq!(header.is_ok(), safe, "{text:?}");
        }
    }
    assert!(refused > 100, "{refused}");
    if style != "simple" {
        return;
    }
    for dots in [".", "..", "../..", "a/../b", "..\\x", "..;x", "a/..;/b"] {
        let error = request(&table, &json!({"one": dots, "two": 1})).unwrap_err();
        assert!(
            error.contains("must not have `.` or `..`"),
            "{dots}: {error}"
        );
    }
    assert!(request(&table, &json!({"one": "a..b", "two": "v1.2"})).is_ok());
    assert!(
        request(&table, &json!({"one": "", "two": 1}))
            .unwrap_err()
            .contains("empty")
    );
}

#[test]
fn a_variable_must_be_set() {
    let table = table("/x", "get", json!({}));
    let table = Table(&table);
    let (globals, operation) = (table.globals().unwrap(), table.operation("call").unwrap());
    for value in [None, Some(" \n".to_owned()), Some("a\r\nb".to_owned())] {
        let error = build(globals, operation, "{}", &|_| value.clone()).unwrap_err();
        assert!(error.contains("`secret`"), "{error}");
    }
}

fn result(operation: &str, response: Response) -> Outcome {
    let request = Request {
        method: "GET".into(),
        path: "/v1/x?key=hidden".into(),
        headers: vec![],
        body: None,
    };
    outcome(Value::parse(operation).unwrap(), &request, response)
}

fn answer(status: u16, kind: &str, body: &[u8]) -> Response {
    Response {
        status,
        content_type: kind.into(),
        body: body.to_vec(),
        ..Response::default()
    }
}

fn text_of(outcome: &Outcome) -> &str {
    match &outcome.content[0] {
        Content::Text(text) => text,
        Content::Media(..) => panic!("no text"),
    }
}

#[test]
fn an_answer_is_structured_as_its_schema_says() {
    let operation = r#"{"output":{"type":"object","properties":{"id":{"type":"integer"},"name":{"type":"string"}}}}"#;
    let made = result(
        operation,
        answer(
            200,
            "application/json",
            br#"{ "id": 1.5, "name": "a", "more": [ 1 ] }"#,
        ),
    );
    assert_eq!(text_of(&made), r#"{"id":1.5,"name":"a","more":[1]}"#);
    assert_eq!(
        made.structured.as_deref(),
        Some(r#"{"name":"a","more":[1]}"#)
    );
    for body in ["[1]", "text", "", "{"] {
        let made = result(operation, answer(200, "", body.as_bytes()));
        assert_eq!(
            (made.structured.as_deref(), made.is_error),
            (Some("{}"), false),
            "{body}"
        );
    }
    let made = result("{}", answer(200, "", b"[1, 2]"));
    assert_eq!(
        (text_of(&made), made.structured.as_deref()),
        ("[1,2]", None)
    );
    assert_eq!(
        result("{}", answer(200, "", b"{}")).structured.as_deref(),
        Some("{}")
    );
    let made = result("{}", answer(204, "", b""));
    assert_eq!(
        text_of(&made),
        "The API answered 204 No Content without content."
    );
}

#[test]
fn what_does_not_fit_is_left_out() {
    let schema = r##"{"type":"object","properties":{"n":{"$ref":"#/$defs/N"},"u":{"anyOf":[{"type":"string"},
        {"type":"object","properties":{"a":{"type":"null"}}},{"type":"object","properties":{"a":{"type":"integer"}}}]},
        "p":{"allOf":[{"properties":{"a":{"type":"string"}}},{"properties":{"b":{"type":"string"}}}]}},
        "additionalProperties":{"type":["array","null"],"items":{"type":"number"}},
        "$defs":{"N":{"type":"object","properties":{"next":{"$ref":"#/$defs/N"},"v":{"type":"boolean"}}}}}"##;
    let schema = Value::parse(schema).unwrap();
    for (value, expected) in [
        (
            r#"{"n":{"v":true,"next":{"v":1,"next":{"v":false}}}}"#,
            r#"{"n":{"v":true,"next":{"next":{"v":false}}}}"#,
        ),
        (r#"{"n":null,"u":{"a":1}}"#, r#"{"u":{"a":1}}"#),
        (r#"{"u":true,"p":{"a":1,"b":2,"c":3}}"#, r#"{"p":{"c":3}}"#),
        (
            r#"{"x":[1,2.5],"y":null,"z":[1,"2"]}"#,
            r#"{"x":[1,2.5],"y":null}"#,
        ),
    ] {
        assert_eq!(fit(Value::parse(value).unwrap(), schema).unwrap(), expected);
    }
    assert_eq!(fit(Value::parse("[]").unwrap(), schema), None);
    // Choices within choices come to an end.
    let hostile = r##"{"$ref":"#/$defs/A","$defs":{"A":{"anyOf":[{"type":"object","properties":{"a":{"$ref":"#/$defs/A"}}},
        {"type":"object","properties":{"a":{"$ref":"#/$defs/A"}}}]}}}"##;
    let deep = format!("{}1{}", r#"{"a":"#.repeat(60), "}".repeat(60));
    assert_eq!(
        fit(Value::parse(&deep).unwrap(), Value::parse(hostile).unwrap()),
        None
    );
}

#[test]
fn large_and_other_bodies_have_a_form() {
    let operation = r#"{"parameters":[{"argument":"limit","in":"query","name":"limit"}]}"#;
    let large = format!("[{}1]", "1, ".repeat(60_000));
    let made = result(operation, answer(200, "application/json", large.as_bytes()));
    let text = text_of(&made);
    assert!(text.starts_with("[1,1,") && text.contains("120003 bytes") && text.contains("`limit`"));
    assert!(text.len() < 100_300 && !made.is_error);
    let cut = Response {
        is_cut: true,
        ..answer(
            200,
            "text/plain",
            &format!("a{}", "é".repeat(MAX_BODY)).as_bytes()[..MAX_BODY],
        )
    };
    assert!(text_of(&result(operation, cut)).contains("more than 1 MB"));
    let image = result(operation, answer(200, "image/png; q=1", b"\x89PNG"));
    assert_eq!(
        image.content,
        [Content::Media(b"\x89PNG".to_vec(), "image/png".into())]
    );
    let binary = result(operation, answer(200, "application/zip", b"PK\xff\x00"));
    assert!(text_of(&binary).contains("4 bytes of application/zip"));
}

#[test]
fn the_next_page_is_told_in_arguments() {
    let operation = r#"{"parameters":[{"argument":"page_query","in":"query","name":"page"}]}"#;
    let with = |link: &str| {
        let response = Response {
            link: link.into(),
            ..answer(200, "", b"[]")
        };
        result(operation, response).content.into_iter().nth(1)
    };
    let text = |text: &str| Some(Content::Text(text.to_owned()));
    let link = "<https://a.test/x?page=1>; rel=\"prev\", <https://a.test/x?per=5&page=a%20b>; rel=\"next\"";
    assert_eq!(
        with(link),
        text("There are more results: call again with `page_query` = `a b`.")
    );
    assert!(with("<https://a.test/x?after=1>; rel=next").is_some());
    assert_eq!(with("<https://a.test/x?page=1>; rel=\"last\""), None);
}

#[test]
fn failures_say_what_to_try() {
    for (status, body, expected) in [
        (
            404,
            r#"{"title":"No pet","detail":"No pet 7"}"#,
            "GET /v1/x failed: 404 Not Found. No pet; No pet 7\n\ncheck",
        ),
        (
            422,
            r#"{"error":{"message":"bad name","code":3}}"#,
            "422 Unprocessable Content. bad name\n\ncorrect",
        ),
        (
            400,
            r#"{"errors":[{"field":"a"}]}"#,
            r#"400 Bad Request. [{"field":"a"}]"#,
        ),
        (
            401,
            "",
            "401 Unauthorized\n\nthe credentials of this server",
        ),
        (500, "<html>long</html>", "500 Internal Server Error\n\n"),
        (418, "plain", "418. plain"),
        (429, "", "try again after `7`"),
    ] {
        let response = Response {
            retry_after: "7".into(),
            ..answer(status, "", body.as_bytes())
        };
        let made = result("{}", response);
        assert!(
            made.is_error && text_of(&made).contains(expected),
            "{}",
            text_of(&made)
        );
        assert!(!text_of(&made).contains("hidden"));
    }
    let long = result("{}", answer(400, "", "x".repeat(1 << 20).as_bytes()));
    assert!(text_of(&long).len() < 2_200);
}

#[test]
fn redirections_stay_at_their_origin() {
    let to = |status, location: &str| {
        let response = Response {
            location: location.into(),
            ..answer(status, "", b"")
        };
        redirection(&response, "https://api.test").map(str::to_owned)
    };
    assert_eq!(to(302, "https://api.test/y?z#f").as_deref(), Some("/y?z"));
    assert_eq!(to(301, "/y").as_deref(), Some("/y"));
    for location in [
        "https://api.test.evil/y",
        "//evil/y",
        "https://evil/y",
        "http://api.test/y",
        "/a b",
        "",
    ] {
        assert_eq!(to(302, location), None, "{location}");
    }
    assert_eq!(to(200, "/y"), None);
}
