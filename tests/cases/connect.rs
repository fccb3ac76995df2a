//! What `mcp connect` makes of clients' files.
//!
//! A case has a file `command`: arguments of `mcp connect` for an app called `app`. `before` is
//! the home folder of the user before that, in which `app` is the folder of the app, and `after`
//! what differs then. `output` is what the command prints, and its exit code. `BLESS=1` rewrites
//! `after` and `output`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{mcp, settle};

type Files = BTreeMap<PathBuf, String>;

pub fn check(case: &Path) -> Result<(), String> {
    let home = tempfile::tempdir().unwrap();
    // Spelled as the command finds it.
    let top = home.path().canonicalize().unwrap();
    let before = files(&case.join("before"));
    write(&top, &before);
    let app = top.join("app");
    fs::create_dir_all(&app).unwrap();
    fs::write(app.join("mcp.wasm"), "").unwrap();
    let manifest = "spin_manifest_version = 2\n[application]\nname = \"app\"\n\
                    [component.mcp]\nsource = \"mcp.wasm\"\n\
                    [component.mcp.tool.mcp.features.text]\nsource = \"text.wasm\"\n";
    fs::write(app.join("spin.toml"), manifest).unwrap();
    let command = fs::read_to_string(case.join("command")).unwrap();
    let mut connect = mcp();
    connect
        .arg("connect")
        .args(command.lines())
        .current_dir(&app)
        .env("HOME", &top)
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("CODEX_HOME");
    let output = connect.output().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_mcp"));
    let known = [(program, "$MCP"), (&*top, "$HOME")];
    let shown = |text: &str| settle(text, &known);
    let printed = format!(
        "exit {}\n{}{}",
        output.status.code().unwrap(),
        shown(&String::from_utf8(output.stdout).unwrap()),
        shown(&String::from_utf8(output.stderr).unwrap())
    );
    let own = ["app/mcp.wasm", "app/spin.toml"].map(PathBuf::from);
    let mut after: Files = files(&top)
        .into_iter()
        .filter(|(path, text)| !own.contains(path) && before.get(path) != Some(text))
        .map(|(path, text)| (path, shown(&text)))
        .collect();
    after.insert("output".into(), printed);
    let mut expected = files(&case.join("after"));
    let output = fs::read_to_string(case.join("output")).unwrap_or_default();
    expected.insert("output".into(), output);
    if std::env::var_os("BLESS").is_some() {
        let _ = fs::remove_dir_all(case.join("after"));
        let output = after.remove(Path::new("output")).unwrap();
        fs::write(case.join("output"), output).unwrap();
        write(&case.join("after"), &after);
        return Ok(());
    }
    match after == expected {
        true => Ok(()),
        false => Err(format!("{expected:#?}\n--- but it was\n{after:#?}")),
    }
}

/// All files in a folder, by their path in it.
fn files(top: &Path) -> Files {
    let mut found = Files::new();
    let mut folders = vec![top.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(top).unwrap().to_owned();
                found.insert(name, fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}

fn write(top: &Path, files: &Files) {
    for (name, text) in files {
        let path = top.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}
