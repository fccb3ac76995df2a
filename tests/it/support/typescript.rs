//! What tests of the templates in TypeScript share.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::expect_success;
use super::template::Template;

pub const TEMPLATES: [&str; 3] = ["mcp-tool-ts", "mcp-resource-ts", "mcp-prompt-ts"];

/// `spin new`, or `spin add` where there is an app, with the packages in place.
pub fn scaffold(template: &str, engine: &str, name: &str, app: &Path) -> PathBuf {
    let template = Template::named(template).with(&format!("engine={engine}"));
    let manifest = app.join("spin.toml");
    let package = if manifest.exists() {
        template.add(name, &manifest);
        app.join(name)
    } else {
        template.new_app(name, app);
        app.to_owned()
    };
    install(&package);
    package
}

/// Lets the app's server open a store, and grants this to its last feature.
pub fn grant(app: &Path, allow: &str) {
    let source = "source = \"mcp.wasm\"\n";
    let stores = format!("{source}key_value_stores = [\"default\"]\n");
    let manifest = fs::read_to_string(app.join("spin.toml")).unwrap();
    let manifest = manifest.replacen(source, &stores, 1);
    fs::write(
        app.join("spin.toml"),
        format!("{manifest}allow = [{allow}]\n"),
    )
    .unwrap();
}

/// Puts the packages where a build would install them, and says that it did.
pub fn install(package: &Path) {
    let installed = package.join("node_modules");
    fs::create_dir(&installed).unwrap();
    for entry in fs::read_dir(super::provided("typescript").expect("the test has asked")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != ".installed" {
            std::os::unix::fs::symlink(entry.path(), installed.join(entry.file_name())).unwrap();
        }
    }
    let lock = package.join("package-lock.json");
    fs::copy(lock, installed.join(".installed")).unwrap();
}

/// `npm test` of a package, as the number of tests that passed.
pub fn passed(package: &Path) -> usize {
    let tests = expect_success(Command::new("npm").arg("test").current_dir(package));
    let told = String::from_utf8(tests.stdout).unwrap();
    let count = told.lines().find_map(|line| line.strip_prefix("# pass "));
    count.unwrap_or_else(|| panic!("{told}")).parse().unwrap()
}
