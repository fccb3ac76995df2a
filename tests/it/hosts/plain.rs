//! Components that know nothing of MCP, in servers of both WASI builds.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{self, Server, compose, compose_allowing, fixture, mcp, rpc::call};

const BUILDS: [&str; 2] = ["0.2", "0.3"];

/// What a tool answers, as `mcp call --json` prints it, or the text of the error that it is.
fn called(server: &std::path::Path, tool: &str, arguments: &Value) -> Value {
    let output = mcp()
        .arg("call")
        .arg(server)
        .args([tool, &arguments.to_string(), "--json"])
        .output()
        .unwrap();
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    match result["isError"] == true {
        true => result["content"][0]["text"].clone(),
        false => result["structuredContent"].clone(),
    }
}

#[test]
fn functions_are_tools() {
    let dir = tempfile::tempdir().unwrap();
    let person = json!({
        "name": "Ada é😀",
        "age": 36,
        "sex": "female",
        "access": ["read", "admin"],
        "contacts": ["none", {"mail": "a@example.com"}, {"phone": [44, "18446744073709551615"]}],
        "photo": "aGk=",
    });
    let many = json!({"a": 1e300, "b": "b", "c": "c", "d": "d", "e": "e", "f": "f", "g": "g",
        "h": "h", "i": "i", "j": -3});
    for wasi in BUILDS {
        let server = compose(dir.path(), wasi, &[fixture("plain")]);
        let is = |tool: &str, arguments: Value, answer: Value| {
            assert_eq!(called(&server, tool, &arguments), answer, "{tool}, {wasi}");
        };
        let described = "Ada é😀, 36, female, admin true, none and a@example.com and \
            +44 18446744073709551615, 2 bytes";
        is(
            "describe",
            json!({"person": person}),
            json!({"result": described}),
        );
        is("echo", json!({"person": person}), person.clone());
        is(
            "mirror",
            json!({"point": {"x": 1.5, "y": -2}}),
            json!({"x": -1.5, "y": 2.0}),
        );
        is(
            "many",
            many.clone(),
            json!({"result": [1e300, "bcdefghi", -3]}),
        );
        is(
            "registers_count",
            json!({}),
            json!({"result": "18446744073709551615"}),
        );
        is("find", json!({"search": {}}), json!("unknown"));
        is(
            "find",
            json!({"search": {"limit": {"some": null}}}),
            json!("retired"),
        );
        is("fail", json!({"why": "so"}), json!("so"));
        let mut wrong = person.clone();
        wrong["age"] = json!(256);
        let message = "/person/age: expected an integer from 0 to 255";
        is("echo", json!({"person": wrong}), json!(message));
    }
}

/// An instance that serves many requests keeps what the component keeps, and nothing of the calls.
#[test]
fn an_instance_can_be_used_again() {
    let dir = tempfile::tempdir().unwrap();
    let component = compose(dir.path(), "0.3", &[fixture("plain")]);
    let server = Server::mcp(&component, &[]);
    let send = |tool: &str, arguments: Value| {
        let answer = server.send(&call(tool, arguments)).json();
        answer["result"]["structuredContent"].clone()
    };
    let find = |text: &str, limit: u32| {
        let search = json!({"text": text, "limit": {"some": limit}});
        let found = send("find", json!({"search": search}));
        let people = found["result"].as_array().unwrap();
        assert_eq!(people.len(), limit as usize);
        assert!(people.iter().all(|person| person["name"] == text));
    };
    let mut counted = vec![0];
    for _ in 0..20 {
        // A large result between small ones.
        find("a", 1);
        find(&"long".repeat(500), 200);
        counted.push(
            send("directory_count", json!({}))["result"]
                .as_i64()
                .unwrap(),
        );
    }
    // The server drops an instance that waited for long, which can happen on a busy machine.
    let follows = |pair: &[i64]| pair[1] == pair[0] + 1 || pair[1] == 1;
    assert!(counted.windows(2).all(follows), "{counted:?}");
    assert!(counted.iter().any(|&count| count > 5), "{counted:?}");
}

#[test]
fn it_sees_what_is_granted() {
    let dir = tempfile::tempdir().unwrap();
    let text = support::root().join("tests/cases/compose/plain-component-with-a-prefix/env.wat");
    let feature = dir.path().join("env.wasm");
    std::fs::write(&feature, wat::parse_file(text).unwrap()).unwrap();
    for wasi in BUILDS {
        for (grants, seen) in [(&[][..], json!([])), (&["env"], json!([["A", "b"]]))] {
            let server = compose_allowing(dir.path(), wasi, &feature, grants);
            let mut call: Command = mcp();
            call.arg("call")
                .arg(&server)
                .args(["variables", "{}", "--env", "A=b", "--json"]);
            let output = support::expect_success(&mut call);
            let result: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(
                result["structuredContent"]["result"], seen,
                "{grants:?}, {wasi}"
            );
        }
    }
}

/// What the guide shows, the commands do.
#[test]
fn the_guide_is_true() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(fixture("plain"), dir.path().join("people.wasm")).unwrap();
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_mcp"));
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", bin.parent().unwrap().display());
    let blocks = support::blocks("docs/guides/components.md", "<!-- test -->");
    assert_eq!(blocks.len(), 1);
    for (command, expected) in blocks.concat() {
        let mut shell = Command::new("bash");
        let shell = shell.args(["-uc", &command]).current_dir(dir.path());
        let output = shell.env("PATH", &path).output().unwrap().stdout;
        let output = support::settle(std::str::from_utf8(&output).unwrap(), &[]);
        assert_eq!(output, expected, "{command}");
    }
}
