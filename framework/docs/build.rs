//! Lists the pages, and links as the other components do.

#[path = "../link.rs"]
mod link;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

fn main() {
    link::main();
    let root =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../..");
    let mut pages = vec![("docs/README.md".to_owned(), root.join("README.md"))];
    find(&root.join("docs"), "docs", "md", &mut pages);
    find(&root.join("framework/wit"), "wit", "wit", &mut pages);
    pages.sort();
    let entries = pages
        .iter()
        .map(|(name, path)| format!("({name:?}, include_str!({path:?})),\n"));
    let list = format!("&[\n{}]\n", entries.collect::<String>());
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("pages.rs"), list).expect("OUT_DIR can be written");
}

fn find(dir: &Path, name: &str, extension: &str, pages: &mut Vec<(String, PathBuf)>) {
    println!("cargo::rerun-if-changed={}", dir.display());
    for entry in fs::read_dir(dir).expect("the documentation can be read") {
        let path = entry.expect("the documentation can be read").path();
        let file = path.file_name().and_then(|name| name.to_str());
        let name = format!("{name}/{}", file.expect("a name in UTF-8"));
        if path.is_dir() {
            find(&path, &name, extension, pages);
        } else if path.extension().is_some_and(|of| of == extension) {
            pages.push((name, path));
        }
    }
}
