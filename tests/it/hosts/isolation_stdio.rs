//! Stdin and stdout belong to the server, which speaks with its client there: features can
//! neither read what the client says nor say anything in the server's place.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{self, fixture, mcp, rpc};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The fixture, the WASI version of the server, and what reading stdin gives.
const WASI_BUILDS: [(&str, &str, &str); 3] = [
    ("reach", "0.2", CLOSED),
    ("reach", "0.3", CLOSED),
    ("reach-async", "0.3", r#"std "", wasi 0 Ok(())"#),
];
const CLOSED: &str = r#"std "", wasi StreamError::Closed StreamError::Closed"#;
/// A feature with these has other streams to read, or more of its host.
const GRANTS: [&[&str]; 2] = [&[], &["http", "filesystem", "sockets", "wasi:cli"]];

/// What the server writes to stdout and to stderr when it has these lines to read at once.
fn speak(mut command: Command, lines: &[Value]) -> (Vec<Value>, String) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let said = std::thread::spawn(move || {
        let mut said = String::new();
        stderr.read_to_string(&mut said).unwrap();
        said
    });
    // What the server was asked before the end, it answers after it.
    drop(stdin);
    let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
    let read = |line: std::io::Result<String>| {
        let line = line.unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("`{line}` is not a message"))
    };
    let mut answers: Vec<Value> = stdout.map(read).collect();
    assert_eq!(answers.len(), lines.len(), "{answers:?}");
    assert!(child.wait().unwrap().success());
    answers.sort_by_key(|answer: &Value| answer["id"].as_u64());
    (answers, said.join().unwrap())
}

fn hosts(server: &Path) -> [Command; 2] {
    let mut serve = mcp();
    serve.arg("serve").arg(server).arg("--stdio");
    let mut run = support::wasmtime();
    run.args([
        "run",
        "-S",
        "http,config,keyvalue",
        "-W",
        "component-model-async",
    ]);
    run.arg(server);
    [serve, run]
}

#[test]
fn features_have_no_part_in_what_is_said() {
    for (name, wasi, closed) in WASI_BUILDS {
        for grants in GRANTS {
            let dir = TempDir::new().unwrap();
            let server = support::compose_allowing(dir.path(), wasi, &fixture(name), grants);
            let call = |id: u32, tool: &str| {
                let request = rpc::call(tool, json!({}));
                let mut message: Value = serde_json::from_slice(&request.body).unwrap();
                message["id"] = json!(id);
                message
            };
            // What follows lies in stdin while the tools run.
            let calls = [
                call(1, "stdin"),
                call(2, "stdout"),
                call(3, "stdin"),
                call(4, "env"),
            ];
            for host in hosts(&server) {
                println!("{name} in {wasi} with {grants:?}: {host:?}");
                let (answers, said) = speak(host, &calls);
                assert_eq!(rpc::text(&answers[0]), closed);
                assert_eq!(rpc::text(&answers[1]), "printed");
                assert_eq!(rpc::text(&answers[2]), closed);
                assert_eq!(rpc::text(&answers[3]), "there is no such variable");
                for by in ["std", "wasi"] {
                    let forged = format!(r#"{{"jsonrpc":"2.0","method":"forged"}} by {by}"#);
                    assert!(said.contains(&forged), "{said}");
                }
            }
        }
    }
}
