//! `mcp serve` and `mcp call`: the key-value stores and variables that guests find, in both
//! WASI builds.

use std::path::{Path, PathBuf};

use crate::support::{
    self, Server, compose_allowing, fixture, mcp,
    rpc::{call, text},
};
use serde_json::{Value, json};

const WASI_BUILDS: [&str; 2] = ["0.2", "0.3"];

/// What a tool of the feature answers.
fn ask(server: &Server, tool: &str, arguments: Value) -> String {
    text(&server.send(&call(tool, arguments)).message()).to_owned()
}

fn composed(dir: &Path, wasi: &str) -> PathBuf {
    compose_allowing(dir, wasi, &fixture("keyvalue"), &["key-value", "variables"])
}

fn everywhere(arguments: &[&str], claim: impl Fn(&Server)) {
    let dir = tempfile::tempdir().unwrap();
    for wasi in WASI_BUILDS {
        claim(&Server::mcp(&composed(dir.path(), wasi), arguments));
    }
}

#[test]
fn what_one_instance_writes_another_one_reads() {
    everywhere(&[], |server| {
        assert_eq!(ask(server, "get", json!({"key": "k"})), "nothing");
        for value in ["one", "two"] {
            let put = ask(server, "put", json!({"key": "k", "value": value}));
            assert_eq!(put, "set");
            assert_eq!(ask(server, "get", json!({"key": "k"})), value);
        }
        let other = json!({"key": "k", "store": "other"});
        assert_eq!(ask(server, "get", other), "nothing");
        let many = ask(server, "get_many", json!({"key": "k,none,k"}));
        assert_eq!(many, "k=two none=nothing k=two");
        ask(server, "delete", json!({"key": "none,k"}));
        assert_eq!(ask(server, "list", json!({})), " in 1");
    });
}

#[test]
fn instances_at_once_lose_no_count() {
    everywhere(&[], |server| {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        ask(server, "count", json!({"key": "n", "value": "3"}));
                    }
                });
            }
        });
        let down = json!({"key": "n", "value": "-240"});
        assert_eq!(ask(server, "count", down), "0");
    });
}

#[test]
fn a_swap_fails_where_somebody_else_wrote() {
    everywhere(&[], |server| {
        let replaced = ask(server, "replace", json!({"key": "k", "value": "mine"}));
        assert_eq!(replaced, "nothing, another, swapped");
        assert_eq!(ask(server, "get", json!({"key": "k"})), "mine");
    });
}

#[test]
fn limits_are_errors_that_say_so() {
    everywhere(&[], |server| {
        let fill = |key: &str, bytes: &str| {
            let response = server.send(&call("fill", json!({"key": key, "value": bytes})));
            let message = response.message();
            let failed = message["result"]["isError"] == true;
            (failed, text(&message).to_owned())
        };
        assert_eq!(fill("k", "1000000"), (false, "set".into()));
        let too_much = "the value has 1000001 bytes; the limit is 1000000";
        assert_eq!(fill("k", "1000001"), (true, too_much.into()));
        let too_long = "the key has 256 bytes; the limit is 255";
        assert_eq!(fill(&"k".repeat(256), "1"), (true, too_long.into()));
        for n in 0..267 {
            assert_eq!(fill(&n.to_string(), "1000000"), (false, "set".into()));
        }
        let full = "the key-value stores are full; the limit of all stores together is 256 MiB";
        assert_eq!(fill("last", "1000000"), (true, full.into()));
        ask(server, "delete", json!({"key": "0"}));
        assert_eq!(fill("last", "1000000"), (false, "set".into()));
    });
}

#[test]
fn variables_are_those_of_the_command_line() {
    let arguments = ["--variable", "greeting=a=b", "--variable", "empty="];
    everywhere(&arguments, |server| {
        for (name, value) in [
            ("greeting", "a=b"),
            ("empty", ""),
            ("PATH", "nothing"),
            ("no such name", "nothing"),
        ] {
            assert_eq!(ask(server, "variable", json!({"key": name})), value);
        }
        let all = ask(server, "variables", json!({}));
        assert_eq!(all, r#"[("empty", ""), ("greeting", "a=b")]"#);
    });
}

#[test]
fn a_call_has_them_too() {
    let dir = tempfile::tempdir().unwrap();
    for wasi in WASI_BUILDS {
        let server = composed(dir.path(), wasi);
        let run = |arguments: &[&str]| {
            let mut command = mcp();
            command.arg("call").arg(&server).args(arguments);
            String::from_utf8(support::expect_success(&mut command).stdout).unwrap()
        };
        let variable = ["variable", r#"{"key":"a"}"#, "--variable", "a=1"];
        assert_eq!(run(&variable), "1\n");
        let put = ["put", r#"{"key":"k","value":"v"}"#];
        assert_eq!(run(&put), "set\n");
        assert_eq!(run(&["get", r#"{"key":"k"}"#]), "nothing\n");
    }
}
