//! Lists the templates: the plugin carries them inside itself.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

fn main() {
    // Templates link to the SDKs.
    for read in [
        "templates",
        "sdk/python/src",
        "sdk/rust",
        "sdk/typescript/src",
        "framework/wit",
    ] {
        println!("cargo::rerun-if-changed={read}");
    }
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    templates(&root, &out);
    sdks(&root, &out);
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

/// Lists the folders of templates that are an SDK, each with the name of the SDK.
fn sdks(root: &Path, out: &Path) {
    let dir = root.join("templates");
    let templates = fs::read_dir(&dir).expect("templates can be read");
    let mut list = vec![];
    for template in templates.map(|entry| entry.expect("templates can be read").path()) {
        let content = fs::read_dir(template.join("content"));
        for path in content
            .into_iter()
            .flatten()
            .map(|entry| entry.expect("it can be read").path())
        {
            let Ok(link) = fs::read_link(&path) else {
                continue;
            };
            let mut parts = link.iter().skip_while(|part| *part != "sdk").skip(1);
            let (name, path) = (
                parts.next().expect("an SDK has a name"),
                path.strip_prefix(&dir),
            );
            let path = path
                .expect("it is in the folder")
                .to_str()
                .expect("a path in UTF-8");
            list.push(format!(
                "({:?}, {name:?}),\n",
                path.replace('\\', "/") + "/"
            ));
        }
    }
    list.sort();
    fs::write(out.join("sdks.rs"), format!("&[\n{}]\n", list.concat()))
        .expect("OUT_DIR can be written");
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("templates can be read") {
        let path = entry.expect("templates can be read").path();
        match path.is_dir() {
            // Python leaves it where it ran.
            true if path.ends_with("__pycache__") => {}
            true => files(&path, found),
            false => found.push(path),
        }
    }
}
