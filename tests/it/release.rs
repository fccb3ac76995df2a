//! What is published: packages, their versions, and the plugin's manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use ignore::WalkBuilder;
use serde_json::Value;
use toml_edit::DocumentMut;

use crate::support::{expect_success, outside_of_cargo, root};

fn stdout(command: &mut Command) -> String {
    String::from_utf8(expect_success(command.current_dir(root())).stdout).unwrap()
}

fn cargo(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO"));
    stdout(outside_of_cargo(&mut command).args(arguments))
}

/// What code that uses `scripts/dist.py` prints.
fn dist(code: &str, arguments: &[&Path]) -> String {
    let mut python = Command::new("python3");
    python.args([
        "-B",
        "-c",
        &format!("import sys; sys.path.insert(0, 'scripts')\nfrom dist import *\n{code}"),
    ]);
    stdout(python.args(arguments).env_remove("DIST_TARGET"))
}

/// The packages of crates.io, each with its folder.
fn published() -> Vec<(String, String)> {
    let metadata = cargo(&["metadata", "--no-deps", "--offline", "--format-version=1"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let packages = packages.filter(|package| package["publish"].is_null());
    packages
        .map(|package| {
            for key in ["description", "license", "repository", "readme"] {
                assert!(
                    package[key].is_string(),
                    "`{}` has no {key}",
                    package["name"]
                );
            }
            let manifest = Path::new(package["manifest_path"].as_str().unwrap());
            let folder = manifest.parent().unwrap().to_str().unwrap();
            (
                package["name"].as_str().unwrap().to_owned(),
                folder.to_owned(),
            )
        })
        .collect()
}

#[test]
fn everything_published_has_one_version_and_one_home() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let toml = |path: &str| read(path).parse::<DocumentMut>().unwrap();
    let json = |path: &str| serde_json::from_str::<Value>(&read(path)).unwrap();
    let workspace = toml("Cargo.toml");
    let home = workspace["workspace"]["package"]["repository"]
        .as_str()
        .unwrap();
    let mut versions = BTreeMap::new();
    for path in ["sdk/rust/Cargo.toml", "sdk/rust/macros/Cargo.toml"] {
        let package = &toml(path)["package"];
        assert_eq!(package["repository"].as_str(), Some(home), "{path}");
        versions.insert(
            path.to_owned(),
            package["version"].as_str().unwrap().to_owned(),
        );
    }
    let macros = &toml("sdk/rust/Cargo.toml")["dependencies"]["spin-mcp-sdk-macros"]["version"];
    versions.insert(
        "macros".into(),
        macros.as_str().unwrap().trim_start_matches('=').into(),
    );
    for (name, dependency) in workspace["workspace"]["dependencies"]
        .as_table()
        .unwrap()
        .iter()
    {
        if dependency.get("path").is_some() {
            versions.insert(name.into(), dependency["version"].as_str().unwrap().into());
        }
    }
    for path in [
        "sdk/typescript/package.json",
        "sdk/typescript/src/package.json",
    ] {
        versions.insert(path.into(), json(path)["version"].as_str().unwrap().into());
    }
    let npm = json("sdk/typescript/package.json");
    assert_eq!(npm["repository"]["url"], format!("git+{home}.git"));
    let python = &toml("sdk/python/pyproject.toml")["project"];
    assert_eq!(python["urls"]["Repository"].as_str(), Some(home));
    versions.insert("python".into(), python["version"].as_str().unwrap().into());
    assert!(versions.len() > 15, "{versions:?}");
    versions.retain(|_, version| version != env!("CARGO_PKG_VERSION"));
    assert!(
        versions.is_empty(),
        "not {}: {versions:?}",
        env!("CARGO_PKG_VERSION")
    );
}

/// Packages are built without the rest of the repository.
#[test]
fn packages_have_the_files_that_their_code_names() {
    let mut named = 0;
    for (package, folder) in published() {
        let list = cargo(&[
            "package",
            "--list",
            "--offline",
            "--allow-dirty",
            "--package",
            &package,
        ]);
        let list: BTreeSet<&str> = list.lines().collect();
        assert!(list.contains("README.md"), "`{package}`: {list:?}");
        let folder = Path::new(&folder);
        for file in list
            .iter()
            .filter(|file| file.starts_with("src/") && !file.contains("tests"))
        {
            let Ok(text) = fs::read_to_string(folder.join(file)) else {
                panic!("`{package}` has no `{file}`");
            };
            let code = text.split("#[cfg(test)]").next().unwrap();
            let beside = Path::new(file).parent().unwrap();
            let named_by = |begin: &str, dir: &Path| {
                let rests = code.split(begin).skip(1);
                let paths = rests.map(|rest| dir.join(rest.split('"').next().unwrap()));
                paths.collect::<Vec<_>>()
            };
            let mut paths = named_by(" path: \"", Path::new(""));
            paths.extend(named_by("include_str!(\"", beside));
            paths.extend(named_by("include_bytes!(\"", beside));
            for path in paths.iter().filter(|path| path.is_relative()) {
                // `src/../README.md`
                let path = path.to_str().unwrap().replace("src/../", "");
                let is_there = list.iter().any(|file| Path::new(file).starts_with(&path));
                assert!(
                    is_there,
                    "`{file}` of `{package}` names `{path}`, which is not in the package"
                );
                named += 1;
            }
        }
        let wit = WalkBuilder::new(folder.join("wit"))
            .follow_links(true)
            .build();
        for file in wit
            .filter_map(Result::ok)
            .filter(|entry| entry.path().is_file())
        {
            let file = file.path().strip_prefix(folder).unwrap().to_str().unwrap();
            assert!(list.contains(file), "`{package}` lacks `{file}`");
        }
    }
    assert!(named >= 8, "{named}");
}

/// `build.rs` lists the same templates and SDKs in a package of crates.io.
#[test]
fn the_package_of_the_program_has_the_same_templates() {
    let dir = tempfile::tempdir().unwrap();
    let build = dir.path().join("build");
    stdout(
        Command::new("rustc")
            .args(["--edition=2024", "build.rs", "-o"])
            .arg(&build),
    );
    dist(
        "templates(Path(sys.argv[1]))",
        &[&dir.path().join("packed")],
    );
    let lists = [root(), dir.path()].map(|folder| {
        let out = tempfile::tempdir().unwrap();
        stdout(
            Command::new(&build)
                .env("CARGO_MANIFEST_DIR", folder)
                .env("OUT_DIR", out.path()),
        );
        let templates = fs::read_to_string(out.path().join("templates.rs")).unwrap();
        let files = templates.lines().filter_map(|line| {
            let (name, path) = line.strip_prefix('(')?.split_once(", include_bytes!(")?;
            let name = name.trim_matches('"').trim_end_matches(".tmpl").to_owned();
            let path = path.trim_end_matches(")),").trim_matches('"');
            Some((name, fs::read(path).unwrap()))
        });
        let files: BTreeMap<_, _> = files.collect();
        (
            files,
            fs::read_to_string(out.path().join("sdks.rs")).unwrap(),
        )
    });
    let [(repository, sdks), (package, packed_sdks)] = &lists;
    assert!(repository.len() > 700, "{}", repository.len());
    assert!(repository.keys().eq(package.keys()), "other files");
    assert_eq!(sdks, packed_sdks);
    for (name, content) in repository {
        assert!(package[name] == *content, "`{name}` differs");
    }
}

/// The schema is that of spin-plugins.
#[test]
fn spin_accepts_the_manifest_of_the_plugin() {
    let dir = tempfile::tempdir().unwrap();
    let code = "
dir = Path(sys.argv[1])
for platform in PLATFORMS.values():
    tarball(package()['version'], *platform, dir).write_bytes(b'')
print(json.dumps(manifest(sorted(dir.iterdir()), 'https://example.org/v1')))";
    let manifest: Value = serde_json::from_str(&dist(code, &[dir.path()])).unwrap();
    let schema = include_str!("../release/spin-plugin-manifest-schema-0.1.json");
    let schema = serde_json::from_str(schema).unwrap();
    if let Err(error) = jsonschema::validate(&schema, &manifest) {
        panic!("{error}: {manifest}");
    }
    assert_eq!(manifest["packages"].as_array().unwrap().len(), 5);
    assert_eq!(manifest["name"], "mcp");
    let url = manifest["packages"][0]["url"].as_str().unwrap();
    assert!(url.starts_with("https://example.org/v1/mcp-"), "{url}");
}
