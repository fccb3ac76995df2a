//! Notices changes of what an app is built from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use super::build::{digest_of, entries};
use super::{App, Part};

/// How long nothing must change before a build. Editors write a file in several steps.
const QUIET: Duration = Duration::from_millis(80);
/// How long a build waits for quiet.
const LATEST: Duration = Duration::from_secs(1);
/// Folders that tools fill, in case that no `.gitignore` names them.
const FILLED: [&[u8]; 3] = [b"__pycache__", b"node_modules", b"target"];

/// The files that an app is built from: its folder, the folders of its builds, and components
/// that are not built. Files that `.gitignore` names and what builds write do not count.
pub struct Sources {
    watcher: RecommendedWatcher,
    events: Receiver<()>,
    folders: BTreeSet<PathBuf>,
    files: BTreeMap<PathBuf, Seen>,
}

/// A file as it was seen last. A build may write a file again that it does not change.
#[derive(Debug)]
struct Seen {
    modified: Option<SystemTime>,
    length: u64,
    digest: Option<String>,
}

impl PartialEq for Seen {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Sources {
    /// Watches the sources of an app, as they are now.
    pub fn watch(app: &App) -> Result<Self> {
        let (sender, events) = channel();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // Builds read files, and so does this program.
            if !event.is_ok_and(|event| event.kind.is_access()) {
                let _ = sender.send(());
            }
        });
        let watcher = watcher.context("cannot watch files")?;
        let mut sources = Self {
            watcher,
            events,
            folders: BTreeSet::new(),
            files: BTreeMap::new(),
        };
        sources.look(app)?;
        Ok(sources)
    }

    /// Waits until sources differ from what they were at the last look, and returns them.
    pub fn wait(&mut self, app: &App) -> Result<Vec<PathBuf>> {
        loop {
            // Something may have changed since the last look, so look before the first event.
            let changed = self.look(app)?;
            if !changed.is_empty() {
                return Ok(changed);
            }
            self.events.recv().context("the watcher ended")?;
            let latest = Instant::now() + LATEST;
            while Instant::now() < latest && self.events.recv_timeout(QUIET).is_ok() {}
        }
    }

    /// The sources that changed since the last look. `app` says where they are.
    pub fn look(&mut self, app: &App) -> Result<Vec<PathBuf>> {
        let (folders, files) = app.read_from()?;
        for gone in self.folders.difference(&folders) {
            // It fails if the folder itself is gone.
            let _ = self.watcher.unwatch(gone);
        }
        for new in folders.difference(&self.folders) {
            // A folder can go in the meantime.
            if let Err(error) = self.watcher.watch(new, RecursiveMode::NonRecursive)
                && new.exists()
            {
                bail!(
                    "cannot watch `{}`: {error}; raise the system's limit of watched files, or name folders \
                     without sources in `.gitignore`",
                    new.display()
                );
            }
        }
        self.folders = folders;
        let now = files.into_iter().filter_map(|file| {
            let metadata = file.metadata().ok()?;
            let (modified, length) = (metadata.modified().ok(), metadata.len());
            let known = self.files.get(&file).filter(|known| {
                known.modified.is_some() && known.modified == modified && known.length == length
            });
            let digest = match known {
                Some(known) => known.digest.clone(),
                None => digest_of(&file),
            };
            Some((
                file,
                Seen {
                    modified,
                    length,
                    digest,
                },
            ))
        });
        let now: BTreeMap<_, _> = now.collect();
        let before = std::mem::replace(&mut self.files, now);
        let gone = before.keys().filter(|file| !self.files.contains_key(*file));
        let other = self
            .files
            .iter()
            .filter(|(file, seen)| before.get(*file) != Some(seen));
        Ok(gone.chain(other.map(|(file, _)| file)).cloned().collect())
    }
}

impl App {
    /// The folders to watch, and the files to look at.
    fn read_from(&self) -> Result<(BTreeSet<PathBuf>, BTreeSet<PathBuf>)> {
        let (built, unbuilt): (Vec<_>, Vec<_>) =
            self.parts().partition(|part| part.build.is_some());
        let files_of_built = built.iter().filter_map(|part| part.file());
        let outputs: Vec<_> = files_of_built.chain([&self.output]).cloned().collect();
        let (mut folders, mut files) = (BTreeSet::new(), BTreeSet::new());
        let tops = [&self.dir]
            .into_iter()
            .chain(built.iter().map(|part| &part.workdir));
        for top in tops {
            // A missing folder is an error of the build.
            let Ok(top) = top.canonicalize() else {
                continue;
            };
            if folders.contains(&top) {
                continue;
            }
            let all = entries(&top, &top, &outputs);
            let (some_folders, some_files) =
                all.with_context(|| format!("cannot read the folder `{}`", top.display()))?;
            let counts = |path: &PathBuf| path.strip_prefix(&top).is_ok_and(is_source);
            folders.extend(
                some_folders
                    .into_iter()
                    .filter(|folder| *folder == top || counts(folder)),
            );
            files.extend(some_files.into_iter().filter(counts));
        }
        let overrides = self
            .overrides
            .iter()
            .filter_map(|(_, source)| source.file());
        for file in unbuilt
            .into_iter()
            .filter_map(Part::file)
            .chain(overrides)
            .filter_map(|file| file.canonicalize().ok())
        {
            folders.extend(file.parent().map(Path::to_owned));
            files.insert(file);
        }
        Ok((folders, files))
    }
}

/// Whether a file can be part of a build, by its path in the app. Editors hide what they keep
/// beside a file that they edit, and the log of this program may be in the app.
fn is_source(path: &Path) -> bool {
    let hidden = |part: Component| {
        let name = part.as_os_str().as_encoded_bytes();
        name.starts_with(b".") || name.ends_with(b"~") || FILLED.contains(&name)
    };
    let is_read = |extension| extension == "md" || extension == "log";
    !path.components().any(hidden) && !path.extension().is_some_and(is_read)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// An app with a feature that is built in a folder of its own, and one that is not built.
    fn app(dir: &Path) -> App {
        for file in [
            "text/src/app.py",
            "text/out.wasm",
            "lib.wasm",
            "target/x",
            "a/b.txt",
        ] {
            let path = dir.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        fs::write(dir.join(".gitignore"), "lib.wasm\n*.tmp\n").unwrap();
        let manifest = "spin_manifest_version = 2\napplication = { name = \"app\" }\n\
            [component.mcp]\nsource = \"mcp.wasm\"\n\
            [component.mcp.tool.mcp.features.text]\nsource = \"text/out.wasm\"\nworkdir = \"text\"\nbuild = \"true\"\n\
            [component.mcp.tool.mcp.features.lib]\nsource = \"lib.wasm\"\n";
        fs::write(dir.join("spin.toml"), manifest).unwrap();
        App::load(&dir.join("spin.toml"), None).unwrap()
    }

    #[test]
    fn what_a_build_reads_is_a_source() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        let app = app(&top);
        let mut sources = Sources::watch(&app).unwrap();
        let mut changed = |file: &str, content: &str| {
            let path = top.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            sources.look(&app).unwrap() == [path]
        };
        for (file, why) in [
            ("text/src/app.py", "a file"),
            ("text/src/new/more.py", "a new file in a new folder"),
            ("spin.toml", "the manifest"),
            (
                "lib.wasm",
                "a component that is not built, though Git ignores it",
            ),
            ("a/b.txt", "a file that several builds may read"),
        ] {
            assert!(changed(file, "1"), "{why}");
            assert!(!changed(file, "1"), "{why}, written again");
        }
        for file in [
            "text/out.wasm",
            "mcp.wasm",
            "text/x.tmp",
            "target/x",
            "text/.app.py.swp",
            "text/app.py~",
            "README.md",
            "dev.log",
        ] {
            assert!(!changed(file, "2"), "{file}");
        }
    }

    #[test]
    fn a_change_ends_the_wait() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        let app = app(&top);
        let mut sources = Sources::watch(&app).unwrap();
        let file = top.join("text/src/app.py");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| sources.wait(&app).unwrap());
            std::thread::sleep(Duration::from_millis(300));
            fs::write(&file, "new").unwrap();
            assert_eq!(waiting.join().unwrap(), std::slice::from_ref(&file));
        });
        fs::remove_file(&file).unwrap();
        assert_eq!(sources.wait(&app).unwrap(), [file]);
    }
}
