//! What templates in Python are built and checked with.

#![allow(dead_code, reason = "each test binary uses another part of this")]

use std::path::{Path, PathBuf};
use std::process::Command;

use super::support::{expect_success, root};

/// The virtual environment that a first build would make.
pub fn venv() -> PathBuf {
    let output = expect_success(&mut Command::new(root().join("scripts/componentize-py.sh")));
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

/// Gives a package that virtual environment.
pub fn install(package: &Path) {
    std::os::unix::fs::symlink(venv(), package.join(".venv")).unwrap();
}

/// A program of a package's virtual environment.
fn python(package: &Path, program: &str) -> Command {
    let mut command = Command::new(package.join(".venv/bin").join(program));
    command
        .current_dir(package)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

pub fn passes_its_tests(package: &Path, count: usize) {
    let tests = expect_success(python(package, "python").args(["-m", "unittest"]));
    let told = String::from_utf8(tests.stderr).unwrap();
    assert!(told.contains(&format!("Ran {count} tests")), "{told}");
}

pub fn has_its_types(package: &Path) {
    let checked = expect_success(&mut python(package, "mypy"));
    let told = String::from_utf8(checked.stdout).unwrap();
    assert!(told.starts_with("Success: no issues found in "), "{told}");
}
