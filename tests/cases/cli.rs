//! What the commands print, pinned in `tests/cli/*.txt`.
//!
//! A case begins with lines of shell after `$ `, which run in an empty folder with `mcp` on
//! PATH, the fixtures in `$FIXTURES` and `tests/frozen` in `$FROZEN`. Then follow the exit code and what was written to
//! stdout and stderr. `BLESS=1 cargo test --test cases cli::` rewrites what follows the commands;
//! review the difference.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::support::{fixture, root, settle};

pub fn check(case: &Path) -> Result<(), String> {
    let fixtures = fixture("echo").parent().unwrap().to_path_buf();
    let expected = std::fs::read_to_string(case).unwrap();
    let actual = run(&expected, &fixtures);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(case, &actual).unwrap();
    } else if actual != expected {
        return Err(format!("{expected}\n--- but it was\n{actual}"));
    }
    Ok(())
}

/// Runs the commands of a case and gives the case as it should read.
fn run(case: &str, fixtures: &Path) -> String {
    let commands: Vec<&str> = case
        .lines()
        .map_while(|line| line.strip_prefix("$ "))
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let bin = Path::new(env!("CARGO_BIN_EXE_mcp")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &commands.join("\n")])
        .current_dir(dir.path())
        .env("PATH", path)
        .env("FIXTURES", fixtures)
        .env("FROZEN", root().join("tests/frozen"))
        .env("NO_COLOR", "1")
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap();
    let known = [(fixtures, "$FIXTURES"), (dir.path(), "$PWD")];
    let mut text = commands
        .iter()
        .fold(String::new(), |text, command| text + "$ " + command + "\n");
    writeln!(
        text,
        "exit {}",
        output.status.code().expect("it was not killed")
    )
    .unwrap();
    for (name, bytes) in [("stdout", output.stdout), ("stderr", output.stderr)] {
        let stream = settle(std::str::from_utf8(&bytes).unwrap(), &known);
        if !stream.is_empty() {
            write!(text, "[{name}]\n{stream}").unwrap();
        }
    }
    text
}
