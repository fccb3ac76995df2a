//! What features and middleware may use of their host: each what it was allowed, and nothing else, in one
//! server with neighbours that may.
//!
//! A server here has copies of one feature whose tools are named as the grants that they need,
//! and the copies as the grants that they have. `none` has none.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::thread;

use crate::support::{Server, expect_success, fixture, mcp, rpc};
use serde_json::json;
use spin_mcp_component::{Size, World};
use tempfile::TempDir;

/// The fixture and the WASI version of the server: 0.2 and 0.3, and the first in the second.
const WASI_BUILDS: [(&str, &str); 3] = [("reach", "0.2"), ("reach", "0.3"), ("reach-async", "0.3")];
const ANY: &str = "";

/// What a tool answers when it is allowed, and when not.
const ANSWERS: [(&str, &str, &str); 7] = [
    ("http", "status 204", "ErrorCode::HttpRequestDenied"),
    ("key-value", "kept", "Error::AccessDenied"),
    (
        "variables",
        "hello",
        r#"Error::Upstream("not allowed: `variables` is not in its `allow`")"#,
    ),
    ("filesystem", "5 bytes", "there is no folder"),
    (
        "sockets",
        "tcp connected, udp made, lookup found",
        "tcp access-denied, udp access-denied, lookup access-denied",
    ),
    ("env", "hello", "there is no such variable"),
    // No host of these tests has it.
    ("sqlite", ANY, "Error::AccessDenied"),
];

/// A server of copies of a fixture, each with the grant that it is named after.
fn compose(dir: &Path, fixture_name: &str, wasi: &str, grants: &[&str]) -> PathBuf {
    let server = dir.join("server.wasm");
    let mut command = mcp();
    command.args(["compose", "--wasi", wasi, "-o"]).arg(&server);
    for grant in grants.iter().chain(&["none"]) {
        let name = grant.replace([':', '/'], "-");
        let copy = dir.join(format!("{name}.wasm"));
        fs::copy(fixture(fixture_name), &copy).unwrap();
        command.arg(&copy);
        command.args(["--prefix", &format!("{name}={name}-")]);
        if *grant != "none" {
            command.args(["--allow", &format!("{name}={grant}")]);
        }
    }
    expect_success(&mut command);
    server
}

/// A server whose chain has copies of a middleware, each with the grant that it is named after,
/// which answer tools of its own.
fn chain(dir: &Path, wasi: &str, grants: &[&str]) -> PathBuf {
    let server = dir.join("server.wasm");
    let mut command = mcp();
    command.args(["compose", "--wasi", wasi, "-o"]).arg(&server);
    command.arg(fixture("echo"));
    for grant in grants.iter().chain(&["none"]) {
        let copy = dir.join(format!("{grant}.wasm"));
        fs::copy(fixture("reach-middleware"), &copy).unwrap();
        let settings = format!("{grant}={{\"prefix\": \"{grant}-\"}}");
        command.arg("--middleware").arg(&copy);
        command.args(["--settings", &settings]);
        if *grant != "none" {
            command.args(["--allow", &format!("{grant}={grant}")]);
        }
    }
    expect_success(&mut command);
    server
}

/// Answers every connection with status 204; returns its address.
fn answering() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // A probe may connect without sending a request.
            let mut request = [0; 1024];
            if stream.read(&mut request).is_ok_and(|length| length > 0) {
                let answer = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
                stream.write_all(answer).unwrap();
            }
        }
    });
    address.to_string()
}

/// Calls every tool of every copy.
fn each_has_what_it_was_allowed(server: &Server, grants: &[&str], to: &str) {
    for feature in grants.iter().chain(&["none"]) {
        for (tool, allowed, refused) in ANSWERS {
            let call = rpc::call(&format!("{feature}-{tool}"), json!({ "to": to }));
            let answer = server.send(&call).json();
            let expected = match *feature == tool {
                true => allowed,
                false => refused,
            };
            assert_eq!(
                rpc::text(&answer),
                expected,
                "tool `{tool}` of the part with `{feature}`"
            );
        }
    }
}

#[test]
fn a_grant_gives_what_it_names_on_mcp_serve() {
    let grants = ["http", "key-value", "variables", "env"];
    let to = answering();
    for (name, wasi) in WASI_BUILDS {
        println!("{name} in {wasi}");
        let dir = TempDir::new().unwrap();
        let component = compose(dir.path(), name, wasi, &grants);
        let host = ["--allow-host", &to, "--variable", "greeting=hello"];
        let environment = ["--env", "GREETING=hello"];
        let server = Server::mcp(&component, &[&host[..], &environment].concat());
        each_has_what_it_was_allowed(&server, &grants, &to);
    }
}

/// A middleware has no more than a feature would have.
#[test]
fn a_grant_gives_middleware_what_it_names() {
    let grants = ["http", "key-value", "variables", "env"];
    let to = answering();
    for wasi in ["0.2", "0.3"] {
        println!("{wasi}");
        let dir = TempDir::new().unwrap();
        let component = chain(dir.path(), wasi, &grants);
        let host = ["--allow-host", &to, "--variable", "greeting=hello"];
        let environment = ["--env", "GREETING=hello"];
        let server = Server::mcp(&component, &[&host[..], &environment].concat());
        each_has_what_it_was_allowed(&server, &grants, &to);
    }
}

/// Files and sockets, which `mcp serve` never has.
#[test]
fn a_grant_gives_what_it_names_on_wasmtime() {
    let grants = ["http", "filesystem", "sockets", "env"];
    let to = answering();
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("note"), "hello").unwrap();
    let folder = format!("{}::/notes", folder.path().display());
    for (name, wasi) in WASI_BUILDS {
        println!("{name} in {wasi}");
        let dir = TempDir::new().unwrap();
        let component = compose(dir.path(), name, wasi, &grants);
        let host = ["-S", "cli,inherit-network,allow-ip-name-lookup"];
        let given = ["--dir", &folder, "--env", "GREETING=hello"];
        let server = Server::wasmtime(&component, &[&host[..], &given].concat());
        each_has_what_it_was_allowed(&server, &grants, &to);
    }
}

/// The imports of a server of the features with these grants, without `types`, which do
/// nothing by themselves.
fn imports(fixture_name: &str, wasi: &str, grants: &[&str]) -> Vec<String> {
    let dir = TempDir::new().unwrap();
    let server = compose(dir.path(), fixture_name, wasi, grants);
    let world = World::read(&fs::read(server).unwrap()).unwrap();
    let names = world.imports.into_iter().map(|import| import.name);
    let names = names.map(|name| name.split('@').next().unwrap().to_owned());
    names
        .filter(|name| !["wasi:http/types", "wasi:cli/types"].contains(&name.as_str()))
        .collect()
}

#[test]
fn a_server_imports_what_was_allowed_and_no_more() {
    let always = [
        "wasi:cli/stderr",
        "wasi:cli/stdin",
        "wasi:cli/stdout",
        "wasi:clocks/",
        "wasi:io/",
        "wasi:random/",
    ];
    let (http_0_2, http_0_3) = ("wasi:http/outgoing-handler", "wasi:http/client");
    let granted: [(&str, &[&str]); 8] = [
        ("none", &[]),
        ("http", &[http_0_2, http_0_3]),
        ("key-value", &["wasi:keyvalue/"]),
        ("variables", &["wasi:config/"]),
        ("filesystem", &["wasi:filesystem/"]),
        ("sockets", &["wasi:sockets/"]),
        ("env", &["wasi:cli/environment"]),
        ("fermyon:spin/sqlite", &["fermyon:spin/sqlite"]),
    ];
    for (name, wasi) in WASI_BUILDS {
        for (grant, expected) in granted {
            let grants = [grant];
            let grants = match grant {
                "none" => &[],
                _ => &grants[..],
            };
            let imported = imports(name, wasi, grants);
            let is =
                |import: &String, wanted: &[&str]| wanted.iter().any(|w| import.starts_with(w));
            let mut beyond = imported.iter().filter(|import| !is(import, &always));
            assert!(
                beyond.clone().all(|import| is(import, expected)),
                "{name} in {wasi} with `{grant}`: {imported:?}"
            );
            assert_eq!(
                beyond.next().is_some(),
                !expected.is_empty(),
                "{name} with `{grant}`"
            );
        }
    }
}

/// Features share what refuses: as many of them fit into a server as if nothing were refused.
#[test]
fn what_refuses_is_shared() {
    for (name, wasi) in WASI_BUILDS {
        let dir = TempDir::new().unwrap();
        let grants = ["http", "key-value", "variables", "env"];
        let server = compose(dir.path(), name, wasi, &grants);
        let inspected = expect_success(mcp().args(["inspect", "--json"]).arg(&server));
        let told: serde_json::Value = serde_json::from_slice(&inspected.stdout).unwrap();
        // The server, five features, what refuses, and the substitute for stdin of WASI 0.3.
        let memories = match name {
            "reach-async" => 8,
            _ => 7,
        };
        assert_eq!(told["size"]["memories"], memories, "{name} in {wasi}");
        let feature = &told["features"][0];
        assert_eq!(feature["allowed"][0]["grant"], "http");
        let refused: Vec<_> = feature["refused"].as_array().unwrap().iter().collect();
        let refused: Vec<_> = refused.iter().map(|refused| &refused["grant"]).collect();
        assert_eq!(
            refused,
            [
                "key-value",
                "variables",
                "filesystem",
                "sockets",
                "env",
                "fermyon:spin/sqlite"
            ],
        );
    }
}

/// Refusals are a part of the feature itself, where its module can do it all.
#[test]
fn most_features_refuse_by_themselves() {
    for (name, wasi, grants) in [
        ("echo", "0.2", &["wasi:cli"][..]),
        ("echo", "0.3", &["wasi:cli"]),
        ("echo-async", "0.3", &["wasi:cli"]),
        ("keyvalue", "0.2", &["key-value", "variables"]),
        ("keyvalue", "0.3", &["key-value", "variables"]),
    ] {
        let sizes = [&[][..], grants].map(|grants| {
            let dir = TempDir::new().unwrap();
            let server = dir.path().join("server.wasm");
            let mut command = mcp();
            command.args(["compose", "--wasi", wasi, "-o"]).arg(&server);
            for grant in grants {
                let feature = name.replace('-', "_");
                command.args(["--allow", &format!("{feature}={grant}")]);
            }
            expect_success(command.arg(fixture(name)));
            Size::of(&fs::read(server).unwrap()).unwrap()
        });
        let [refused, allowed] = sizes;
        assert_eq!(refused.memories, allowed.memories, "{name} in {wasi}");
        assert_eq!(
            refused.core_modules, allowed.core_modules,
            "{name} in {wasi}"
        );
    }
}
