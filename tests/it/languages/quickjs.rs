//! Features in TypeScript that run in QuickJS: what they can do, and who says what they cannot.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::support::typescript::{grant, scaffold};
use crate::support::{Server, compose, expect_success, mcp, needs, root, rpc};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

/// What a build on QuickJS says of its sources when this replaced that.
fn refused(app: &Path, this: &str, that: &str) -> String {
    let source = app.join("src/app.ts");
    let text = fs::read_to_string(&source).unwrap();
    let changed = text.replace(this, that);
    assert_ne!(changed, text);
    fs::write(&source, changed).unwrap();
    let output = mcp().arg("build").current_dir(app).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    fs::write(&source, text).unwrap();
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn what_quickjs_lacks_is_told_by_the_build() {
    needs!("typescript");
    let dir = tempfile::tempdir().unwrap();
    let app = &scaffold("mcp-tool-ts", "quickjs", "my-server", dir.path());
    let first = "const sum = a + b;";
    for (code, why) in [
        (
            "fetch(\"https://example.com\");",
            "Type 'QuickJsHasNoFetchUseStarlingMonkey' has no call signatures.",
        ),
        (
            "setTimeout(() => {}, 1);",
            "error TS2304: Cannot find name 'setTimeout'.",
        ),
        (
            "Buffer.from(\"a\");",
            "error TS2591: Cannot find name 'Buffer'.",
        ),
    ] {
        let told = refused(app, first, &format!("{code} {first}"));
        assert!(told.contains(why), "{told}");
    }
    let asynchronous = refused(app, "  (given) => ({", "  async (given) => ({");
    assert!(asynchronous.contains(PROMISE), "{asynchronous}");
    let url = refused(
        app,
        "  a: z.int()",
        "  from: z.url().optional(),\n  a: z.int()",
    );
    let why = "Error: QuickJS cannot check the format `uri`: use StarlingMonkey";
    assert!(url.contains(why), "{url}");
}

/// What the type checker says of a promise where there must be none.
const PROMISE: &str = "error TS2322: Type 'Promise<{";

#[test]
fn resources_and_prompts_of_quickjs_are_no_promises() {
    needs!("typescript");
    for (template, this, that) in [
        ("mcp-resource-ts", "  (uri) => ({", "  async (uri) => ({"),
        ("mcp-prompt-ts", "  (given) => ({", "  async (given) => ({"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let app = &scaffold(template, "quickjs", "notes", dir.path());
        let told = refused(app, this, that);
        assert!(told.contains(PROMISE), "{told}");
    }
}

/// `tests/typescript/quickjs.ts` with everything allowed on WASI 0.2, and nothing on 0.3.
#[test]
fn tools_of_quickjs_use_the_request_and_the_host() {
    needs!("typescript");
    let dir = tempfile::tempdir().unwrap();
    let app = &scaffold("mcp-tool-ts", "quickjs", "my-server", dir.path());
    grant(app, r#""key-value", "variables""#);
    let tools = root().join("tests/typescript/quickjs.ts");
    fs::copy(tools, app.join("src/app.ts")).unwrap();
    fs::remove_file(app.join("test/app.test.ts")).unwrap();
    expect_success(mcp().arg("build").current_dir(app));
    let newer = compose(app, "0.3", &[app.join("my_server.wasm")]);

    let server = Server::mcp(&app.join("mcp.wasm"), &["--variable", "greeting=Welcome"]);
    works(&server);
    assert_eq!(call(&server, "visit"), (false, "1".into()));
    assert_eq!(call(&server, "visit"), (false, "2".into()));
    assert_eq!(call(&server, "greeting"), (false, "Welcome true".into()));
    asks(&server);

    let server = Server::mcp(&newer, &["--variable", "greeting=Welcome"]);
    works(&server);
    let denied = (true, "the host refused: access-denied".into());
    assert_eq!(call(&server, "visit"), denied);
    let (failed, why) = call(&server, "greeting");
    assert!(failed && why.contains("not allowed"), "{why}");
}

fn works(server: &Server) {
    let params = json!({
        "name": "count",
        "arguments": {"to": 2},
        "_meta": {"progressToken": "p"},
    });
    let answer = server.send(&rpc::modern("tools/call", params));
    let events = answer.text();
    for part in [
        r#""progressToken":"p","progress":1,"total":2,"message":"at 1""#,
        r#""progressToken":"p","progress":2,"total":2,"message":"at 2""#,
        r#"[\"2026-07-28\",\"p\",null]"#,
    ] {
        assert!(events.contains(part), "{events}");
    }

    // An instance that was made for this call begins with numbers of its own.
    let drawn: Vec<_> = (0..3).map(|_| call(server, "random").1).collect();
    for number in &drawn {
        assert!((0.0..1.0).contains(&number.parse::<f64>().unwrap()));
    }
    assert!(drawn[0] != drawn[1] && drawn[1] != drawn[2] && drawn[0] != drawn[2]);

    let why = "TypeError: cannot read property 'name' of undefined";
    assert_eq!(call(server, "broken"), (true, why.into()));
    server.wait_for("at broken (", PATIENCE);
    assert_eq!(
        call(server, "request"),
        (
            true,
            "QuickJS has no `fetch`; make the feature with `engine=starlingmonkey`".into()
        )
    );
    assert_eq!(call(server, "say"), (false, "said".into()));
    server.wait_for(
        r#"héllo 🌍 1 {"a":[true]} null RangeError: far �"#,
        PATIENCE,
    );
}

/// A call that cannot wait asks in rounds, and does once what it must not do twice.
fn asks(server: &Server) {
    let mut params = json!({"name": "ask", "arguments": {}});
    for message in ["Your name?", "Sure, Ada?"] {
        let elicitation = json!({"elicitation": {"form": {}}});
        let request = rpc::modern_with("tools/call", params.clone(), elicitation);
        let result = server.send(&request).json()["result"].clone();
        let asked = result["inputRequests"].as_object().unwrap();
        let (key, question) = asked.iter().next().unwrap();
        assert_eq!(question["params"]["message"], message);
        let answer = json!({"action": "accept", "content": {"name": "Ada"}});
        params["inputResponses"] = json!({ key.as_str(): answer });
        params["requestState"] = result["requestState"].clone();
    }
    let answer = server.send(&rpc::modern("tools/call", params)).json();
    assert_eq!(rpc::text(&answer), "Ada accept true");
}

fn call(server: &Server, tool: &str) -> (bool, String) {
    let answer = server.send(&rpc::call(tool, json!({}))).json();
    let failed = answer["result"]["isError"] == Value::Bool(true);
    (failed, rpc::text(&answer).to_owned())
}
