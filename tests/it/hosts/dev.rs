//! `mcp dev`: what is edited is served at the same address, and nothing that works is given up.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use crate::support::{
    self, Server, fixture, mcp,
    rpc::{call, text},
};
use serde_json::json;

/// How long a build may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// An app with a feature that a build copies, and one that keeps state.
fn app(dir: &Path, wasi: &str) -> String {
    fs::create_dir(dir.join("sources")).unwrap();
    edit(dir, "levels");
    let manifest = format!(
        "spin_manifest_version = 2\n[application]\nname = \"app\"\n\
         [component.mcp]\nsource = \"mcp.wasm\"\nkey_value_stores = [\"default\"]\n\
         [component.mcp.tool.mcp]\nwasi = \"{wasi}\"\n\
         [component.mcp.tool.mcp.features.copied]\nsource = \"copied.wasm\"\nworkdir = \"sources\"\n\
         build = \"cp feature.in ../copied.wasm\"\n\
         [component.mcp.tool.mcp.features.state]\nsource = {:?}\nprefix = \"kv_\"\nallow = [\"key-value\", \"variables\"]\n",
        fixture("keyvalue")
    );
    fs::write(dir.join("spin.toml"), &manifest).unwrap();
    manifest
}

/// Makes the tool `deep` answer with this word of six letters.
fn edit(dir: &Path, word: &str) {
    let mut bytes = fs::read(fixture("misbehave")).unwrap();
    let mut found = 0;
    for start in 0..bytes.len() - 6 {
        if &bytes[start..start + 6] == b"levels" {
            found += 1;
            // The argument keeps its name.
            if &bytes[start + 6..start + 11] == b" deep" {
                bytes[start..start + 6].copy_from_slice(word.as_bytes());
            }
        }
    }
    assert!(found > 0, "the fixture answers in levels");
    fs::write(dir.join("sources/feature.in"), bytes).unwrap();
}

fn serve(dir: &Path) -> Server {
    let mut command = mcp();
    command
        .current_dir(dir)
        .args(["dev", "--listen", "127.0.0.1:0", "--timeout", "60"])
        // Native backtraces help nobody who edits a tool.
        .env("RUST_BACKTRACE", "1");
    Server::start(command)
}

fn deep(server: &Server) -> String {
    let answer = server.send(&call("deep", json!({"levels": 3}))).message();
    text(&answer).to_owned()
}

fn state(server: &Server, tool: &str) -> String {
    let arguments = json!({"key": "a", "value": "kept"});
    text(&server.send(&call(tool, arguments)).message()).to_owned()
}

/// Waits until the server answers so.
fn answers(server: &Server, expected: &str) {
    let deadline = Instant::now() + PATIENCE;
    while deep(server) != expected {
        assert!(Instant::now() < deadline, "it does not answer `{expected}`");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_edit_is_served_and_calls_in_progress_end() {
    for wasi in ["0.2", "0.3"] {
        let dir = tempfile::tempdir().unwrap();
        app(dir.path(), wasi);
        let mut server = serve(dir.path());
        assert_eq!(deep(&server), "3 levels deep");
        assert_eq!(state(&server, "kv_put"), "set");
        std::thread::scope(|scope| {
            let sleeping = scope.spawn(|| server.send(&call("sleep", json!({"ms": 20_123}))));
            // It has begun before the edit.
            std::thread::sleep(Duration::from_millis(300));
            edit(dir.path(), "floors");
            answers(&server, "3 floors deep");
            assert!(
                !sleeping.is_finished(),
                "the call ended before the edit was served"
            );
            let slept = sleeping.join().unwrap();
            assert_eq!(text(&slept.message()), "slept 20123 ms");
        });
        assert_eq!(state(&server, "kv_get"), "kept", "the stores stay");
        server.wait_for("build 2 serves after", PATIENCE);
        let output = server.output();
        assert!(output.contains("`sources/feature.in` changed"), "{output}");
        assert!(output.contains(" tools/call sleep 200 20"), "{output}");
        // Of the server, `deep` is unchanged: only the argument would have these digits.
        assert!(
            !output.contains("20123") && !output.contains("kept"),
            "{output}"
        );
        support::expect_success(Command::new("kill").args([
            "-s",
            "INT",
            &server.pid().to_string(),
        ]));
        assert!(server.wait(PATIENCE).success());
    }
}

#[test]
fn a_broken_edit_keeps_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = app(dir.path(), "0.2");
    let server = serve(dir.path());
    assert_eq!(deep(&server), "3 levels deep");
    let said = |text: &str| {
        server.wait_for(text, PATIENCE);
        assert_eq!(deep(&server), "3 levels deep");
    };

    fs::write(dir.path().join("sources/feature.in"), "no component").unwrap();
    said("build 1 goes on; waiting for a change");
    fs::write(
        dir.path().join("spin.toml"),
        manifest.replace("cp feature.in", "echo frames: $RUST_BACKTRACE; exit 3 #"),
    )
    .unwrap();
    said("error: the build command of feature `copied` failed: exit status: 3");
    assert!(
        server.output().contains("\nframes: 0\n"),
        "{}",
        server.output()
    );
    fs::write(dir.path().join("spin.toml"), "[component").unwrap();
    said("`spin.toml` changed");
    let count = |server: &Server| server.output().matches("build 1 goes on; waiting").count();
    let deadline = Instant::now() + PATIENCE;
    while count(&server) < 3 {
        assert!(Instant::now() < deadline, "{}", server.output());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(
        !server.output().contains("stack backtrace"),
        "{}",
        server.output()
    );

    fs::write(dir.path().join("spin.toml"), &manifest).unwrap();
    edit(dir.path(), "floors");
    answers(&server, "3 floors deep");
}

/// A client that connects too early waits for the first build that succeeds.
#[test]
fn the_first_build_may_fail() {
    let dir = tempfile::tempdir().unwrap();
    app(dir.path(), "0.2");
    fs::remove_file(dir.path().join("sources/feature.in")).unwrap();
    let server = serve(dir.path());
    server.wait_for("nothing is served until a build succeeds", PATIENCE);
    std::thread::scope(|scope| {
        let early = scope.spawn(|| deep(&server));
        edit(dir.path(), "floors");
        assert_eq!(early.join().unwrap(), "3 floors deep");
    });
}
