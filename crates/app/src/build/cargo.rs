//! What cargo built, wherever it put it: `CARGO_TARGET_DIR`, `build.target-dir`, a workspace around the
//! package and the name of the library decide that, not `source`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use spin_mcp_component::file::replace;

use crate::Part;

/// A part of the answer of `cargo metadata`.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    crate_types: Vec<String>,
}

/// The folder and file below the target folder that a command fills: `wasm32-wasip2`, `release`.
struct Place<'a> {
    triple: &'a str,
    profile: &'a str,
}

/// Copies what this command built to `source`, if cargo put it elsewhere. Returns whether this
/// command decides alone what `source` holds. Others can do anything, and so they are not followed.
pub fn bring(part: &Part, command: &str, source: &Path) -> Result<bool> {
    let Some(place) = place(command, source) else {
        return Ok(false);
    };
    let workdir = part.workdir()?;
    let mut cargo = Command::new("cargo");
    cargo.args(["metadata", "--no-deps", "--format-version", "1"]);
    let output = cargo.current_dir(&workdir).output();
    let output =
        output.with_context(|| format!("cannot ask cargo where it built {}", part.shown()))?;
    let metadata: Option<Metadata> = serde_json::from_slice(&output.stdout).ok();
    let Some(metadata) = metadata.filter(|_| output.status.success()) else {
        bail!(
            "`cargo metadata` does not say where the build of {} is: {}",
            part.shown(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    };
    let folder = metadata
        .target_directory
        .join(place.triple)
        .join(place.profile);
    let built = folder.join(metadata.file(&workdir, source).with_context(|| {
        format!(
            "the build command of {} succeeded, but cargo builds no `{}` in `{}`; correct its `source`, or add \
             `crate-type = [\"cdylib\"]` to `[lib]` in its Cargo.toml",
            part.shown(),
            source.file_name().unwrap_or_default().display(),
            folder.display()
        )
    })?);
    if built.canonicalize().ok() == source.canonicalize().ok() && source.exists() {
        return Ok(true);
    }
    ensure!(
        built.is_file(),
        "the build command of {} succeeded, but there is no `{}`; correct its `source` or `build`",
        part.shown(),
        built.display()
    );
    let bytes = fs::read(&built).with_context(|| format!("cannot read `{}`", built.display()))?;
    if fs::read(source).ok().as_ref() != Some(&bytes) {
        replace(source, &bytes)?;
        eprintln!("copied `{}` to `{}`", built.display(), source.display());
    }
    Ok(true)
}

/// Where a command makes cargo put what it builds; none for a command that does more than that.
fn place<'a>(command: &'a str, source: &'a Path) -> Option<Place<'a>> {
    let mut words = command.split_whitespace().peekable();
    let elsewhere = [
        "--target-dir",
        "--manifest-path",
        "--artifact-dir",
        "-C",
        "--config",
    ];
    if command.contains(['&', '|', ';', '<', '>', '$', '`', '(', '"', '\'', '\\'])
        || words.next() != Some("cargo")
        || words
            .clone()
            .any(|word| elsewhere.iter().any(|option| word.starts_with(option)))
    {
        return None;
    }
    words.next_if(|word| word.starts_with('+'));
    words.next().filter(|word| ["build", "b"].contains(word))?;
    let folder = |up: usize| source.ancestors().nth(up)?.file_name()?.to_str();
    let (mut triple, mut profile) = (folder(2), "debug");
    while let Some(word) = words.next() {
        let (option, value) = match word.split_once('=') {
            Some((option, value)) => (option, Some(value)),
            None => (word, None),
        };
        match option {
            "--release" | "-r" => profile = "release",
            "--target" => triple = value.or_else(|| words.next()),
            "--profile" => {
                profile = match value.or_else(|| words.next())? {
                    "dev" => "debug",
                    other => other,
                }
            }
            _ => {}
        }
    }
    let triple = triple.filter(|triple| triple.starts_with("wasm32"))?;
    Some(Place { triple, profile })
}

impl Metadata {
    /// The file with the name of `source`, or else the only component of the package in this folder.
    fn file(&self, workdir: &Path, source: &Path) -> Option<PathBuf> {
        let files = |package: &Package| package.targets.iter().filter_map(Target::file).collect();
        let all: Vec<Vec<String>> = self.packages.iter().map(files).collect();
        let name = source.file_name()?.to_str()?;
        if all.iter().flatten().any(|file| file == name) {
            return Some(name.into());
        }
        let own = self.packages.iter().position(|package| {
            let folder = package
                .manifest_path
                .parent()
                .and_then(|dir| dir.canonicalize().ok());
            folder.as_deref() == Some(workdir)
        });
        match own.map(|index| all[index].as_slice()) {
            Some([only]) => Some(only.into()),
            _ => None,
        }
    }
}

impl Target {
    /// The file that it becomes for WebAssembly, if it can be a component.
    fn file(&self) -> Option<String> {
        let is = |kind: &str| self.crate_types.iter().any(|of| of == kind);
        match (is("cdylib"), is("bin")) {
            (true, _) => Some(format!("{}.wasm", self.name.replace('-', "_"))),
            (false, true) => Some(format!("{}.wasm", self.name)),
            _ => None,
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::Origin;
    use spin_mcp_contract::Role;
    use spin_mcp_registry::Source;

    const BUILD: &str = "cargo build --target wasm32-wasip2 --release";
    const TAIL: &str = "target/wasm32-wasip2/release";

    /// A package whose `source` holds an older build.
    struct Sample(tempfile::TempDir);

    impl Sample {
        fn new(manifest: &str) -> Self {
            let sample = Sample(tempfile::tempdir().unwrap());
            sample.write("text/Cargo.toml", manifest);
            sample.write("text/src/lib.rs", "");
            sample.write(&format!("text/{TAIL}/text.wasm"), "older");
            sample
        }

        fn write(&self, path: &str, content: &str) {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }

        /// What `source` holds after a build of this command.
        fn brought(&self, command: &str) -> Result<(bool, String)> {
            let dir = self.0.path().join("text");
            let source = dir.join(TAIL).join("text.wasm");
            let origin = Origin::Source(Source::File(source.clone()));
            let part = Part::new(Role::Feature, "text".into(), origin, &dir);
            let decides = bring(&part, command, &source)?;
            Ok((decides, fs::read_to_string(source).unwrap()))
        }
    }

    fn manifest(lib: &str) -> String {
        format!(
            "[package]\nname = \"text\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[lib]\n{lib}\ncrate-type = [\"cdylib\"]\n"
        )
    }

    #[test]
    fn a_build_is_found_wherever_cargo_put_it() {
        let alone = manifest("") + "[workspace]\n";
        let at_home = Sample::new(&alone);
        assert_eq!(at_home.brought(BUILD).unwrap(), (true, "older".into()));

        let configured = Sample::new(&alone);
        configured.write(
            "text/.cargo/config.toml",
            "[build]\ntarget-dir = \"../out\"\n",
        );
        configured.write("out/wasm32-wasip2/release/text.wasm", "new");
        assert_eq!(configured.brought(BUILD).unwrap(), (true, "new".into()));

        let member = Sample::new(&manifest(""));
        member.write("Cargo.toml", "[workspace]\nmembers = [\"text\"]\n");
        member.write(&format!("{TAIL}/text.wasm"), "new");
        assert_eq!(member.brought(BUILD).unwrap(), (true, "new".into()));

        let renamed = Sample::new(&(manifest("name = \"words\"") + "[workspace]\n"));
        renamed.write(&format!("text/{TAIL}/words.wasm"), "new");
        assert_eq!(renamed.brought(BUILD).unwrap(), (true, "new".into()));

        let debug = Sample::new(&alone);
        debug.write("text/target/wasm32-wasip2/debug/text.wasm", "new");
        let build = "cargo build --target=wasm32-wasip2";
        assert_eq!(debug.brought(build).unwrap(), (true, "new".into()));
    }

    #[test]
    fn a_build_that_is_nowhere_is_an_error() {
        let missing = Sample::new(&(manifest("") + "[workspace]\n"));
        let error = missing
            .brought("cargo build --target wasm32-wasip1")
            .unwrap_err();
        assert!(error.to_string().contains("there is no `"), "{error}");
        let library = manifest("").replace("cdylib", "rlib") + "[workspace]\n";
        let error = Sample::new(&library).brought(BUILD).unwrap_err();
        assert!(
            error.to_string().contains("cargo builds no `text.wasm`"),
            "{error}"
        );
    }

    #[test]
    fn commands_that_do_more_are_not_followed() {
        let sample = Sample::new(&(manifest("") + "[workspace]\n"));
        for command in [
            "make",
            "cargo component build",
            "cargo build --target wasm32-wasip2 && cp a b",
            "cargo build --target wasm32-wasip2 --target-dir out",
        ] {
            assert_eq!(sample.brought(command).unwrap(), (false, "older".into()));
        }
    }
}
