//! Builds the features and middleware of an app that changed, several at a time.

mod cargo;
mod inputs;
mod output;
mod stamps;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Mutex;
use std::thread;
use std::time::SystemTime;

use anyhow::{Context as _, Result, ensure};

pub(super) use self::inputs::{digest_of, entries, files};
use self::output::Output;
use self::stamps::Stamps;
use super::{App, Part};

/// A build command that ran and failed. Its output said why.
#[derive(Debug, thiserror::Error)]
#[error("the build command of {part} failed: {status}{}", match status.code() {
    // As shells end if they do not find a program.
    Some(127) => "; install the program that was not found, or add its folder to PATH",
    _ => "",
})]
pub struct BuildFailed {
    /// For example `feature `text``.
    pub part: String,
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

/// How to build.
#[derive(Clone, Copy, Debug)]
pub struct BuildOptions {
    /// Build what did not change as well.
    pub force: bool,
    /// How many builds run at a time.
    pub jobs: NonZeroUsize,
}

/// A part to build.
struct Task<'a> {
    part: &'a Part,
    command: &'a str,
    /// The digest of what the build reads, if that is known.
    inputs: Option<String>,
}

impl App {
    /// Runs the build commands of parts whose inputs may have changed, and prints a line for each
    /// on stderr. Parts with the same `workdir` are built in order, others at the same time.
    /// After a failure, no other build starts.
    pub fn build(&self, options: &BuildOptions) -> Result<()> {
        let stamps = Stamps::open(&self.dir);
        let files = self.parts().filter_map(Part::file);
        let outputs: Vec<_> = files.chain([&self.output]).cloned().collect();
        let lanes = self.due(&stamps, &outputs, options.force)?;
        let jobs = options.jobs.get().min(lanes.len());
        let output = Output::new(jobs > 1);
        let lanes = Mutex::new(lanes.into_iter());
        let next = || lanes.lock().expect("no thread panicked").next();
        let failures = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(|| {
                    while let Some(lane) = next() {
                        for task in lane {
                            if !failures.lock().expect("no thread panicked").is_empty() {
                                return;
                            }
                            match task.run(self, &outputs, &output) {
                                Ok(()) => stamps.set(task.part, task.inputs),
                                Err(error) => {
                                    stamps.set(task.part, None);
                                    failures.lock().expect("no thread panicked").push(error);
                                }
                            }
                        }
                    }
                });
            }
        });
        let failures = failures.into_inner().expect("no thread panicked");
        let mut failures = failures.into_iter();
        let Some(first) = failures.next() else {
            return Ok(());
        };
        failures.for_each(|other| eprintln!("error: {other}"));
        Err(first)
    }

    /// The parts to build, grouped by folder. If one part of a folder is due, all are: the others
    /// may read what it writes.
    fn due(&self, stamps: &Stamps, outputs: &[PathBuf], force: bool) -> Result<Vec<Vec<Task<'_>>>> {
        let mut lanes: Vec<(PathBuf, bool, Vec<Task>)> = Vec::new();
        for part in self.parts() {
            let Some(command) = &part.build else {
                continue;
            };
            let workdir = part.workdir()?;
            let inputs = inputs::digest(&self.dir, part, command, outputs);
            let fresh = |inputs: &String| stamps.holds(part, inputs);
            let due = force || !inputs.as_ref().is_some_and(fresh);
            let task = Task {
                part,
                command,
                inputs,
            };
            match lanes.iter_mut().find(|(dir, ..)| *dir == workdir) {
                Some((_, any, tasks)) => {
                    *any |= due;
                    tasks.push(task);
                }
                None => lanes.push((workdir, due, vec![task])),
            }
        }
        for (_, _, tasks) in lanes.iter().filter(|(_, due, _)| !due) {
            for task in tasks {
                eprintln!("{} is up to date", task.part.shown());
            }
        }
        let due = lanes.into_iter().filter(|(_, due, _)| *due);
        Ok(due.map(|(_, _, tasks)| tasks).collect())
    }
}

impl Part {
    /// The part in messages: `feature `text``.
    fn shown(&self) -> String {
        format!("{} `{}`", self.role, self.name)
    }

    /// A file in its folder that is newer than what was built of it, and no text for readers.
    fn newer(&self, top: &Path, outputs: &[PathBuf]) -> Option<PathBuf> {
        let built = self.file().and_then(|file| modified(file))?;
        let is_source = |file: &PathBuf| file.extension().is_none_or(|extension| extension != "md");
        let files = files(top, &self.workdir, outputs).ok()?.into_iter();
        files
            .filter(is_source)
            .find(|file| modified(file) > Some(built))
    }

    fn workdir(&self) -> Result<PathBuf> {
        let workdir = self.workdir.canonicalize().ok();
        workdir.filter(|dir| dir.is_dir()).with_context(|| {
            format!(
                "cannot build {}: no folder `{}`; correct its `workdir`",
                self.shown(),
                self.workdir.display()
            )
        })
    }
}

impl Task<'_> {
    fn run(&self, app: &App, outputs: &[PathBuf], output: &Output) -> Result<()> {
        let (part, shown) = (self.part, self.part.shown());
        let before = part.file().and_then(|file| modified(file));
        let mut command = shell(self.command);
        // Frames of a builder help nobody who reads what is wrong with the source.
        command
            .current_dir(&part.workdir)
            .env("RUST_BACKTRACE", "0");
        let status = output.run(&shown, self.command, command)?;
        if !status.success() {
            return Err(BuildFailed {
                part: shown,
                status,
            }
            .into());
        }
        let decides = match part.file() {
            Some(source) => cargo::bring(part, self.command, source)?,
            None => false,
        };
        ensure!(
            part.file().is_some_and(|file| file.is_file()),
            "the build command of {shown} succeeded, but there is no `{}`; correct its `source`, `build` or \
             `workdir`",
            part.origin
        );
        if !decides
            && part.file().and_then(|file| modified(file)) == before
            && let Some(newer) = part.newer(&app.dir, outputs)
        {
            output.say(&format!(
                "warning: the build command of {shown} did not write `{}`, which is older than `{}`; if it \
                 should have, correct its `source` or `build`",
                part.origin,
                newer.display()
            ));
        }
        Ok(())
    }
}

fn modified(file: &Path) -> Option<SystemTime> {
    file.metadata()
        .and_then(|metadata| metadata.modified())
        .ok()
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

    use super::*;
    use crate::Origin;
    use spin_mcp_contract::Role;
    use spin_mcp_registry::Source;

    fn feature(dir: &Path, name: &str, build: &str) -> Part {
        let origin = Origin::Source(Source::File(dir.join(name)));
        Part {
            build: Some(build.into()),
            ..Part::new(Role::Feature, name.into(), origin, dir)
        }
    }

    fn app(dir: &Path, features: Vec<Part>) -> App {
        App {
            dir: dir.to_owned(),
            component: "mcp".into(),
            output: dir.join("mcp.wasm"),
            tags: vec![],
            key_value_stores: vec![],
            outbound_hosts: vec![],
            routes: vec![],
            auth: None,
            targets: vec![],
            watch: vec![],
            wasi: Default::default(),
            server: Default::default(),
            features,
            middleware: vec![],
            overrides: vec![],
        }
    }

    fn build(app: &App, jobs: usize) -> Result<()> {
        app.build(&BuildOptions {
            force: false,
            jobs: NonZeroUsize::new(jobs).unwrap(),
        })
    }

    /// A feature with a folder of its own.
    fn apart(dir: &Path, name: &str, build: &str) -> Part {
        let mut feature = feature(dir, name, build);
        feature.workdir = dir.join(format!("{name}-sources"));
        fs::create_dir_all(&feature.workdir).unwrap();
        fs::write(feature.workdir.join("main.py"), name).unwrap();
        feature
    }

    /// A command that waits for a file in the folder above, for ten seconds at most.
    fn wait_for(file: &str) -> String {
        format!("i=0; while [ ! -e ../{file} ] && [ $i -lt 100 ]; do sleep 0.1; i=$((i+1)); done")
    }

    fn lines(path: &Path) -> usize {
        fs::read_to_string(path).unwrap_or_default().lines().count()
    }

    #[test]
    fn one_folder_is_built_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let first = feature(dir.path(), "first", "sleep 0.2; echo 1 > first");
        let second = feature(dir.path(), "second", "cp first second && echo 2 >> second");
        build(&app(dir.path(), vec![first, second]), 4).unwrap();
        assert_eq!(fs::read(dir.path().join("second")).unwrap(), b"1\n2\n");
    }

    #[test]
    fn folders_are_built_at_the_same_time() {
        let dir = tempfile::tempdir().unwrap();
        // Each waits for the other to begin, which one after the other would never end.
        let wait = |own: &str, other: &str| {
            format!("touch ../{own}; {}; [ -e ../{other} ]", wait_for(other))
        };
        let features = || {
            let one = apart(dir.path(), "one", &wait("one", "two"));
            let two = apart(dir.path(), "two", &wait("two", "one"));
            vec![one, two]
        };
        build(&app(dir.path(), features()), 2).unwrap();
    }

    #[test]
    fn what_did_not_change_is_not_built_again() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let command = "cat main.py extra.py > out.wasm 2>/dev/null; echo built >> built.log";
        let app = || {
            let mut one = apart(dir.path(), "one", command);
            one.origin = Origin::Source(Source::File(one.workdir.join("out.wasm")));
            app(dir.path(), vec![one])
        };
        fs::write(dir.path().join(".gitignore"), "*.log\n").unwrap();
        let source = app().features[0].file().unwrap().clone();
        let log = log.with_file_name("one-sources/built.log");
        let built = |times: usize, why: &str| {
            build(&app(), 2).unwrap();
            assert_eq!(lines(&log), times, "{why}");
        };
        built(1, "for the first time");
        built(1, "nothing changed");
        fs::write(source.with_file_name("extra.py"), "new").unwrap();
        built(2, "a file is new");
        built(2, "nothing changed");
        fs::write(&source, "by hand").unwrap();
        built(3, "the output was changed");
        fs::remove_file(&source).unwrap();
        built(4, "the output is gone");
        let force = BuildOptions {
            force: true,
            jobs: NonZeroUsize::MIN,
        };
        app().build(&force).unwrap();
        assert_eq!(lines(&log), 5, "it is forced");
        fs::write(dir.path().join(".spin/mcp-build.json"), "damaged").unwrap();
        built(6, "nobody knows what was built");
    }

    #[test]
    fn an_output_is_older_than_its_sources() {
        let dir = tempfile::tempdir().unwrap();
        let mut one = apart(dir.path(), "one", "true");
        let built = one.workdir.join("one.wasm");
        one.origin = Origin::Source(Source::File(built.clone()));
        let source = one.workdir.join("main.py");
        fs::write(&built, "built").unwrap();
        let set = |file: &Path, seconds| {
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            let file = fs::File::options().write(true).open(file).unwrap();
            file.set_modified(time).unwrap();
        };
        let newer = || one.newer(dir.path(), std::slice::from_ref(&built));
        set(&built, 1_000);
        assert_eq!(newer(), Some(source.canonicalize().unwrap()));
        set(&source, 999);
        assert_eq!(newer(), None);
        fs::write(one.workdir.join("README.md"), "new").unwrap();
        assert_eq!(newer(), None);
    }

    #[test]
    fn a_failed_build_is_not_taken_for_done() {
        let dir = tempfile::tempdir().unwrap();
        let mut one = apart(dir.path(), "one", "cp main.py one.wasm; test -e good");
        one.origin = Origin::Source(Source::File(one.workdir.join("one.wasm")));
        let good = one.workdir.join("good");
        let app = app(dir.path(), vec![one]);
        for _ in 0..2 {
            build(&app, 1).unwrap_err();
        }
        fs::write(good, "").unwrap();
        build(&app, 1).unwrap();
    }

    #[test]
    fn stops_at_the_first_failure_and_passes_its_exit_code_on() {
        for (command, code) in [
            ("exit 3", 3),
            ("kill -9 $$", 137),
            ("no-such-tool-here", 127),
        ] {
            for jobs in [1, 2] {
                let dir = tempfile::tempdir().unwrap();
                // With two jobs, it fails while the other build runs.
                let command = match jobs {
                    1 => command.to_owned(),
                    _ => format!("{}; {command}", wait_for("begun")),
                };
                let failing = apart(dir.path(), "failing", &command);
                let slow = "touch ../begun; sleep 0.5; touch ../slow";
                let slow = apart(dir.path(), "slow", slow);
                let next = apart(dir.path(), "next", "touch ../next");
                let error = build(&app(dir.path(), vec![failing, slow, next]), jobs).unwrap_err();
                let failed: &BuildFailed = error.downcast_ref().unwrap();
                assert_eq!(
                    (failed.part.as_str(), failed.exit_code()),
                    ("feature `failing`", code)
                );
                let told = failed.to_string().contains("install the program");
                assert_eq!(told, code == 127, "{failed}");
                assert!(!dir.path().join("next").exists());
                assert_eq!(dir.path().join("slow").exists(), jobs == 2);
            }
        }
    }

    #[test]
    fn a_build_that_writes_nothing_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let cart = feature(dir.path(), "cart", "true");
        let error = build(&app(dir.path(), vec![cart]), 1).unwrap_err();
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
        let error = build(&app(dir.path(), vec![cart]), 1).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}
