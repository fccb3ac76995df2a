//! Joins the files of the WIT package: the contract is one text.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let wit = root.join("wit");
    println!("cargo::rerun-if-changed={}", wit.display());
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    join(&wit, &out.join("server.wit"));
}

/// Joins the files of the WIT package into one text.
fn join(wit: &Path, out: &Path) {
    let mut files: Vec<_> = fs::read_dir(wit)
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
    fs::write(out, joined).expect("OUT_DIR can be written");
}
