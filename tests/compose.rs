//! Composing. Each folder of `tests/cases/compose` is a case:
//!
//! - `command`: the arguments of `mcp compose`. A word such as `echo.wasm` is the fixture of
//!   that name, `lists-trap.wasm` the fixture `lists` with its list `trap`, `echo-7.wasm` a copy,
//!   `half-echo.wasm` its first half, and `x.wasm` the text `x.wat` of the case.
//! - what comes of it: `error.txt`; or `server.txt`, which is what `mcp inspect` says without
//!   sizes and digests, and `notes.txt`, what was said on stderr, if anything was
//!
//! `BLESS=1` writes the last ones, for review.

mod support;

use std::fs;
use std::path::Path;

use serde_json::json;
use support::{fixture, mcp};

#[test]
fn cases() {
    let cases = support::root().join("tests/cases/compose");
    let mut failures = Vec::new();
    let mut count = 0;
    for case in fs::read_dir(&cases).unwrap() {
        let case = case.unwrap().path();
        count += 1;
        if let Err(difference) = check(&case) {
            failures.push(format!(
                "== {}\n{difference}",
                case.file_name().unwrap().display()
            ));
        }
    }
    assert!(count > 20, "only {count} cases in `{}`", cases.display());
    failures.sort();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn check(case: &Path) -> Result<(), String> {
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
        return Some(with_list(list));
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

/// The fixture `lists` with this list.
fn with_list(list: &str) -> Vec<u8> {
    let mut bytes = read("lists");
    let mark = format!("{:<24}", "LIST:fine");
    let at = bytes
        .windows(24)
        .position(|bytes| bytes == mark.as_bytes())
        .expect("the fixture holds its mark");
    bytes[at..at + 24].copy_from_slice(format!("LIST:{list:<19}").as_bytes());
    bytes
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

#[test]
fn the_same_features_give_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    for wasi in ["0.2", "0.3"] {
        let compose = |name: &str| {
            let output = dir.path().join(name).join("server.wasm");
            fs::create_dir_all(output.parent().unwrap()).unwrap();
            let mut command = mcp();
            command.args(["compose", "--wasi", wasi]).args([
                fixture("echo"),
                fixture("conformance"),
                fixture("lists"),
            ]);
            support::expect_success(command.arg("-o").arg(&output));
            fs::read(output).unwrap()
        };
        assert!(
            compose("one") == compose("two"),
            "two runs for WASI {wasi} differ"
        );
    }
}

#[test]
fn a_server_tells_machines_what_it_offers() {
    let dir = tempfile::tempdir().unwrap();
    let features = [fixture("library-async"), fixture("prompts")];
    let server = support::compose(dir.path(), "0.3", &features);
    let inspected = support::expect_success(mcp().args(["inspect", "--json"]).arg(&server));
    let told: serde_json::Value = serde_json::from_slice(&inspected.stdout).unwrap();
    assert_eq!(told["store"], "default");
    let [library, prompts] = &told["features"].as_array().unwrap()[..] else {
        panic!("not two features: {told}");
    };
    assert_eq!(library["state"], json!(["resource-updated"]));
    assert_eq!(library["resources"][0]["uri"], "book:///");
    let template = &library["resourceTemplates"][0];
    assert_eq!(template["uriTemplate"], "book:///{title}");
    assert_eq!(
        (&prompts["state"], &prompts["resources"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(
        prompts["prompts"][1],
        json!({
            "name": "part",
            "description": "Says goodbye to somebody",
            "arguments": ["name"],
        })
    );
}

#[test]
fn a_failure_keeps_the_server_that_was_there() {
    let dir = tempfile::tempdir().unwrap();
    let server = dir.path().join("server.wasm");
    fs::write(&server, "the server that was there").unwrap();
    let feature = dir.path().join("bad.wasm");
    fs::write(&feature, with_list("bad-name")).unwrap();
    let output = mcp()
        .arg("compose")
        .arg(&feature)
        .arg("-o")
        .arg(&server)
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert_eq!(
        fs::read_to_string(&server).unwrap(),
        "the server that was there"
    );
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        2,
        "something was left behind"
    );
}

#[test]
fn an_app_is_composed_as_its_manifest_says() {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(fixture("echo"), dir.path().join("echo.wasm")).unwrap();
    fs::copy(fixture("lists"), dir.path().join("lists.wasm")).unwrap();
    let compose = |arguments: &[&str]| {
        let mut command = mcp();
        support::expect_success(
            command
                .current_dir(dir.path())
                .arg("compose")
                .args(arguments),
        )
        .stdout
    };
    let first = String::from_utf8(compose(&["echo.wasm", "lists.wasm"])).unwrap();
    assert!(
        first.contains("spin.toml: routed `/mcp` to component `mcp`"),
        "{first}"
    );
    let written = fs::read_to_string(dir.path().join("spin.toml")).unwrap();
    let server = fs::read(dir.path().join("mcp.wasm")).unwrap();
    let again = String::from_utf8(compose(&[])).unwrap();
    assert!(!again.contains("spin.toml"), "{again}");
    assert_eq!(
        fs::read_to_string(dir.path().join("spin.toml")).unwrap(),
        written
    );
    assert!(
        fs::read(dir.path().join("mcp.wasm")).unwrap() == server,
        "the same app gave another server"
    );
}

#[test]
fn a_store_is_given_to_a_server_that_needs_one() {
    let dir = tempfile::tempdir().unwrap();
    let in_app = |verb: &str| {
        let mut command = mcp();
        command.current_dir(dir.path()).arg(verb);
        command
    };
    let manifest = dir.path().join("spin.toml");
    fs::copy(fixture("conformance"), dir.path().join("feature.wasm")).unwrap();
    let first = support::expect_success(in_app("compose").arg("feature.wasm"));
    let first = String::from_utf8(first.stdout).unwrap();
    assert!(
        first.contains("spin.toml: gave component `mcp` the key-value store `default`"),
        "{first}"
    );
    let written = fs::read_to_string(&manifest).unwrap();
    let given = "key_value_stores = [\"default\"]\n";
    assert!(written.contains(given), "{written}");

    let server = dir.path().join("mcp.wasm");
    for verb in ["compose", "build"] {
        fs::remove_file(&server).unwrap();
        support::expect_success(&mut in_app(verb));
        assert_eq!(fs::read_to_string(&manifest).unwrap(), written);
    }

    fs::remove_file(&server).unwrap();
    let other = written.replace(given, "key_value_stores = [\"other\"]\n");
    fs::write(&manifest, &other).unwrap();
    for verb in ["compose", "build"] {
        let output = in_app(verb).output().unwrap();
        assert!(!output.status.success());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            error.contains(
                "write `key_value_stores = [\"other\", \"default\"]` under `[component.mcp]`"
            ),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&manifest).unwrap(), other);
        assert!(!server.exists(), "a refused server was written");
    }
}
