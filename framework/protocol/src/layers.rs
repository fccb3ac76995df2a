//! Checks the imports of this crate: a folder imports only from those before it, and there is no
//! circle of imports among files.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// From the bottom to the top.
const FOLDERS: [&str; 6] = ["wire", "state", "catalog", "call", "answer", "serve"];

/// The code of each module, by a name such as `serve/http/head`.
fn modules() -> BTreeMap<String, String> {
    let mut modules = BTreeMap::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders: Vec<_> = FOLDERS.map(|folder| source.join(folder)).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.file_stem().unwrap() == "tests" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let (code, _) = text
                .split_once("\n#[cfg(test)]\nmod tests")
                .unwrap_or((&text, ""));
            let lines = code.lines().map(|line| line.split("//").next().unwrap());
            let name = path.strip_prefix(&source).unwrap().with_extension("");
            let name = name.to_str().unwrap().replace('\\', "/");
            let name = name.strip_suffix("/mod").unwrap_or(&name).to_owned();
            modules.insert(name, lines.collect::<Vec<_>>().join("\n"));
        }
    }
    modules
}

/// The paths that a module uses, from the root of the crate, such as `wire/json/Value`. They
/// include those that begin with a module of its own.
fn paths(module: &str, code: &str, modules: &BTreeMap<String, String>) -> Vec<String> {
    let parent = module.rsplit_once('/').map_or("", |(parent, _)| parent);
    let mut paths = Vec::new();
    for (at, _) in code.match_indices("::") {
        let (before, rest) = (&code[..at], &code[at + 2..]);
        let start = before.rfind(|c: char| !c.is_alphanumeric() && c != '_');
        let (before, first) = before.split_at(start.map_or(0, |start| start + 1));
        let child = format!("{module}/{first}");
        let root = match first {
            // The middle of a path, or a path to a module within the file.
            _ if before.ends_with("::") || before.ends_with("\n    use ") => continue,
            "crate" => "",
            "super" => parent,
            "self" => module,
            _ if modules.contains_key(&child) => &child,
            _ => continue,
        };
        expand(root, rest, &mut paths);
    }
    paths
}

/// Appends the paths in a tree, such as `json::{self, Value}`; returns the text after it.
fn expand<'c>(root: &str, tree: &'c str, paths: &mut Vec<String>) -> &'c str {
    let tree = tree.trim_start();
    if let Some(mut rest) = tree.strip_prefix('{') {
        loop {
            rest = expand(root, rest, paths).trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
            if let Some(after) = rest.strip_prefix('}') {
                return after;
            }
        }
    }
    let end = tree.find(|c: char| !c.is_alphanumeric() && c != '_');
    let (name, rest) = tree.split_at(end.unwrap_or(tree.len()));
    assert!(!name.is_empty(), "cannot read `{tree:.40}`");
    let path = format!("{root}/{name}").trim_matches('/').to_owned();
    match rest.strip_prefix("::") {
        Some(rest) => expand(&path, rest, paths),
        None => {
            paths.push(path);
            rest
        }
    }
}

/// The modules from which each module imports.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let modules = modules();
    let target = |path: String| {
        let mut name = path.as_str();
        while !modules.contains_key(name) {
            name = name.rsplit_once('/').map_or("", |(parent, _)| parent);
            assert!(!name.is_empty(), "`crate::{path}` names no folder");
        }
        name.to_owned()
    };
    let imports = modules.iter().map(|(module, code)| {
        let targets = paths(module, code, &modules).into_iter().map(target);
        (module.clone(), targets.filter(|to| to != module).collect())
    });
    imports.collect()
}

#[test]
fn folders_import_downwards() {
    let rank = |module: &str| {
        let folder = module.split('/').next();
        FOLDERS.iter().position(|known| Some(*known) == folder)
    };
    for (module, targets) in imports() {
        for target in targets {
            assert!(
                rank(&target) <= rank(&module),
                "`{module}` imports `{target}`"
            );
        }
    }
}

#[test]
fn no_files_import_each_other() {
    let mut imports = imports();
    // A module on a circle imports another one on it, and is imported by one.
    loop {
        let known: BTreeSet<_> = imports.keys().cloned().collect();
        let imported: BTreeSet<_> = imports.values().flatten().cloned().collect();
        imports.retain(|module, targets| {
            targets.retain(|target| known.contains(target));
            !targets.is_empty() && imported.contains(module)
        });
        if imports.len() == known.len() {
            break;
        }
    }
    assert!(imports.is_empty(), "files import each other: {imports:#?}");
}
