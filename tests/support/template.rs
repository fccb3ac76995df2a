//! The templates, rendered by `tests/scaffold`.

use std::fs;
use std::path::Path;
use std::process::Command;

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
    #[allow(dead_code, reason = "each test binary uses another part of this")]
    pub fn with(mut self, value: &str) -> Self {
        self.values.push(value.to_owned());
        self
    }

    /// `spin new -t TEMPLATE NAME`, into the folder `to`.
    #[allow(dead_code, reason = "each test binary uses another part of this")]
    pub fn new_app(&self, name: &str, to: &Path) {
        self.scaffold("new", name, to);
    }

    /// `spin add -t TEMPLATE NAME`, into the app of the manifest.
    #[allow(dead_code, reason = "each test binary uses another part of this")]
    pub fn add(&self, name: &str, manifest: &Path) {
        self.scaffold("add", name, manifest);
    }

    fn scaffold(&self, verb: &str, name: &str, path: &Path) {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args([
                "run",
                "--quiet",
                "--package",
                "scaffold",
                "--",
                verb,
                &self.name,
                name,
            ])
            .arg(path)
            .args(&self.values);
        let output = cargo.output().expect("cargo can be started");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// Gives a package a target folder that stays warm from run to run.
#[allow(dead_code, reason = "each test binary uses another part of this")]
pub fn share_target(package: &Path) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("template");
    fs::create_dir_all(&target).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(target, package.join("target")).unwrap();
}
