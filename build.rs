//! Builds the components of the framework, and lists the templates: the plugin carries both
//! inside itself.
//!
//! `SPIN_MCP_FRAMEWORK` names a folder that already holds the built components, so that a
//! machine without the wasm target can build the plugin. An empty value embeds empty files: what
//! only checks the code needs no components.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

const TARGET: &str = "wasm32-wasip2";

fn main() {
    for path in ["framework", "templates", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    contract(&root, &out);
    templates(&root, &out);
    println!("cargo::rerun-if-env-changed=SPIN_MCP_FRAMEWORK");
    let ready = env::var_os("SPIN_MCP_FRAMEWORK").map(PathBuf::from);
    // Not the workspace's own target folder: cargo holds its lock while this runs.
    let target = out.join("framework");
    let parts = [
        ("server", None),
        ("server", Some("whole")),
        ("server", Some("transport")),
        ("server", Some("hub")),
        ("server", Some("sequence")),
        ("request", None),
    ];
    let middleware = ["audit", "filter", "rate-limit", "validate"];
    let parts = parts.into_iter().chain(middleware.map(|name| (name, None)));
    for wasi in ["0.2", "0.3"] {
        for (name, variant) in parts.clone() {
            let file = match variant {
                Some(variant) => format!("{name}-{wasi}-{variant}.wasm"),
                None => format!("{name}-{wasi}.wasm"),
            };
            let wasm = match &ready {
                Some(dir) if dir.as_os_str().is_empty() => {
                    fs::write(out.join(&file), []).expect("OUT_DIR can be written");
                    continue;
                }
                Some(dir) => dir.join(&file),
                None => component(&root, &target, name, wasi, variant),
            };
            fs::copy(&wasm, out.join(file))
                .unwrap_or_else(|error| panic!("cannot copy {}: {error}", wasm.display()));
        }
    }
}

/// Joins the files of the WIT package into one text.
fn contract(root: &Path, out: &Path) {
    let mut files: Vec<_> = fs::read_dir(root.join("framework/wit"))
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.path()))
                .collect::<Result<_, std::io::Error>>()
        })
        .expect("framework/wit can be read");
    files.sort();
    let mut joined = "package spin-mcp:server@0.1.0;\n".to_owned();
    for file in files
        .iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "wit"))
    {
        let text = fs::read_to_string(file).expect("a file of framework/wit can be read");
        let (_, body) = text
            .split_once(";\n")
            .expect("each file begins with its package");
        joined.push_str(body);
    }
    fs::write(out.join("server.wit"), joined).expect("OUT_DIR can be written");
}

/// Lists the files of the templates for `include!`, each with its path and its bytes.
fn templates(root: &Path, out: &Path) {
    let dir = root.join("templates");
    let mut found = vec![];
    files(&dir, &mut found);
    found.sort();
    let entries = found.iter().map(|file| {
        let name = file.strip_prefix(&dir).expect("it is in the folder");
        let name = name.to_str().expect("a path in UTF-8").replace('\\', "/");
        format!("({name:?}, include_bytes!({file:?})),\n")
    });
    let list = format!("&[\n{}]\n", entries.collect::<String>());
    fs::write(out.join("templates.rs"), list).expect("OUT_DIR can be written");
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("templates can be read") {
        let path = entry.expect("templates can be read").path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

/// Builds a part for an edition, and in a variant: a cargo feature of its package.
fn component(root: &Path, target: &Path, name: &str, wasi: &str, variant: Option<&str>) -> PathBuf {
    let package = format!("spin-mcp-{name}");
    let mut features = format!("wasi-{}", wasi.replace('.', "-"));
    if let Some(variant) = variant {
        features = format!("{features},{variant}");
    }
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo sets it"));
    cargo
        .current_dir(root)
        .args([
            "build",
            "--quiet",
            "--profile",
            "component",
            "--target",
            TARGET,
        ])
        .args(["--package", &package, "--features", &features])
        .arg("--target-dir")
        .arg(target);
    // What cargo and clippy set for this build must not leak into that one.
    for variable in [
        "CARGO_ENCODED_RUSTFLAGS",
        "RUSTFLAGS",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "CARGO_TARGET_DIR",
    ] {
        cargo.env_remove(variable);
    }
    let status = cargo.status().expect("cargo can be started");
    assert!(
        status.success(),
        "cannot build {package} for {TARGET}; if the target is missing, run scripts/wasm-target.sh"
    );
    target
        .join(TARGET)
        .join("component")
        .join(format!("{}.wasm", package.replace('-', "_")))
}
