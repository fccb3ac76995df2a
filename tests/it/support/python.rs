//! What templates in Python are built and checked with.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use super::expect_success;

/// The virtual environment that a first build would make.
pub fn venv() -> PathBuf {
    super::provided("componentize-py").expect("the test has asked")
}

/// Gives a package that virtual environment, in which `tests/python/componentize-py` goes first.
pub fn install(package: &Path) {
    static MADE: LazyLock<PathBuf> = LazyLock::new(|| {
        let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("venv");
        let _ = fs::remove_dir_all(&made);
        fs::create_dir_all(made.join("bin")).unwrap();
        for folder in ["", "bin"] {
            for entry in fs::read_dir(venv().join(folder)).unwrap() {
                let entry = entry.unwrap();
                let to = match entry.file_name() {
                    name if name == "bin" || name == ".installed" => continue,
                    name if name == "componentize-py" => "componentize-py-itself".into(),
                    name => name,
                };
                symlink(entry.path(), made.join(folder).join(to)).unwrap();
            }
        }
        let installed = fs::read_to_string(venv().join(".installed")).unwrap();
        let (there, here) = (venv().canonicalize().unwrap(), made.canonicalize().unwrap());
        let moved = installed.replace(there.to_str().unwrap(), here.to_str().unwrap());
        fs::write(made.join(".installed"), moved).unwrap();
        let first = super::root().join("tests/python/componentize-py");
        symlink(first, made.join("bin/componentize-py")).unwrap();
        made
    });
    symlink(&*MADE, package.join(".venv")).unwrap();
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
    let mut tests = python(package, "python");
    let tests = expect_success(tests.args(["-m", "pytest", "-q", "-p", "no:cacheprovider"]));
    let told = String::from_utf8(tests.stdout).unwrap();
    assert!(told.contains(&format!("{count} passed")), "{told}");
}

pub fn has_its_types(package: &Path) {
    let checked = expect_success(&mut python(package, "mypy"));
    let told = String::from_utf8(checked.stdout).unwrap();
    assert!(told.starts_with("Success: no issues found in "), "{told}");
}
