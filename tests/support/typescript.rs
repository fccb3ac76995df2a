//! What tests of the templates in TypeScript share.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::support::{expect_success, root};
use super::template::Template;

#[allow(dead_code, reason = "each test binary uses another part of this")]
pub const TEMPLATES: [&str; 3] = ["mcp-tool-ts", "mcp-resource-ts", "mcp-prompt-ts"];

/// The packages that a first build would install.
pub fn modules() -> &'static Path {
    static MODULES: OnceLock<PathBuf> = OnceLock::new();
    MODULES.get_or_init(|| {
        let output = expect_success(&mut Command::new(root().join("scripts/typescript.sh")));
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
    })
}

/// `spin new`, or `spin add` where there is an app, with the packages in place.
#[allow(dead_code, reason = "each test binary uses another part of this")]
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

/// Puts the packages where a build would install them, and says that it did.
pub fn install(package: &Path) {
    let installed = package.join("node_modules");
    fs::create_dir(&installed).unwrap();
    for entry in fs::read_dir(modules()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != ".installed" {
            std::os::unix::fs::symlink(entry.path(), installed.join(entry.file_name())).unwrap();
        }
    }
    let lock = package.join("package-lock.json");
    fs::copy(lock, installed.join(".installed")).unwrap();
}

/// `npm test` of a package, as the number of tests that passed.
#[allow(dead_code, reason = "each test binary uses another part of this")]
pub fn passed(package: &Path) -> usize {
    let tests = expect_success(Command::new("npm").arg("test").current_dir(package));
    let told = String::from_utf8(tests.stdout).unwrap();
    let count = told.lines().find_map(|line| line.strip_prefix("# pass "));
    count.unwrap_or_else(|| panic!("{told}")).parse().unwrap()
}

/// Building an engine into components and compiling those keeps all processors busy: the tests
/// that do so take turns.
#[allow(dead_code, reason = "each test binary uses another part of this")]
pub fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
