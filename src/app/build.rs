//! Running the build commands of an app's features.

use std::process::{Command, ExitStatus};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::{App, Feature};

/// A build command that ran and failed. Its own output has told why.
#[derive(Debug, thiserror::Error)]
#[error("the build command of feature `{feature}` failed: {status}")]
pub struct BuildFailed {
    pub feature: String,
    pub status: ExitStatus,
}

impl BuildFailed {
    /// The command's exit code, as a shell would give it.
    pub fn exit_code(&self) -> u8 {
        #[cfg(unix)]
        if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&self.status) {
            return u8::try_from(128 + signal).unwrap_or(1);
        }
        self.status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(1)
    }
}

impl App {
    /// Runs the build command of every feature that has one, in order, up to the first that
    /// fails. Tells of each on stderr.
    pub fn build(&self) -> Result<()> {
        for feature in &self.features {
            if let Some(command) = &feature.build {
                feature.run(command)?;
            }
        }
        Ok(())
    }
}

impl Feature {
    fn run(&self, command: &str) -> Result<()> {
        let name = &self.name;
        if !self.workdir.is_dir() {
            bail!(
                "cannot build feature `{name}`: no folder `{}`; correct its `workdir`",
                self.workdir.display()
            );
        }
        eprintln!("building feature `{name}` with `{command}`");
        let start = Instant::now();
        let status = shell(command)
            .current_dir(&self.workdir)
            .status()
            .with_context(|| format!("cannot start the build command of feature `{name}`"))?;
        if !status.success() {
            return Err(BuildFailed {
                feature: name.clone(),
                status,
            }
            .into());
        }
        if !self.source.file().is_some_and(|file| file.is_file()) {
            bail!(
                "the build command of feature `{name}` succeeded, but there is no `{}`; correct \
                 its `source`, `build` or `workdir`",
                self.source
            );
        }
        eprintln!(
            "built feature `{name}` in {:.1} s",
            start.elapsed().as_secs_f32()
        );
        Ok(())
    }
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command);
    shell
}

#[cfg(windows)]
fn shell(command: &str) -> Command {
    use std::os::windows::process::CommandExt;
    let mut shell = Command::new("cmd");
    shell.arg("/C").raw_arg(command);
    shell
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::registry::Source;

    fn feature(dir: &Path, name: &str, build: &str) -> Feature {
        Feature {
            name: name.into(),
            source: Source::File(dir.join(name)),
            build: Some(build.into()),
            workdir: dir.to_owned(),
            prefix: None,
            allow: vec![],
            dynamic: false,
        }
    }

    fn app(dir: &Path, features: Vec<Feature>) -> App {
        App {
            dir: dir.to_owned(),
            component: "mcp".into(),
            output: dir.join("mcp.wasm"),
            tags: vec![],
            key_value_stores: vec![],
            wasi: Default::default(),
            server: Default::default(),
            features,
        }
    }

    #[test]
    fn builds_in_order_in_the_workdir() {
        let dir = tempfile::tempdir().unwrap();
        let nested = dir.path().join("nested");
        fs::create_dir(&nested).unwrap();
        let first = feature(dir.path(), "first", "echo 1 > first");
        let mut second = feature(
            dir.path(),
            "second",
            "cp ../first ../second && echo 2 >> ../second",
        );
        second.workdir = nested;
        app(dir.path(), vec![first, second]).build().unwrap();
        assert_eq!(fs::read(dir.path().join("second")).unwrap(), b"1\n2\n");
    }

    #[test]
    fn stops_at_the_first_failure_and_passes_its_exit_code_on() {
        for (command, code) in [
            ("exit 3", 3),
            ("kill -9 $$", 137),
            ("no-such-tool-here", 127),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let failing = feature(dir.path(), "failing", command);
            let next = feature(dir.path(), "next", "touch next");
            let error = app(dir.path(), vec![failing, next]).build().unwrap_err();
            let failed: &BuildFailed = error.downcast_ref().unwrap();
            assert_eq!(
                (failed.feature.as_str(), failed.exit_code()),
                ("failing", code)
            );
            assert!(!dir.path().join("next").exists());
        }
    }

    #[test]
    fn a_build_that_writes_nothing_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let error = feature(dir.path(), "cart", "true").run("true").unwrap_err();
        let expected = format!(
            "the build command of feature `cart` succeeded, but there is no `{}`; correct its \
             `source`, `build` or `workdir`",
            dir.path().join("cart").display()
        );
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_missing_workdir_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let mut cart = feature(dir.path(), "cart", "true");
        cart.workdir = dir.path().join("missing");
        let expected = format!(
            "cannot build feature `cart`: no folder `{}`; correct its `workdir`",
            cart.workdir.display()
        );
        assert_eq!(cart.run("true").unwrap_err().to_string(), expected);
    }
}
