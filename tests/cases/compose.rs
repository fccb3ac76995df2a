//! Composing. Each folder of `tests/cases/compose` is a case:
//!
//! - `command`: the arguments of `mcp compose`. A word such as `echo.wasm` is the fixture of
//!   that name, `lists-trap.wasm` the fixture `lists` with its list `trap`, `echo-7.wasm` a copy,
//!   `half-echo.wasm` its first half, and `x.wasm` the text `x.wat` of the case.
//! - what comes of it: `error.txt`; or `server.txt`, which is what `mcp inspect` says without
//!   sizes and digests, and `notes.txt`, what was said on stderr, if anything was
//!
//! `BLESS=1` writes the last ones, for review.

use std::fs;
use std::path::Path;

use crate::support::{self, fixture, fixture_with_list, mcp};

pub fn check(case: &Path) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let command = fs::read_to_string(case.join("command")).unwrap();
    let words: Vec<_> = command.split_whitespace().collect();
    for word in words
        .iter()
        .filter(|word| word.ends_with(".wasm") && **word != "server.wasm")
    {
        if let Some(bytes) = component(case, word) {
            fs::write(dir.path().join(word), bytes).unwrap();
        }
    }
    let output = mcp()
        .current_dir(dir.path())
        .arg("compose")
        .args(&words)
        .output()
        .unwrap();
    let server = dir.path().join("server.wasm");
    let stderr = without_positions(&String::from_utf8(output.stderr).unwrap());
    let mut outcome = Vec::new();
    if output.status.success() {
        let inspected = support::expect_success(mcp().arg("inspect").arg(&server));
        let inspected = String::from_utf8(inspected.stdout).unwrap();
        outcome.push(("server.txt", without_sizes(&inspected)));
        if !stderr.is_empty() {
            outcome.push(("notes.txt", stderr));
        }
    } else {
        assert!(
            !server.exists(),
            "{}: a failure left a server behind",
            case.display()
        );
        outcome.push(("error.txt", stderr));
    }
    let mut different = String::new();
    for file in ["error.txt", "server.txt", "notes.txt"] {
        let actual = outcome.iter().find(|(name, _)| *name == file);
        let actual = actual.map(|(_, text)| text);
        let path = case.join(file);
        let expected = fs::read_to_string(&path).ok();
        if actual == expected.as_ref() {
            continue;
        }
        if std::env::var_os("BLESS").is_some() {
            match actual {
                Some(text) => fs::write(&path, text).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
        } else {
            different += &format!(
                "-- {file} expected:\n{}\n-- {file} is:\n{}\n",
                expected.as_deref().unwrap_or("(no such file)"),
                actual.map_or("(none)", String::as_str)
            );
        }
    }
    if different.is_empty() {
        Ok(())
    } else {
        Err(different)
    }
}

/// The bytes that a word of a command stands for; none for a file that shall be missing.
fn component(case: &Path, word: &str) -> Option<Vec<u8>> {
    let name = word.trim_end_matches(".wasm");
    if name == "missing" {
        return None;
    }
    if let Ok(text) = fs::read(case.join(format!("{name}.wat"))) {
        return Some(wat::parse_bytes(&text).unwrap().into_owned());
    }
    if let Ok(bytes) = fs::read(case.join(word)) {
        return Some(bytes);
    }
    if let Some(list) = name.strip_prefix("lists-") {
        return Some(fixture_with_list(list));
    }
    if let Some(name) = name.strip_prefix("half-") {
        let mut bytes = read(name);
        bytes.truncate(bytes.len() / 2);
        return Some(bytes);
    }
    let copy = name
        .rsplit_once('-')
        .filter(|(_, number)| number.parse::<u32>().is_ok());
    Some(read(copy.map_or(name, |(name, _)| name)))
}

fn read(name: &str) -> Vec<u8> {
    fs::read(fixture(name)).unwrap()
}

/// What was printed, without the lines of code at which a fixture panicked.
fn without_positions(stderr: &str) -> String {
    stderr
        .split_inclusive('\n')
        .map(|line| match line.split_once(" panicked at ") {
            Some((thread, _)) => format!("{thread} panicked\n"),
            None => line.to_owned(),
        })
        .collect()
}

/// What `mcp inspect` says, without what changes with every compiler.
fn without_sizes(inspected: &str) -> String {
    let mut lines: Vec<_> = inspected.lines().map(str::to_owned).collect();
    lines.retain(|line| !line.contains(" core modules, "));
    for line in &mut lines {
        if let Some(at) = line.find(" (sha256 ") {
            line.truncate(at);
        }
    }
    lines.join("\n") + "\n"
}
