//! Reading and editing `spin.toml`. Each folder of `tests/cases/app` is a case:
//!
//! - `spin.toml`: the manifest, if the app has one
//! - `command`: `read` or `edit`, then `--component-id ID` if given, then, for `edit`,
//!   component files to add as features (they are made, empty)
//! - what comes of it: `error.txt`; or `app.txt`, the app that was read; or `expected.toml`
//!   and `changes.txt`, the manifest after editing and what is said of it
//!
//! `BLESS=1` writes the last ones, for review.

use std::fs;
use std::path::Path;

use anyhow::Result;
use spin_mcp::app::{App, Manifest};
use spin_mcp::registry::Source;

pub fn check(case: &Path) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let manifest = dir.path().join("spin.toml");
    if case.join("spin.toml").exists() {
        fs::copy(case.join("spin.toml"), &manifest).unwrap();
    }
    let command = fs::read_to_string(case.join("command")).unwrap();
    let mut words: Vec<&str> = command.split_whitespace().collect();
    let verb = words.remove(0);
    let component = match words.first() {
        Some(&"--component-id") => words.drain(..2).nth(1),
        _ => None,
    };

    let outcome = match verb {
        "read" => App::load(&manifest, component)
            .map(|app| vec![("app.txt", format!("{app:#?}\n").into_bytes())]),
        "edit" => edit(&manifest, component, &words),
        other => panic!("unknown command `{other}`"),
    };
    let outcome = outcome.unwrap_or_else(|e| vec![("error.txt", format!("{e:#}\n").into_bytes())]);

    let prefix = format!("{}/", dir.path().display());
    let mut different = String::new();
    for file in ["error.txt", "app.txt", "changes.txt", "expected.toml"] {
        let actual = outcome.iter().find(|(name, _)| *name == file);
        let actual = actual.map(|(_, bytes)| {
            let text = String::from_utf8(bytes.clone()).unwrap();
            text.replace(&prefix, "")
                .replace(prefix.trim_end_matches('/'), ".")
        });
        let path = case.join(file);
        let expected = fs::read_to_string(&path).ok();
        if actual == expected {
            continue;
        }
        if std::env::var_os("BLESS").is_some() {
            match &actual {
                Some(text) => fs::write(&path, text).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
        } else {
            let (expected, actual) = (expected.as_deref(), actual.as_deref());
            different += &format!(
                "-- {file} expected:\n{}\n-- {file} is:\n{}\n",
                expected.unwrap_or("(no such file)"),
                actual.unwrap_or("(none)")
            );
        }
    }
    match different.is_empty() {
        true => Ok(()),
        false => Err(different),
    }
}

/// Edits twice: the first time must keep every byte that was there, the second time must
/// find nothing to do.
fn edit(
    manifest: &Path,
    component: Option<&str>,
    files: &[&str],
) -> Result<Vec<(&'static str, Vec<u8>)>> {
    let dir = manifest.parent().unwrap();
    for file in files.iter().filter(|file| !file.starts_with("missing")) {
        let file = dir.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "").unwrap();
    }
    let before = fs::read(manifest).unwrap_or_default();
    let run = || -> Result<Vec<String>> {
        let mut edited = match manifest.exists() {
            true => Manifest::open(manifest)?,
            false => Manifest::create(manifest, "my-app"),
        };
        let id = edited.ensure_server(component)?;
        for file in files {
            edited.add_feature(&id, &Source::File(dir.join(file)))?;
        }
        edited.app(Some(&id))?;
        assert_eq!(
            fs::read(manifest).unwrap_or_default(),
            before,
            "written before `save`"
        );
        edited.save()?;
        Ok(edited.changes().to_vec())
    };
    let changes = run()?;
    let after = fs::read(manifest).unwrap();
    assert!(is_kept(&before, &after), "bytes were lost");

    let mut again = Manifest::open(manifest)?;
    let id = again.ensure_server(component)?;
    for file in files {
        again.add_feature(&id, &Source::File(dir.join(file)))?;
    }
    assert_eq!(
        again.changes(),
        [] as [String; 0],
        "the second run changes something"
    );
    assert_eq!(again.text().as_bytes(), after);
    Ok(vec![
        (
            "changes.txt",
            changes
                .iter()
                .flat_map(|c| format!("{c}\n").into_bytes())
                .collect(),
        ),
        ("expected.toml", after),
    ])
}

/// Whether `before` is what remains of `after` when insertions are taken out.
fn is_kept(before: &[u8], after: &[u8]) -> bool {
    let mut rest = after.iter();
    before.iter().all(|byte| rest.any(|other| other == byte))
}
