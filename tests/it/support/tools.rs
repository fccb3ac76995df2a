//! Tools that tests need beside Rust, and the note of a test that is skipped without one.

use std::collections::BTreeMap;
use std::env;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};

use super::root;

/// What `scripts/NAME.sh` provides, or why it does not.
pub fn provided(name: &str) -> Result<PathBuf, String> {
    static RUN: Mutex<BTreeMap<String, Result<PathBuf, String>>> = Mutex::new(BTreeMap::new());
    let mut run = RUN.lock().unwrap_or_else(PoisonError::into_inner);
    let provide = || {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .parent()
            .expect("a target folder");
        let script = root().join("scripts").join(name).with_extension("sh");
        let mut command = Command::new(script);
        super::outside_of_cargo(&mut command).env("CARGO_TARGET_DIR", target);
        let output = command.output().map_err(|error| error.to_string())?;
        let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
        match output.status.success() {
            true => Ok(text(&output.stdout).into()),
            false => Err(text(&output.stderr)),
        }
    };
    run.entry(name.to_owned()).or_insert_with(provide).clone()
}

/// Whether `scripts/NAME.sh` cannot provide what the test needs, which the test then says.
pub fn lacks(name: &str) -> bool {
    let provided = provided(name);
    if let Err(why) = &provided {
        let last = why.lines().last().unwrap_or_default();
        skipped(name, "", last.trim());
    }
    provided.is_err()
}

/// Ends a test that lacks what `scripts/NAME.sh` provides.
macro_rules! needs {
    ($name:literal) => {
        if crate::support::lacks($name) {
            return;
        }
    };
}
pub(crate) use needs;

/// The Wasmtime CLI. It compiles each component once, and keeps that from run to run.
pub fn wasmtime() -> Command {
    let cli = provided("wasmtime-cli").unwrap_or_else(|why| panic!("{why}"));
    let mut command = Command::new(cli);
    command.env("XDG_CONFIG_HOME", wasmtime_config());
    command
}

/// A folder with settings for the Wasmtime CLI, as `XDG_CONFIG_HOME`.
pub fn wasmtime_config() -> &'static Path {
    static WRITTEN: LazyLock<PathBuf> = LazyLock::new(|| {
        let config = Path::new(env!("CARGO_TARGET_TMPDIR")).join("config");
        let cache = config.with_file_name("wasmtime");
        let file = config.join("wasmtime/config.toml");
        std::fs::create_dir_all(file.parent().expect("it has one")).expect("a folder");
        std::fs::write(file, format!("[cache]\ndirectory = {cache:?}\n")).expect("a file");
        config
    });
    &WRITTEN
}

/// Spin, if `SPIN_BIN_PATH` names it or it is on PATH. If not, the test or this part of it is
/// skipped.
pub fn spin(part: &str) -> Option<PathBuf> {
    installed("spin", "SPIN_BIN_PATH", part)
}

/// The same for Redis and `REDIS_SERVER`.
pub fn redis(part: &str) -> Option<PathBuf> {
    installed("redis-server", "REDIS_SERVER", part)
}

fn installed(tool: &str, variable: &str, part: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).map(|dir| dir.join(tool));
    let named = env::var_os(variable).map(PathBuf::from);
    let found = named.into_iter().chain(on_path).find(|file| file.is_file());
    if found.is_none() {
        let why = format!("`{tool}` is not on PATH, and {variable} does not name it");
        skipped(tool, part, &why);
    }
    found
}

/// Says, past the capture of test output, what is skipped: `scripts/suite.py` counts it.
fn skipped(tool: &str, part: &str, why: &str) {
    let may_be_missing = env::var("MAY_BE_MISSING").unwrap_or_default();
    let may_be_missing = may_be_missing.split(' ').any(|name| name == tool);
    let ci = env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!ci || may_be_missing, "{why}");
    let thread = std::thread::current();
    let name = format!("{} {part}", thread.name().unwrap_or_default());
    let _ = writeln!(std::io::stderr(), "skipped: {} ({why})", name.trim());
}
