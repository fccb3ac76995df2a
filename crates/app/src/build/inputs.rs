//! What a build reads: the files of its folder, its command, and the tools that the command names.
//!
//! It is worth knowing: a build of an unchanged tool takes 13 s of CPU time in Python and 10 s in
//! TypeScript, whose builders do not look at what changed, and `spin watch` builds whenever a file of any
//! feature does.
//!
//! If a build may read anything else, there is no digest, and it always runs. Cargo always runs,
//! too: it decides quickly that there is nothing to do.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use ignore::{DirEntry, WalkBuilder};
use sha2::{Digest as _, Sha256};

use crate::Part;

/// The size of the largest file that is searched for paths to other folders.
const SEARCHED: u64 = 1 << 20;
/// Folders that hold no sources.
const NO_SOURCES: [&str; 3] = [".git", ".spin", ".spin-aka"];

/// The files in `workdir`, sorted by name, without `outputs` and what a `.gitignore` in `top` or
/// below excludes.
pub fn files(top: &Path, workdir: &Path, outputs: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    Ok(entries(top, workdir, outputs)?.1)
}

/// The same files after their folders.
pub fn entries(
    top: &Path,
    workdir: &Path,
    outputs: &[PathBuf],
) -> io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (top, workdir) = (top.canonicalize()?, workdir.canonicalize()?);
    let top = match workdir.starts_with(&top) {
        true => top,
        false => workdir.clone(),
    };
    let outputs: Vec<_> = outputs
        .iter()
        .filter_map(|output| output.canonicalize().ok())
        .collect();
    let on_the_way = move |entry: &DirEntry| {
        let path = entry.path();
        let name = entry.file_name();
        (workdir.starts_with(path) || path.starts_with(&workdir))
            && !NO_SOURCES.iter().any(|no_source| name == *no_source)
    };
    let entries = WalkBuilder::new(top)
        .hidden(false)
        .parents(false)
        .ignore(false)
        .git_global(false)
        .git_exclude(false)
        .require_git(false)
        .sort_by_file_name(|one, other| one.cmp(other))
        .filter_entry(on_the_way)
        .build();
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for entry in entries {
        let entry = entry.map_err(io::Error::other)?;
        if entry.file_type().is_some_and(|kind| kind.is_dir()) {
            folders.push(entry.into_path());
        } else if !outputs.iter().any(|output| output == entry.path()) {
            files.push(entry.into_path());
        }
    }
    Ok((folders, files))
}

/// A digest of all that the build of a part reads, or none if it may read something else.
pub fn digest(top: &Path, part: &Part, command: &str, outputs: &[PathBuf]) -> Option<String> {
    if reads_elsewhere(command) {
        return None;
    }
    let mut sum = Sum(Sha256::new());
    sum.add(env!("CARGO_PKG_VERSION").as_bytes());
    sum.add(command.as_bytes());
    let mut words = command.split_whitespace();
    // The first word is a tool. Others can be tools, too: after `&&` or in quotes.
    let first = words.next().and_then(tool)?;
    for (path, metadata) in std::iter::once(first).chain(words.filter_map(tool)) {
        let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        sum.add(path.as_os_str().as_encoded_bytes());
        sum.add(&metadata.len().to_le_bytes());
        sum.add(&modified.as_nanos().to_le_bytes());
    }
    let workdir = part.workdir.canonicalize().ok()?;
    let files = files(top, &workdir, outputs).ok()?;
    if files.is_empty() {
        return None;
    }
    // The command is known; what else the manifest says is for compose and for Spin.
    let manifest = top.canonicalize().ok()?.join("spin.toml");
    for file in files.into_iter().filter(|file| *file != manifest) {
        let name = file.strip_prefix(&workdir).ok()?;
        // This follows links to files, and fails for links to folders.
        let content = fs::read(&file).ok()?;
        if leads_out(name, &content) {
            return None;
        }
        sum.add(name.as_os_str().as_encoded_bytes());
        sum.add(&content);
    }
    Some(sum.finish())
}

/// Whether a command may read files outside of its folder, or runs Cargo.
fn reads_elsewhere(command: &str) -> bool {
    let command = command.replace("/dev/null", "");
    let in_name = |c: char| c.is_alphanumeric() || "._-*)]}/".contains(c);
    let roots = command.match_indices('/');
    let absolute = roots
        .map(|(index, _)| command[..index].chars().next_back())
        .any(|before| !before.is_some_and(in_name));
    absolute
        || command.contains("..")
        || command.contains(['$', '`', '~'])
        || command.contains("cargo")
}

/// The digest of one file.
pub fn digest_of(file: &Path) -> Option<String> {
    let mut sum = Sum(Sha256::new());
    sum.add(&fs::read(file).ok()?);
    Some(sum.finish())
}

struct Sum(Sha256);

impl Sum {
    /// Adds a part and its length, so that parts cannot be confused.
    fn add(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    fn finish(self) -> String {
        let digest = self.0.finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The program in `PATH` that a word of a command names.
fn tool(word: &str) -> Option<(PathBuf, Metadata)> {
    let path = std::env::var_os("PATH")?;
    let named = std::env::split_paths(&path).map(|dir| dir.join(word));
    let mut found = named.filter_map(|path| path.canonicalize().ok());
    let found = found.find(|path| path.is_file())?;
    let metadata = found.metadata().ok()?;
    Some((found, metadata))
}

/// Whether the text of a file holds a path that leads out of the folder of the build.
fn leads_out(name: &Path, content: &[u8]) -> bool {
    let is_prose = name.extension().is_some_and(|extension| extension == "md");
    if is_prose || content.len() as u64 > SEARCHED {
        return false;
    }
    let depth = name.components().count() - 1;
    let mut ups = 0;
    let mut rest = content;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(b"../").or(rest.strip_prefix(b"..\\")) {
            ups += 1;
            rest = after;
        } else if let Some(after) = rest.strip_prefix(b"./") {
            rest = after;
        } else {
            ups = 0;
            rest = &rest[1..];
        }
        if ups > depth {
            return true;
        }
    }
    false
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::Origin;
    use spin_mcp_contract::Role;
    use spin_mcp_registry::Source;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            let folder = Folder(tempfile::tempdir().unwrap());
            folder.write("text/app.py", "print()");
            folder.write("text/lib/words.py", "import x");
            folder.write("other/app.py", "print()");
            folder
        }

        fn write(&self, path: &str, content: &str) {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }

        fn digest(&self, command: &str) -> Option<String> {
            let dir = self.0.path();
            let output = dir.join("text/text.wasm");
            let origin = Origin::Source(Source::File(output.clone()));
            let part = Part {
                build: Some(command.into()),
                ..Part::new(Role::Feature, "text".into(), origin, &dir.join("text"))
            };
            digest(dir, &part, command, std::slice::from_ref(&output))
        }
    }

    const COMMAND: &str = "sh build.sh text.wasm";

    #[test]
    fn what_a_build_reads_changes_its_digest() {
        let folder = Folder::new();
        let mut known = vec![folder.digest(COMMAND).unwrap()];
        let mut changed = |what: &str, command: &str| {
            let digest = folder.digest(command).unwrap();
            assert!(!known.contains(&digest), "{what}");
            known.push(digest);
        };
        folder.write("text/app.py", "print(1)");
        changed("a file", COMMAND);
        folder.write("text/lib/new.py", "");
        changed("a new file", COMMAND);
        fs::remove_file(folder.0.path().join("text/lib/words.py")).unwrap();
        changed("a file that is gone", COMMAND);
        folder.write("text/.npmrc", "x = 1");
        changed("a hidden file", COMMAND);
        changed("the command", "sh build.sh -O text.wasm");
        changed("the tool", "env build.sh text.wasm");
    }

    #[test]
    fn what_a_build_does_not_read_does_not() {
        let folder = Folder::new();
        folder.write(".gitignore", "__pycache__/\n*.log");
        folder.write("text/.gitignore", ".venv");
        let digest = folder.digest(COMMAND).unwrap();
        folder.write("text/text.wasm", "the output");
        folder.write("text/.venv/python", "what is ignored");
        folder.write("text/lib/__pycache__/words.pyc", "what is ignored above");
        folder.write("text/.git/HEAD", "no source");
        folder.write("other/app.py", "another feature");
        folder.write("README.md", "the app");
        folder.write("spin.toml", "the app");
        assert_eq!(folder.digest(COMMAND), Some(digest));
        assert!(folder.digest("sh bin/build.sh 2>/dev/null").is_some());
    }

    #[test]
    fn the_manifest_beside_a_source_does_not() {
        let folder = Folder::new();
        let dir = folder.0.path();
        let origin = Origin::Source(Source::File(dir.join("app.wasm")));
        let part = Part::new(Role::Feature, "app".into(), origin, dir);
        let before = digest(dir, &part, COMMAND, &[]);
        folder.write("spin.toml", "allow = []");
        assert_eq!(digest(dir, &part, COMMAND, &[]), before);
        folder.write("text/spin.toml", "of another app");
        assert_ne!(digest(dir, &part, COMMAND, &[]), before);
    }

    #[test]
    fn in_doubt_there_is_no_digest() {
        let folder = Folder::new();
        for command in [
            "cargo build",
            "sh -c 'cargo build' && cargo component",
            "sh ../build.sh",
            "sh $SCRIPT",
            "sh /opt/build.sh",
            "sh build.sh --with='/opt/lib'",
            "/bin/sh build.sh",
            "no-such-tool build",
        ] {
            assert_eq!(folder.digest(command), None, "{command}");
        }
        for (path, content) in [
            ("text/tsconfig.json", r#"{"include": ["../shared"]}"#),
            ("text/lib/words.py", "open('../../shared')"),
            ("text/lib/words.py", "open('.././../shared')"),
        ] {
            let folder = Folder::new();
            folder.write(path, content);
            assert_eq!(folder.digest(COMMAND), None, "{content}");
        }
        let folder = Folder::new();
        folder.write(
            "text/lib/words.py",
            "open('../app.py') or open('../lib/../app.py')",
        );
        assert!(folder.digest(COMMAND).is_some(), "it stays inside");
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("../other", folder.0.path().join("text/link")).unwrap();
            assert_eq!(folder.digest(COMMAND), None, "a linked folder");
        }
        let folder = Folder::new();
        folder.write(".gitignore", "*");
        assert_eq!(folder.digest(COMMAND), None, "nothing is left to read");
    }
}
