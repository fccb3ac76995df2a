//! What the whole-program tests share: fixtures, servers as processes, a client that can
//! misbehave.

// Each test binary uses another part of this.
#![allow(dead_code, unused_imports)]

pub mod app;
mod blocks;
pub mod feature;
pub mod fixture;
pub mod http;
pub mod registry;
pub mod rpc;
pub mod server;
mod settle;
pub mod stateful;
pub mod stdio;
pub mod stream;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub use app::App;
pub use blocks::blocks;
pub use fixture::fixture;
pub use http::{Request, Response};
pub use server::{Server, Shared};
pub use settle::settle;
pub use stdio::Stdio;
pub use stream::Stream;

/// The package's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The plugin's binary, as on a user's machine, but without colour.
pub fn mcp() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcp"));
    command.env("NO_COLOR", "1").env_remove("RUST_BACKTRACE");
    command.env(
        "XDG_CACHE_HOME",
        concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"),
    );
    command
}

/// Takes from a command what Cargo tells tests: a Cargo inside of it would take that for a
/// change, and build again what it has built.
pub fn outside_of_cargo(command: &mut Command) -> &mut Command {
    let told = [
        "CARGO_BIN_",
        "CARGO_CRATE_",
        "CARGO_MANIFEST_",
        "CARGO_PKG_",
        "CARGO_PRIMARY_",
    ];
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if ["CARGO", "OUT_DIR"].contains(&&*name)
            || told.iter().any(|prefix| name.starts_with(prefix))
        {
            command.env_remove(&variable);
        }
    }
    command
}

/// Composes a server of these features in `dir`.
pub fn compose(dir: &Path, wasi: &str, features: &[PathBuf]) -> PathBuf {
    compose_for("spin", dir, wasi, features)
}

/// The same for a runtime of `--runtime`.
pub fn compose_for(runtime: &str, dir: &Path, wasi: &str, features: &[PathBuf]) -> PathBuf {
    let server = dir.join(format!("server-{wasi}.wasm"));
    let mut command = mcp();
    command
        .args(["compose", "--runtime", runtime, "--wasi", wasi, "-o"])
        .arg(&server)
        .args(features);
    expect_success(&mut command);
    server
}

/// Composes a server of one feature that has these grants.
pub fn compose_allowing(dir: &Path, wasi: &str, feature: &Path, grants: &[&str]) -> PathBuf {
    let server = dir.join(format!("server-{wasi}.wasm"));
    let name = feature.file_stem().unwrap().display();
    let mut command = mcp();
    command.args(["compose", "--wasi", wasi, "-o"]).arg(&server);
    for grant in grants {
        command.args(["--allow", &format!("{name}={grant}")]);
    }
    expect_success(command.arg(feature));
    server
}

/// Runs a command to its end and gives its output; fails the test if the command failed.
pub fn expect_success(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed with {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    output
}

/// The Wasmtime CLI that `scripts/wasmtime-cli.sh` provides.
pub fn wasmtime() -> PathBuf {
    let output = expect_success(&mut Command::new(root().join("scripts/wasmtime-cli.sh")));
    PathBuf::from(
        String::from_utf8(output.stdout)
            .expect("a path in UTF-8")
            .trim(),
    )
}

/// Spin, if `SPIN_BIN_PATH` names it or it is on PATH. If not, says which test does without
/// it, past the capture of test output.
pub fn spin(test: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|dir| dir.join("spin"));
    let named = std::env::var_os("SPIN_BIN_PATH").map(PathBuf::from);
    let found = named.into_iter().chain(on_path).find(|spin| spin.is_file());
    if found.is_none() {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: {test} (`spin` is not on PATH, and SPIN_BIN_PATH does not name it)"
        );
    }
    found
}
