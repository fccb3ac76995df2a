//! The components under `tests/fixtures`, and those of the examples, built on first use.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Packages of `examples`.
const EXAMPLES: [&str; 1] = ["ndjson-transport"];

/// The component of `tests/fixtures/NAME`, or of an example.
///
/// Cargo's own lock on the target folder keeps test binaries that build at the same time apart.
pub fn fixture(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let dir = BUILT.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../fixtures");
        build(&target, &names());
        target
            .join("wasm32-wasip2/component")
            .canonicalize()
            .expect("cargo built the fixtures")
    });
    let component = dir.join(format!("{}.wasm", name.replace('-', "_")));
    assert!(
        component.exists(),
        "there is no fixture `{name}` in tests/fixtures"
    );
    component
}

fn names() -> Vec<String> {
    let entries = std::fs::read_dir(super::root().join("tests/fixtures"))
        .expect("tests/fixtures can be read");
    entries
        .map(|entry| entry.expect("tests/fixtures can be read"))
        .filter(|entry| entry.path().join("Cargo.toml").exists())
        .map(|entry| entry.file_name().into_string().expect("a name in UTF-8"))
        .chain(EXAMPLES.map(str::to_owned))
        .collect()
}

fn build(target: &Path, packages: &[String]) {
    let mut cargo = Command::new(env!("CARGO"));
    super::outside_of_cargo(&mut cargo)
        .current_dir(super::root())
        .args([
            "build",
            "--profile",
            "component",
            "--target",
            "wasm32-wasip2",
        ]);
    cargo.arg("--target-dir").arg(target);
    for package in packages {
        cargo.args(["--package", package]);
    }
    for variable in [
        "CARGO_ENCODED_RUSTFLAGS",
        "RUSTFLAGS",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
    ] {
        cargo.env_remove(variable);
    }
    let output = cargo.output().expect("cargo can be started");
    assert!(
        output.status.success(),
        "cannot build the fixtures; if the target is missing, run scripts/wasm-target.sh\n{}",
        String::from_utf8_lossy(&output.stderr),
    );
}
