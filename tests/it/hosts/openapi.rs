//! A feature that is an OpenAPI document, against an API of the test, in both WASI builds.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{
    Server, blocks, expect_success, mcp, root,
    rpc::{call, modern, text},
    settle,
    web::Web,
};

/// An app with the short petstore, whose API is at this address.
fn app(dir: &Path, api: &Web) {
    let document = fs::read_to_string(root().join("tests/openapi/petstore.yaml")).unwrap();
    let photo = "{ type: object, properties: { photo: { type: string, format: binary } } }";
    let document = document.replace("schema: { type: object }", &format!("schema: {photo}"));
    fs::write(dir.join("petstore.yaml"), document).unwrap();
    let url = format!("http://{}/v1", api.address());
    let header = ["--header", "Authorization=Bearer {{ token }}"];
    let mut add = mcp();
    add.current_dir(dir)
        .args(["add", "openapi", "petstore.yaml", "--base-url", &url]);
    expect_success(add.args(header));
    let manifest = fs::read_to_string(dir.join("spin.toml")).unwrap();
    let manifest = manifest.replace(
        "headers = ",
        "query = { key = \"{{ token }}\" }\nheaders = ",
    );
    fs::write(dir.join("spin.toml"), manifest).unwrap();
}

fn answer(method: &str, path: &str, body: &str) -> (u16, String) {
    let pet = r#"{"id": "seven", "name": "Rex", "born": null, "parent": {"name": 1, "x": 2}}"#;
    match (method, path) {
        ("GET", "/v1/pets/a%20b%2Fc?key=s%26t") => (200, pet.into()),
        ("GET", "/v1/pets?status=available,sold&limit=2&key=s%26t") => (200, "[1, 2]".into()),
        ("POST", "/v1/pets?key=s%26t") => (201, body.into()),
        ("POST", "/v1/pets/7/photo?key=s%26t") => (200, body.into()),
        ("DELETE", _) => (204, String::new()),
        _ => (
            404,
            format!(r#"{{"detail": "nothing at {method} {path}"}}"#),
        ),
    }
}

#[test]
fn operations_are_tools() {
    let api = Web::serve(answer);
    let dir = tempfile::tempdir().unwrap();
    app(dir.path(), &api);
    for wasi in ["0.2", "0.3"] {
        expect_success(
            mcp()
                .current_dir(dir.path())
                .args(["compose", "--wasi", wasi]),
        );
        let mut serve = mcp();
        serve.current_dir(dir.path()).args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--variable",
            "token=s&t",
        ]);
        let server = Server::start(serve);
        let send = |tool: &str, arguments: Value| {
            server.send(&call(tool, arguments)).message()["result"].clone()
        };
        let tools =
            server.send(&modern("tools/list", json!({}))).message()["result"]["tools"].clone();
        let names: Vec<_> = tools
            .as_array()
            .unwrap()
            .iter()
            .map(|tool| tool["name"].clone())
            .collect();
        assert_eq!(
            names,
            ["listPets", "addPet", "getPet", "deletePet", "uploadPhoto"],
            "{wasi}"
        );
        let hints = json!({"readOnlyHint": false, "destructiveHint": true, "idempotentHint": true, "openWorldHint": true});
        assert_eq!(tools[3]["annotations"], hints);

        let pet = send("getPet", json!({"petId": "a b/c"}));
        assert_eq!(
            pet["structuredContent"],
            json!({"name": "Rex", "born": null, "parent": {"x": 2}}),
            "{wasi}"
        );
        let list = send(
            "listPets",
            json!({"status": ["available", "sold"], "limit": 2}),
        );
        assert_eq!(
            (&list["content"][0]["text"], &list["structuredContent"]),
            (&json!("[1,2]"), &Value::Null)
        );
        let added = send("addPet", json!({"name": "é", "born": null}));
        assert_eq!(
            added["structuredContent"],
            json!({"name": "é", "born": null})
        );
        let photo = json!({"name": "rex.svg", "base64": "PHN2Zy8+", "type": "image/svg+xml"});
        let sent = send("uploadPhoto", json!({"petId": 7, "photo": photo}));
        let sent = sent["content"][0]["text"].as_str().unwrap();
        let part = "name=\"photo\"; filename=\"rex.svg\"\r\nContent-Type: image/svg+xml\r\n\r\n<svg/>\r\n--";
        assert!(sent.contains(part), "{sent}");
        let gone = send("deletePet", json!({"petId": 1}));
        assert_eq!(
            gone["content"][0]["text"],
            "The API answered 204 No Content without content."
        );

        let response = server
            .send(&call("getPet", json!({"petId": "none"})))
            .message();
        assert_eq!(response["result"]["isError"], true, "{response}");
        let told = text(&response);
        assert!(
            told.starts_with(
                "GET /v1/pets/none failed: 404 Not Found. nothing at GET /v1/pets/none?"
            ),
            "{told}"
        );
        for (arguments, expected) in [
            (json!({"petId": "../admin"}), "must not have `.` or `..`"),
            (
                json!({"petid": "1"}),
                "required arguments are missing: `petId`",
            ),
        ] {
            let response = server.send(&call("getPet", arguments)).message();
            assert!(text(&response).contains(expected), "{response}");
        }
        drop(server);

        // Without the app, no host is allowed.
        let server = Server::mcp(&dir.path().join("mcp.wasm"), &["--variable", "token=s&t"]);
        let response = server.send(&call("getPet", json!({"petId": 1}))).message();
        assert!(
            text(&response).contains("add that to `allowed_outbound_hosts`"),
            "{response}"
        );
        drop(server);
        let server = Server::mcp(&dir.path().join("mcp.wasm"), &[]);
        let response = server.send(&call("getPet", json!({"petId": 1}))).message();
        assert!(
            text(&response).contains("the variable `token` of this server is not set"),
            "{response}"
        );
    }
}

/// The guide shows what the commands print.
#[test]
fn the_guide_is_true() {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(
        root().join("tests/openapi/petstore.yaml"),
        dir.path().join("petstore.yaml"),
    )
    .unwrap();
    let blocks = blocks("docs/guides/openapi.md", "<!-- test: petstore -->");
    assert_eq!(blocks.len(), 1);
    for (command, expected) in &blocks[0] {
        let words = command.strip_prefix("spin mcp ").unwrap().split(' ');
        let output = expect_success(mcp().current_dir(dir.path()).args(words));
        let printed = settle(str::from_utf8(&output.stdout).unwrap(), &[]);
        assert_eq!(printed, *expected, "{command}");
    }
}
