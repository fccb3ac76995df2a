use serde_json::{Value, json};

use super::*;

fn document(root: Value) -> Document {
    Document::read(&root.to_string()).unwrap()
}

/// A document with these paths.
fn api(version: &str, paths: Value, components: Value) -> Document {
    let servers =
        json!([{"url": "https://{host}/v1/", "variables": {"host": {"default": "API.test:443"}}}]);
    document(
        json!({"openapi": version, "servers": servers, "paths": paths, "components": components}),
    )
}

fn make(document: &Document, of: OpenApi) -> Result<Made> {
    of.make_of(document, "")
}

fn only(document: &Document) -> Tool {
    make(document, OpenApi::default()).unwrap().tools.remove(0)
}

/// The tool of an operation.
fn tool(version: &str, operation: Value, components: Value) -> Tool {
    only(&api(
        version,
        json!({"/x": {"post": operation}}),
        components,
    ))
}

fn body(schema: Value) -> Value {
    json!({"requestBody": {"required": true, "content": {"application/json": {"schema": schema}}}})
}

fn names(document: &Document, of: OpenApi) -> Vec<String> {
    let tools = make(document, of).unwrap().tools;
    tools.into_iter().map(|tool| tool.name).collect()
}

#[test]
fn documents_are_yaml_or_json_of_version_3() {
    let yaml = "openapi: 3.1.0\nservers: [{url: https://a.test}]\npaths:\n  /x:\n    get: &g\n      operationId: on\n      \
                responses:\n        200: {description: no}\n    put: {<<: *g, operationId: no}\n";
    let document = Document::read(yaml).unwrap();
    assert_eq!(names(&document, OpenApi::default()), ["on", "no"]);
    for (text, expected) in [
        ("swagger: '2.0'", "written in Swagger \"2.0\""),
        ("a: 1", "has no `openapi`"),
        ("openapi: 4.0.0", "OpenAPI `4.0.0`"),
        ("openapi: [", "not valid YAML"),
        ("{\"openapi\"", "not valid JSON"),
        ("- 1", "not valid YAML"),
    ] {
        let error = format!("{:#}", Document::read(text).err().unwrap());
        assert!(error.contains(expected), "{text}: {error}");
    }
    let laughs = (1..30).map(|n| {
        format!(
            "a{n}: &a{n} [{}]\n",
            vec![format!("*a{}", n - 1); 9].join(",")
        )
    });
    let laughs = format!(
        "openapi: 3.1.0\na0: &a0 [x]\n{}",
        laughs.collect::<String>()
    );
    assert!(Document::read(&laughs).is_err());
}

#[test]
fn the_address_is_fixed() {
    let document = api("3.0.3", json!({"/x": {"get": {}}}), json!({}));
    let made = make(&document, OpenApi::default()).unwrap();
    assert_eq!(
        (made.server.to_string(), made.server.origin()),
        ("https://api.test/v1".into(), "https://api.test".into())
    );
    let own = OpenApi {
        base_url: Some(Server::parse("http://127.0.0.1:9/a/").unwrap()),
        ..OpenApi::default()
    };
    assert_eq!(
        make(&document, own).unwrap().server.to_string(),
        "http://127.0.0.1:9/a"
    );
    for url in [
        "/v1",
        "ftp://a",
        "https://",
        "https://u@a",
        "https://a?b",
        "https://a/../b",
        "https://a/{b}",
        "https://a\n",
    ] {
        assert!(Server::parse(url).is_err(), "{url}");
    }
    let mut relative = api("3.0.3", json!({"/x": {"get": {}}}), json!({}));
    relative.root["servers"] = json!([{"url": "/v1"}]);
    let error = format!("{:#}", make(&relative, OpenApi::default()).unwrap_err());
    assert!(
        error.contains("`/v1`") && error.contains("write `base_url`"),
        "{error}"
    );
}

#[test]
fn names_are_those_that_clients_take() {
    let long = "x".repeat(80);
    let paths = json!({
        "/a": {"get": {"operationId": "repos/list.all"}, "put": {"operationId": "repos_list_all"}},
        "/b/{id}": {"delete": {"parameters": [{"in": "path", "name": "id"}]}, "get": {"operationId": long}},
        "/c": {"get": {"operationId": "ä"}, "post": {"operationId": "named"}},
    });
    let mut document = api("3.1.0", paths, json!({}));
    document.root["paths"]["/b/{id}"]["get"]["parameters"] = json!([{"in": "path", "name": "id"}]);
    let given = OpenApi {
        names: vec![
            ("named".into(), "mine".into()),
            ("DELETE /b/{id}".into(), "gone".into()),
        ],
        ..OpenApi::default()
    };
    let all = names(&document, given.clone());
    assert_eq!(
        (all[0].as_str(), all[2].as_str(), all[5].as_str()),
        ("repos_list_all", "gone", "mine")
    );
    assert!(
        all[1].starts_with("repos_list_all_") && all[1].len() == 21,
        "{all:?}"
    );
    assert!(
        all[3].starts_with("xxx") && all[3].len() == 64 && all[4].len() == 6,
        "{all:?}"
    );
    let prefixed = given.make_of(&document, "shop-").unwrap();
    assert_eq!(prefixed.tools[3].name.len(), 59);
    // What an operation gets does not depend on those after it.
    document.root["paths"]["/d"] = json!({"get": {"operationId": "repos list all"}});
    assert_eq!(names(&document, given)[..6], all);
    let unnamed = names(&document, OpenApi::default());
    assert_eq!(unnamed[2], "DELETE_b_id");
}

#[test]
fn operations_are_chosen_by_id_tag_method_or_path() {
    let paths = json!({
        "/pets": {"get": {"operationId": "listPets", "tags": ["pets"]}, "post": {"operationId": "addPet", "tags": ["pets"]}},
        "/store/orders": {"get": {"operationId": "listOrders", "tags": ["store"]}, "delete": {"operationId": "get"}},
    });
    let document = api("3.1.0", paths, json!({}));
    let chosen = |include: &[&str], exclude: &[&str]| {
        let all = |texts: &[&str]| texts.iter().map(|text| Selector::parse(text)).collect();
        let of = OpenApi {
            include: all(include),
            exclude: all(exclude),
            ..OpenApi::default()
        };
        make(&document, of).map(|made| {
            made.tools
                .into_iter()
                .map(|tool| tool.name)
                .collect::<Vec<_>>()
                .join(" ")
        })
    };
    for (include, exclude, expected) in [
        (&["tag:pets"][..], &[][..], "listPets addPet"),
        (&["list*"], &[], "listPets listOrders"),
        (&["/store/*"], &["DELETE"], "listOrders"),
        (&["GET /p*", "get"], &[], "listPets get"),
        (&[], &["GET"], "addPet get"),
    ] {
        assert_eq!(chosen(include, exclude).unwrap(), expected);
    }
    for (include, exclude, expected) in [
        (
            "tag:pet",
            "tag:pets",
            "no operation is `tag:pet`; the nearest tag is `pets`",
        ),
        (
            "listPet",
            "tag:pets",
            "the nearest `operationId` is `listPets`",
        ),
        ("GET /pet", "tag:pets", "the nearest path is `/pets`"),
        (
            "listPets",
            "tag:pets",
            "no operation is left; change `include` or `exclude`",
        ),
    ] {
        let error = chosen(&[include], &[exclude]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn arguments_are_flat_where_their_names_differ() {
    let operation = json!({
        "parameters": [{"in": "query", "name": "id", "description": "own", "schema": {"type": "string"}}],
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"allOf": [
            {"$ref": "#/components/schemas/A"}, {"type": "object", "properties": {"b": {"type": "integer"}}, "required": ["b"]}
        ]}}}},
    });
    let a = json!({"type": "object", "required": ["a", "key"], "properties": {
        "a": {"type": "string"}, "key": {"type": "integer", "readOnly": true}}});
    let flat = tool("3.1.0", operation.clone(), json!({"schemas": {"A": a}}));
    assert_eq!(
        flat.input_schema,
        json!({"type": "object", "properties": {"id": {"type": "string", "description": "own"}, "a": {"type": "string"},
               "b": {"type": "integer"}}, "required": ["a", "b"], "additionalProperties": false})
    );
    let mut optional = operation.clone();
    optional["requestBody"]["required"] = json!(false);
    let schemas = json!({"schemas": {"A": {"type": "object", "properties": {"a": {}}}}});
    let optional = tool("3.1.0", optional, schemas);
    assert_eq!(optional.input_schema.get("required"), None);
    // A name of the body is that of a parameter.
    let a = json!({"type": "object", "properties": {"id": {}}});
    let whole = tool("3.1.0", operation.clone(), json!({"schemas": {"A": a}}));
    let properties = &whole.input_schema["properties"];
    assert_eq!(
        (
            properties["id"]["type"].clone(),
            properties["body"]["allOf"].is_array()
        ),
        (json!("string"), true)
    );
    assert_eq!(whole.input_schema["required"], json!(["body"]));
    for other in [
        json!({"type": "array"}),
        json!({"type": "object", "additionalProperties": true, "properties": {"a": {}}}),
        json!({"type": "object", "properties": {"a": {}}, "anyOf": [{}]}),
    ] {
        let whole = tool("3.1.0", body(other), json!({}));
        assert!(
            whole.input_schema["properties"]["body"].is_object(),
            "{}",
            whole.input_schema
        );
    }
}

#[test]
fn schemas_of_3_0_become_json_schema() {
    let properties = json!({
        "n": {"type": "string", "nullable": true, "enum": ["a", "a"], "example": "a", "x-more": 1},
        "r": {"nullable": true, "description": "d", "allOf": [{"$ref": "#/components/schemas/A"}]},
        "m": {"type": "number", "minimum": 1, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": false},
        "w": {"type": "any", "required": true, "minLength": -1, "pattern": 5, "items": {"type": "string"}},
    });
    let schema = json!({"type": "object", "properties": properties});
    let made = tool(
        "3.0.0",
        body(schema.clone()),
        json!({"schemas": {"A": {"type": "object", "properties": {"x": {}}}}}),
    );
    assert_eq!(
        made.input_schema["properties"],
        json!({
            "n": {"type": ["string", "null"], "enum": ["a", null]},
            "r": {"description": "d", "anyOf": [{"type": "object", "properties": {"x": {}}}, {"type": "null"}]},
            "m": {"type": "number", "exclusiveMinimum": 1, "maximum": 9},
            "w": {"items": {"type": "string"}, "type": "array"},
        })
    );
    // The keywords of 3.0 have no meaning in 3.1.
    let new = tool("3.1.0", body(schema), json!({"schemas": {"A": {}}}));
    assert_eq!(new.input_schema["properties"]["n"]["type"], "string");
}

#[test]
fn references_stay_small() {
    let node = json!({"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}, "v": {"$ref": "#/components/schemas/V"}}});
    let twice = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let mut schemas = json!({"Node": node, "V": {"type": "integer"}, "Once": {"type": "object", "properties": {"o": {"type": "string"}}}});
    for level in 0..25 {
        let next = twice(&format!("L{}", level + 1));
        schemas[format!("L{level}")] =
            json!({"type": "object", "properties": {"a": next, "b": next, "c": next}});
    }
    schemas["L25"] = json!({"type": "object", "properties": {"end": {"type": "string"}}});
    let properties = json!({"node": twice("Node"), "once": twice("Once"), "level": twice("L0"), "v": twice("V")});
    let made = tool(
        "3.1.0",
        body(json!({"type": "object", "properties": properties})),
        json!({"schemas": schemas}),
    );
    let properties = &made.input_schema["properties"];
    assert_eq!(properties["node"], json!({"$ref": "#/$defs/Node"}));
    let node = json!({"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "v": {"type": "integer"}}});
    assert_eq!(made.input_schema["$defs"]["Node"], node);
    assert_eq!(
        properties["once"],
        json!({"type": "object", "properties": {"o": {"type": "string"}}})
    );
    assert_eq!(properties["v"], json!({"type": "integer"}));
    assert_eq!(
        made.input_schema["$defs"]["L25"]["properties"],
        json!({"end": {"type": "string"}})
    );
    assert!(made.input_schema.to_string().len() < 4_000);
}

#[test]
fn large_schemas_lose_what_is_deepest() {
    let mut schema = json!({"type": "string"});
    for level in 0..12 {
        let wide: Vec<_> = (0..12)
            .map(|n| {
                (
                    format!("property{level}{n}"),
                    json!({"type": "string", "description": "d".repeat(50)}),
                )
            })
            .collect();
        let mut all = Value::Object(wide.into_iter().collect());
        all["more"] = schema;
        schema = json!({"type": "object", "properties": all});
    }
    let made = tool(
        "3.1.0",
        json!({"responses": {"200": {"content": {"application/json": {"schema": schema}}}}}),
        json!({}),
    );
    let output = made.output_schema.unwrap();
    let text = output.to_string();
    assert!(text.len() <= 4096 && text.len() > 2_000, "{}", text.len());
    assert!(
        text.contains("property110") && !text.contains("property00"),
        "{text}"
    );
}

#[test]
fn results_promise_only_kinds_of_values() {
    let schema = json!({"oneOf": [{"$ref": "#/components/schemas/A"}, {"type": "object"}]});
    let a = json!({"type": "object", "required": ["s"], "properties": {
        "s": {"type": "string", "enum": ["a"], "pattern": "a", "minLength": 1}, "w": {"type": "string", "writeOnly": true}}});
    let answer = |schema: &Value| json!({"responses": {"404": {}, "201": {"content": {"application/json": {"schema": schema}}}}});
    let made = tool("3.1.0", answer(&schema), json!({"schemas": {"A": a}}));
    let expected = json!({"anyOf": [{"type": "object", "properties": {"s": {"type": "string"}}}, {"type": "object"}], "type": "object"});
    assert_eq!(made.output_schema, Some(expected));
    for other in [
        json!({"type": "array"}),
        json!({"type": "string"}),
        json!({"anyOf": [{"type": "object"}, {"type": "null"}]}),
        json!({}),
    ] {
        assert_eq!(
            tool("3.1.0", answer(&other), json!({})).output_schema,
            None,
            "{other}"
        );
    }
}

#[test]
fn tools_say_what_they_do() {
    let operation = json!({"operationId": "x", "summary": "Do it.", "description": "At length.", "deprecated": true});
    let of = |method: &str, operation: &Value| {
        only(&api("3.1.0", json!({"/x": {method: operation}}), json!({})))
    };
    let made = of("get", &operation);
    assert_eq!(made.title.as_deref(), Some("Do it"));
    assert_eq!(
        made.description.as_deref(),
        Some("Deprecated. Do it.\n\nAt length.")
    );
    let hints = |method: &str| {
        let made = of(method, &operation);
        (made.read_only, made.destructive, made.idempotent)
    };
    assert_eq!(hints("get"), (true, false, true));
    assert_eq!(hints("post"), (false, false, false));
    assert_eq!(hints("put"), (false, false, true));
    assert_eq!(hints("delete"), (false, true, true));
    let long = of("get", &json!({"description": "word ".repeat(1000)}));
    assert!(long.description.unwrap().chars().count() <= 1_001);
    assert_eq!(of("get", &json!({})).description.as_deref(), Some("GET /x"));
}

#[test]
fn files_are_text_or_base64() {
    let schema = json!({"type": "object", "properties": {
        "file": {"type": "string", "format": "binary", "description": "A photo."},
        "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
        "key": {"type": "string", "contentMediaType": "application/json"},
        "data": {"type": "string", "format": "byte"},
    }});
    let body = json!({"content": {
        "application/x-www-form-urlencoded": {"schema": schema},
        "multipart/form-data": {"schema": schema},
    }});
    let made = tool("3.0.3", json!({"requestBody": body}), json!({}));
    let properties = &made.input_schema["properties"];
    let members = |schema: &Value| -> Vec<String> {
        let all = schema["properties"].as_object().unwrap().keys();
        all.cloned().collect()
    };
    let file = ["name", "text", "base64", "type"];
    assert_eq!(members(&properties["file"]), file);
    assert_eq!(properties["file"]["description"], "A photo.");
    assert_eq!(members(&properties["files"]["items"]), file);
    assert_eq!(properties["key"]["type"], "string");
    assert_eq!(properties["data"]["type"], "string");
}

#[test]
fn what_cannot_be_called_is_left_out() {
    let with = |parameter: Value| json!({"parameters": [parameter]});
    let paths = |operation: Value| json!({"/x": {"post": operation}, "/ok": {"get": {}}});
    for (operation, expected) in [
        (
            json!({"requestBody": {"content": {"multipart/form-data": {}}}}),
            "its body is `multipart/form-data` without known members",
        ),
        (
            json!({"requestBody": {"content": {"multipart/mixed": {}}}}),
            "its body is `multipart/mixed`",
        ),
        (
            with(json!({"in": "path", "name": "x", "style": "form"})),
            "has the style `form`",
        ),
        (
            with(json!({"in": "query", "name": "x", "content": {"text/csv": {}}})),
            "its parameter `x` is `text/csv`",
        ),
        (
            with(json!({"in": "header", "name": "a\r\nb"})),
            "cannot be called",
        ),
        (
            with(json!({"$ref": "other.yaml#/x"})),
            "`$ref` leads to `other.yaml#/x`",
        ),
        (
            body(json!({"$ref": "#/components/schemas/No"})),
            "`$ref` leads to `#/components/schemas/No`",
        ),
        (
            json!({"servers": [{"url": "{at}", "variables": {"at": {"default": "https://other.test"}}}]}),
            "its server is `https://other.test`",
        ),
    ] {
        let made = make(
            &api("3.1.0", paths(operation), json!({})),
            OpenApi::default(),
        )
        .unwrap();
        let [(place, why)] = &made.left_out[..] else {
            panic!("{:?}", made.left_out)
        };
        assert!(place == "POST /x" && why.contains(expected), "{why}");
        assert_eq!(made.tools.len(), 1);
    }
    let broken = api("3.1.0", json!({"/x/{id}": {"get": {}}}), json!({}));
    let error = make(&broken, OpenApi::default()).unwrap_err().to_string();
    assert!(
        error.contains("no operation is left; `GET /x/{id}`: its path has `{id}`"),
        "{error}"
    );
}

#[test]
fn credentials_are_those_that_are_missing() {
    let schemes = json!({"securitySchemes": {
        "key": {"type": "apiKey", "in": "query", "name": "k"}, "token": {"type": "http", "scheme": "bearer"}}});
    let paths = json!({"/a": {"get": {"security": [{"token": []}]}}, "/b": {"get": {"security": [{"key": []}]}}, "/c": {"get": {"security": []}},
                       "/d": {"get": {"parameters": [{"in": "query", "name": "k"}]}}});
    let document = api("3.1.0", paths, schemes);
    let missing = |of: OpenApi| {
        let all = make(&document, of).unwrap().credentials.into_iter();
        all.map(|of| format!("{} {} {}", of.key, of.name, of.before))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        missing(OpenApi::default()),
        ["headers Authorization Bearer ", "query k "]
    );
    let of = OpenApi {
        query: vec![("k".into(), Template::parse("{{ key }}").unwrap())],
        headers: vec![(
            "authorization".into(),
            Template::parse("Bearer {{token}}!").unwrap(),
        )],
        ..OpenApi::default()
    };
    assert_eq!(of.variables(), ["token", "key"]);
    assert_eq!(missing(of.clone()), [""; 0]);
    // A model cannot choose what the app sets.
    assert_eq!(
        make(&document, of).unwrap().tools[3].input_schema["properties"],
        json!({})
    );
    for wrong in ["{{ a", "{{ A }}", "{{}}", "a\nb"] {
        assert!(Template::parse(wrong).is_err(), "{wrong}");
    }
}
