//! What `docs/hosts.md` shows, it does.
//!
//! Blocks that follow `<!-- test -->` continue each other in a folder that holds the fixture
//! `echo.wasm`. Commands after `<!-- test: serve -->` serve what they wrote, each by itself; those
//! of the client's configuration do so on stdio.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{
    self, Server, blocks, expect_success, fixture, provided, root, rpc, settle, wasmtime_config,
};
use serde_json::{Value, json};

const PAGE: &str = "docs/hosts.md";

/// A folder with the files that the page's commands write, and the commands themselves.
struct Place {
    dir: tempfile::TempDir,
    spin: Option<PathBuf>,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let spin = support::spin("on Spin");
        let bin = dir.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        let mcp = PathBuf::from(env!("CARGO_BIN_EXE_mcp"));
        let wasmtime = provided("wasmtime-cli").expect("a Wasmtime CLI");
        let spin_link = spin.iter().map(|spin| ("spin", spin));
        for (name, program) in [("mcp", &mcp), ("wasmtime", &wasmtime)]
            .into_iter()
            .chain(spin_link)
        {
            std::os::unix::fs::symlink(program, bin.join(name)).unwrap();
        }
        std::fs::copy(fixture("echo"), dir.path().join("echo.wasm")).unwrap();
        let place = Place { dir, spin };
        for (command, expected) in blocks(PAGE, "<!-- test -->").concat() {
            let mut shell = place.command("bash");
            let output = expect_success(shell.args(["-euo", "pipefail", "-c", &command]));
            let output = settle(std::str::from_utf8(&output.stdout).unwrap(), &[]);
            assert_eq!(output, expected, "{command}");
        }
        place
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn command(&self, program: &str) -> Command {
        let bin = self.path().join("bin");
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let mut command = match bin.join(program) {
            ours if ours.exists() => Command::new(ours),
            _ => Command::new(program),
        };
        command
            .current_dir(self.path())
            .env("PATH", path)
            .env("XDG_CONFIG_HOME", wasmtime_config())
            .env("NO_COLOR", "1");
        command
    }
}

#[test]
fn commands_serve() {
    let place = Place::new();
    let commands = blocks(PAGE, "<!-- test: serve -->").concat();
    assert_eq!(commands.len(), 4);
    for (text, _) in commands {
        let words: Vec<&str> = text.split(' ').collect();
        let server = match (words.as_slice(), &place.spin) {
            (["spin", "up", "--from", from], Some(spin)) => {
                Server::spin(spin, &place.path().join(from), place.path())
            }
            (["spin", ..], _) => continue,
            ([program @ ("wasmtime" | "mcp"), "serve", more @ ..], _) => {
                let mut command = place.command(program);
                let flag = if *program == "mcp" {
                    "--listen"
                } else {
                    "--addr"
                };
                command.args(["serve", flag, "127.0.0.1:0"]).args(more);
                Server::start(command)
            }
            _ => panic!("`{text}` does not serve"),
        };
        let answer = server
            .send(&rpc::call("echo", json!({"message": "hello"})))
            .json();
        assert_eq!(rpc::text(&answer), "hello", "{text}");
    }
}

#[test]
fn desktop_clients_start_servers() {
    let place = Place::new();
    let page = std::fs::read_to_string(root().join(PAGE)).unwrap();
    let (_, block) = page
        .split_once("<!-- test: desktop -->\n```json\n")
        .unwrap();
    let config: Value = serde_json::from_str(block.split_once("```").unwrap().0).unwrap();
    let input = place.path().join("input");
    std::fs::write(&input, rpc::call("echo", json!({"message": "hello"})).body).unwrap();
    let servers = config["mcpServers"].as_object().unwrap();
    assert_eq!(servers.len(), 2);
    for (name, server) in servers {
        let arguments = server["args"].as_array().unwrap().iter();
        let mut command = place.command(server["command"].as_str().unwrap());
        command.args(arguments.map(|argument| argument.as_str().unwrap()));
        command.stdin(Stdio::from(std::fs::File::open(&input).unwrap()));
        let output = expect_success(&mut command);
        let answer = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(rpc::text(&answer), "hello", "{name}");
    }
}
