//! The templates, rendered by `tests/scaffold`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// A template of this repository.
pub struct Template {
    name: String,
    values: Vec<String>,
}

impl Template {
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            values: vec![],
        }
    }

    /// `--value ID=VALUE`.
    pub fn with(mut self, value: &str) -> Self {
        self.values.push(value.to_owned());
        self
    }

    /// `spin new -t TEMPLATE NAME`, into the folder `to`.
    pub fn new_app(&self, name: &str, to: &Path) {
        self.scaffold("new", name, to);
    }

    /// `spin add -t TEMPLATE NAME`, into the app of the manifest.
    pub fn add(&self, name: &str, manifest: &Path) {
        self.scaffold("add", name, manifest);
    }

    fn scaffold(&self, verb: &str, name: &str, path: &Path) {
        let mut scaffold = Command::new(program());
        scaffold
            .current_dir(super::root())
            .args([verb, &self.name, name])
            .arg(path)
            .args(&self.values);
        super::expect_success(&mut scaffold);
    }
}

/// `tests/scaffold`, built once.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
        let target = target.expect("a target folder");
        cargo
            .current_dir(super::root())
            .args(["build", "--quiet", "--package", "scaffold", "--target-dir"])
            .arg(target);
        super::expect_success(super::outside_of_cargo(&mut cargo));
        target.join("debug/scaffold")
    })
}

/// Gives a package the target folder of all that is scaffolded, which stays warm from run to run.
pub fn share_target(package: &Path) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("template");
    fs::create_dir_all(&target).unwrap();
    std::os::unix::fs::symlink(target, package.join("target")).unwrap();
}

/// Packages of the same name are the same file in that folder: tests with such packages take
/// turns.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
