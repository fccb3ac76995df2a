//! The README's console blocks do what they say.
//!
//! A block that follows `<!-- test -->` runs in an empty folder that holds the fixture
//! `echo.wasm`; what it shows below a command is what the command prints to stdout. Blocks
//! that follow `<!-- test: spin -->` continue each other in a folder of their own; where Spin
//! is not on PATH, this repository's own means stand in for `spin new`, `add` and `build`.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::template::{self, Template, share_target};
use crate::support::{
    self, Server, blocks, expect_success, fixture, outside_of_cargo, root, rpc, settle,
};
use serde_json::json;

/// How long `make run` may take to build what was not built before.
const PATIENCE: Duration = Duration::from_secs(900);

/// A folder with `mcp` in it and, where there is Spin, a `spin` whose plugin `mcp` that is.
fn commands(dir: &Path, spin: Option<&Path>) -> PathBuf {
    let bin = dir.join("bin");
    std::fs::create_dir(&bin).unwrap();
    let mcp = env!("CARGO_BIN_EXE_mcp");
    std::os::unix::fs::symlink(mcp, bin.join("mcp")).unwrap();
    if let Some(spin) = spin {
        let script = format!(
            "#!/bin/sh\nif [ \"$1\" = mcp ]; then shift; exec '{mcp}' \"$@\"; fi\nexec '{}' \"$@\"\n",
            spin.display()
        );
        std::fs::write(bin.join("spin"), script).unwrap();
        expect_success(Command::new("chmod").arg("+x").arg(bin.join("spin")));
    }
    bin
}

fn shell(command: &str, at: &Path, bin: &Path) -> String {
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("bash");
    shell
        .args(["-euo", "pipefail", "-c", command])
        .current_dir(at)
        .env("PATH", path)
        .env("NO_COLOR", "1");
    shell
        .env_remove("CARGO_TARGET_DIR")
        .env("XDG_DATA_HOME", bin.join("data"));
    let output = expect_success(outside_of_cargo(&mut shell));
    settle(std::str::from_utf8(&output.stdout).unwrap(), &[])
}

#[test]
fn blocks_without_an_app() {
    let blocks = blocks("README.md", "<!-- test -->");
    assert!(!blocks.is_empty());
    for block in blocks {
        let dir = tempfile::tempdir().unwrap();
        let bin = commands(dir.path(), None);
        std::fs::copy(fixture("echo"), dir.path().join("echo.wasm")).unwrap();
        for (command, output) in block {
            assert_eq!(shell(&command, dir.path(), &bin), output, "{command}");
        }
    }
}

#[test]
fn blocks_with_spin() {
    let blocks = blocks("README.md", "<!-- test: spin -->");
    assert!(!blocks.is_empty());
    let _turn = template::turn();
    let spin = support::spin("with `spin new`, `add` and `build`");
    let dir = tempfile::tempdir().unwrap();
    let bin = commands(dir.path(), spin.as_deref());
    if spin.is_some() {
        shell("mcp templates install", dir.path(), &bin);
    }
    let mut at = dir.path().to_path_buf();
    for (command, output) in blocks.into_iter().flatten() {
        let words: Vec<&str> = command.split(' ').collect();
        let made = match words.as_slice() {
            ["spin", "new" | "add", .., name] => Some(at.join(name)),
            _ => None,
        };
        match words.as_slice() {
            ["cd", to] => at.push(to),
            ["spin", "new", "-t", template, .., name] if spin.is_none() => {
                Template::named(template).new_app(name, &at.join(name));
            }
            ["spin", "add", "-t", template, .., name] if spin.is_none() => {
                Template::named(template).add(name, &at.join("spin.toml"));
            }
            ["spin", "build"] if spin.is_none() => drop(shell("mcp build", &at, &bin)),
            // What Spin itself prints is Spin's.
            ["spin", "new" | "add" | "build", ..] => drop(shell(&command, &at, &bin)),
            ["spin", "mcp", ..] => {
                let command = command.trim_start_matches("spin ");
                assert_eq!(shell(command, &at, &bin), output, "{command}");
            }
            _ => assert_eq!(shell(&command, &at, &bin), output, "{command}"),
        }
        // Spin makes nothing where there is anything.
        if let Some(made) = made {
            share_target(&made);
        }
    }
}

#[test]
fn make_run_serves_and_calls() {
    let free: SocketAddr = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap();
    let mut make = Command::new("make");
    make.args([
        "--no-print-directory",
        "run",
        &format!("PORT={}", free.port()),
    ])
    .current_dir(root());
    outside_of_cargo(&mut make);
    let server = Server::group(make, free, PATIENCE);
    server.wait_for("stays up", PATIENCE);
    let output = server.output();
    assert!(output.contains(r#""method":"tools/call""#), "{output}");
    assert!(output.contains(r#""text":"3""#), "{output}");
    let answer = server
        .send(&rpc::call("add", json!({"a": 2, "b": 3})))
        .json();
    assert_eq!(rpc::text(&answer), "5");
}
