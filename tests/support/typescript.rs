//! What templates in TypeScript are built and checked with.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::support::{expect_success, root};

/// The packages that a first build would install.
pub fn modules() -> &'static Path {
    static MODULES: OnceLock<PathBuf> = OnceLock::new();
    MODULES.get_or_init(|| {
        let output = expect_success(&mut Command::new(root().join("scripts/typescript.sh")));
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
    })
}

/// Gives a package those packages.
pub fn install(package: &Path) {
    std::os::unix::fs::symlink(modules(), package.join("node_modules")).unwrap();
}

pub fn passes_its_tests(package: &Path, count: usize) {
    let tests = expect_success(Command::new("npm").arg("test").current_dir(package));
    let told = String::from_utf8(tests.stdout).unwrap();
    assert!(told.contains(&format!("# pass {count}\n")), "{told}");
}
