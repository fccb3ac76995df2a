//! Lists the templates: the plugin carries them inside itself.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// What is found below a folder: files with their paths, and the folders that are an SDK with its name.
#[derive(Default)]
struct Found {
    files: Vec<(String, PathBuf)>,
    sdks: Vec<(String, String)>,
}

fn main() {
    let mut root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    if !root.join("templates").is_dir() {
        // A package of crates.io.
        root.push("packed");
    }
    // Templates link to the SDKs.
    for read in ["templates", "sdk", "framework/wit", "crates/runner/wit"] {
        let path = root.join(read);
        if path.exists() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    let mut found = Found::default();
    find(&root.join("templates"), "", &mut found);
    // Folder by folder: `mcp-tool` comes before `mcp-tool-python`.
    found
        .files
        .sort_by(|one, other| one.0.split('/').cmp(other.0.split('/')));
    found.sdks.sort();
    let files = found
        .files
        .iter()
        .map(|(name, file)| format!("({name:?}, include_bytes!({file:?})),\n"));
    let sdks = found.sdks.iter().map(|entry| format!("{entry:?},\n"));
    for (name, list) in [
        ("templates.rs", files.collect::<String>()),
        ("sdks.rs", sdks.collect()),
    ] {
        fs::write(out.join(name), format!("&[\n{list}]\n")).expect("OUT_DIR can be written");
    }
}

/// Adds what is in a folder, whose path in the list is `name`.
fn find(dir: &Path, name: &str, found: &mut Found) {
    for entry in fs::read_dir(dir).expect("templates can be read") {
        let entry = entry.expect("templates can be read");
        let (mut path, file) = (entry.path(), entry.file_name());
        let name = format!("{name}{}", file.to_str().expect("a path in UTF-8"));
        if let Some(link) = link(&path) {
            path = dir.join(&link);
            let sdk = link.split('/').skip_while(|part| *part != "sdk").nth(1);
            if let (Some(sdk), true) = (sdk, path.is_dir()) {
                found.sdks.push((format!("{name}/"), sdk.to_owned()));
            }
        }
        match path.is_dir() {
            // Python leaves it where it ran.
            true if name.ends_with("__pycache__") => {}
            true => find(&path, &format!("{name}/"), found),
            false => found.files.push((name, path)),
        }
    }
}

/// Where a file leads to. It is a link, or its text is the path: in packages, and in checkouts of
/// Windows without `core.symlinks`.
fn link(path: &Path) -> Option<String> {
    if let Ok(link) = fs::read_link(path) {
        return Some(link.to_str().expect("a path in UTF-8").replace('\\', "/"));
    }
    let text = fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() < 100);
    let text = text.then(|| fs::read_to_string(path).ok()).flatten()?;
    let text = text.trim_end();
    (text.starts_with("../") && path.parent()?.join(text).exists()).then(|| text.to_owned())
}
