//! What the whole-program tests share: fixtures, servers as processes, a client that can
//! misbehave.

mod app;
mod blocks;
pub mod example;
pub mod feature;
pub mod fixture;
pub mod fleet;
pub mod http;
pub mod probe;
pub mod python;
pub mod registry;
pub mod rounds;
pub mod rpc;
pub mod server;
mod settle;
pub mod stateful;
pub mod stdio;
pub mod stream;
pub mod template;
mod tools;
pub mod typescript;
pub mod web;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub use app::{App, middleware};
pub use blocks::blocks;
pub use fixture::{fixture, fixture_with_list};
pub use http::{Request, Response};
pub use server::{Server, Shared};
pub use settle::settle;
pub use stdio::Stdio;
pub use stream::Stream;
pub(crate) use tools::needs;
pub use tools::{lacks, provided, spin, wasmtime, wasmtime_config};

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

/// Removes the variables that Cargo sets for tests: a Cargo in the command would take them for a
/// change, and build everything again.
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

/// Runs a command to its end and returns its output; fails the test if the command failed.
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
