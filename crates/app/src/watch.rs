//! The files that `spin watch` must watch to build features and middleware again.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use anyhow::{Context as _, Result};
use ignore::gitignore::GitignoreBuilder;

use super::build::files;
use super::{App, Origin, Part};

/// Extensions of files whose changes need no build.
const NOT_WATCHED: [&str; 3] = ["lock", "md", "wasm"];

impl App {
    /// The patterns for parts of which the component's `watch` matches no file.
    pub fn missing_watch(&self) -> Result<Vec<String>> {
        let mut missing = vec![];
        let mut watched = GitignoreBuilder::new(".");
        for pattern in &self.watch {
            watched
                .add_line(None, pattern)
                .with_context(|| format!("`{pattern}` in `watch` is not a pattern"))?;
        }
        // Spin matches with this crate, too.
        let watched = watched.build()?;
        for part in self.parts().filter(|part| part.build.is_some()) {
            let (workdir, sources) = self.sources(part)?;
            let watches = |file: &String| watched.matched(file, false).is_ignore();
            if sources.iter().any(watches) {
                continue;
            }
            let patterns: BTreeSet<_> =
                sources.iter().map(|file| pattern(&workdir, file)).collect();
            missing.extend(
                patterns
                    .into_iter()
                    .filter(|pattern| !self.watch.contains(pattern)),
            );
        }
        // What a build writes would begin another one.
        let unbuilt = self.features.iter().filter(|part| part.build.is_none());
        let documents = unbuilt.filter_map(|part| match &part.origin {
            Origin::OpenApi(of) => of.document.canonicalize().ok(),
            _ => None,
        });
        let top = self.dir.canonicalize()?;
        for document in documents {
            let Ok(document) = document.strip_prefix(&top) else {
                continue;
            };
            if !watched.matched(document, false).is_ignore() {
                missing.push(format!(
                    "/{}",
                    document.to_string_lossy().replace('\\', "/")
                ));
            }
        }
        missing.dedup();
        Ok(missing)
    }

    /// The folder of a part, empty or with `/` at its end, and the files in it, relative to the
    /// folder of `spin.toml`. Files outside of the app or of another part's folder do not count.
    fn sources(&self, part: &Part) -> Result<(String, Vec<String>)> {
        let cannot = || format!("cannot read the folder of {} `{}`", part.role, part.name);
        let top = self.dir.canonicalize().with_context(cannot)?;
        let own = part.workdir.canonicalize().with_context(cannot)?;
        let others = self.parts().map(|other| other.workdir.canonicalize());
        let others: Vec<_> = others
            .filter_map(Result::ok)
            .filter(|other| *other != own && other.starts_with(&own))
            .collect();
        let outputs: Vec<_> = self.parts().filter_map(Part::file).cloned().collect();
        let files = files(&top, &own, &outputs).with_context(cannot)?;
        let sources = files
            .iter()
            .filter(|file| !others.iter().any(|other| file.starts_with(other)))
            .filter_map(|file| file.strip_prefix(&top).ok())
            .filter(|file| is_watched(file));
        let shown = |path: &Path| path.to_string_lossy().replace('\\', "/");
        let workdir = match own.strip_prefix(&top).map(shown) {
            Ok(workdir) if !workdir.is_empty() => format!("{workdir}/"),
            _ => String::new(),
        };
        Ok((workdir, sources.map(shown).collect()))
    }
}

fn is_watched(file: &Path) -> bool {
    let hidden = |part: Component| part.as_os_str().as_encoded_bytes().starts_with(b".");
    let extension = file.extension().and_then(|extension| extension.to_str());
    !file.components().any(hidden)
        && file != Path::new("spin.toml")
        && !extension.is_some_and(|extension| NOT_WATCHED.contains(&extension))
}

/// A pattern for all files with the extension of this one: in `workdir`, or anywhere in the same
/// folder of `workdir`.
fn pattern(workdir: &str, file: &str) -> String {
    let within = file.strip_prefix(workdir).unwrap_or(file);
    let folder = match within.split_once('/') {
        Some((folder, _)) => format!("{workdir}{folder}/**/"),
        // Without `/`, the pattern would match at any depth.
        None if workdir.is_empty() => "/".to_owned(),
        None => workdir.to_owned(),
    };
    let name = within.rsplit('/').next().unwrap_or(within);
    match name.rsplit_once('.') {
        Some((_, extension)) => format!("{folder}*.{extension}"),
        None => format!("{folder}{name}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::Manifest;

    const BUILD: &str = "[component.mcp.build]\ncommand = \"spin mcp build\"";
    const FEATURES: &str = r#"
[component.mcp.tool.mcp.features.words]
source = "target/words.wasm"
build = "cargo build"
[component.mcp.tool.mcp.features.text]
source = "text/text.wasm"
build = "python3 build.py"
workdir = "text"
"#;

    /// Edits `watch` of an app with a feature in Rust and one in Python. Returns what was missing,
    /// and the lines of `watch` after that.
    fn watched(watch: &str) -> (Vec<String>, String) {
        let dir = tempfile::tempdir().unwrap();
        for file in [
            ".gitignore",
            "Cargo.lock",
            "Cargo.toml",
            "README.md",
            "src/lib.rs",
            "src/words/mod.rs",
            "target/words.wasm",
            "text/Makefile",
            "text/app.py",
            "text/build.py",
            "text/requirements.txt",
            "text/text.wasm",
            "text/.venv/python.py",
        ] {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        fs::write(dir.path().join(".gitignore"), "target/\n.venv/\n").unwrap();
        let path = dir.path().join("spin.toml");
        let text = format!(
            "spin_manifest_version = 2\napplication = {{ name = \"app\" }}\n\
             [component.mcp]\nsource = \"mcp.wasm\"\n{BUILD}\n{watch}{FEATURES}"
        );
        fs::write(&path, &text).unwrap();
        let mut manifest = Manifest::open(&path).unwrap();
        let missing = manifest.app(None).unwrap().missing_watch().unwrap();
        manifest.ensure_watch("mcp", &missing).unwrap();
        manifest.save().unwrap();
        let edited = fs::read_to_string(&path).unwrap();
        let app = Manifest::open(&path).unwrap().app(None).unwrap();
        assert_eq!(app.missing_watch().unwrap(), [""; 0], "of {:?}", app.watch);
        let (_, after) = edited.split_once(&format!("{BUILD}\n")).unwrap();
        let (lines, _) = after.split_once(FEATURES).expect("all else is as it was");
        (missing, lines.to_owned())
    }

    #[test]
    fn unwatched_features_are_added() {
        let (missing, lines) = watched("");
        let words = ["/*.toml", "src/**/*.rs"];
        let text = ["text/*.py", "text/*.txt", "text/Makefile"];
        assert_eq!(missing, [&words[..], &text[..]].concat());
        assert!(
            lines.starts_with("watch = [\"/*.toml\", \"src/**/*.rs\", "),
            "{lines}"
        );

        let (missing, lines) = watched("watch = [\"src/**/*.rs\", ] # mine\n");
        assert_eq!(missing, text);
        let added =
            r#"watch = ["src/**/*.rs", "text/*.py", "text/*.txt", "text/Makefile", ] # mine"#;
        assert_eq!(lines, format!("{added}\n"));

        for (last, comma) in [("", ""), (",", ","), (", # the code", ",")] {
            let (_, lines) = watched(&format!("watch = [\n    \"src/**/*.rs\"{last}\n]\n"));
            let comment = last.trim_start_matches(',');
            assert_eq!(
                lines,
                format!(
                    "watch = [\n    \"src/**/*.rs\",{comment}\n    \"text/*.py\",\n    \
                     \"text/*.txt\",\n    \"text/Makefile\"{comma}\n]\n"
                )
            );
        }
        assert_eq!(watched("watch = []\n").0.len(), 5);
    }

    #[test]
    fn documents_are_watched() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = "spin_manifest_version = 2\napplication = { name = \"app\" }\n\
             [component.mcp]\nsource = \"mcp.wasm\"\n[component.mcp.build]\ncommand = \"true\"\nwatch = WATCH\n\
             [component.mcp.tool.mcp.features.one.openapi]\ndocument = \"api/one.yaml\"\n\
             [component.mcp.tool.mcp.features.two]\nbuild = \"true\"\nworkdir = \"api\"\n\
             openapi = { document = \"api/two.json\" }\n";
        fs::create_dir(dir.path().join("api")).unwrap();
        for file in ["api/one.yaml", "api/two.json", "api/source.py"] {
            fs::write(dir.path().join(file), "").unwrap();
        }
        let missing = |watch: &str| {
            let path = dir.path().join("spin.toml");
            fs::write(&path, manifest.replace("WATCH", watch)).unwrap();
            let app = Manifest::open(&path).unwrap().app(None).unwrap();
            app.missing_watch().unwrap()
        };
        assert_eq!(missing("[]"), ["api/*.py", "/api/one.yaml"]);
        assert_eq!(missing("[\"api/*.py\"]"), ["/api/one.yaml"]);
        assert_eq!(missing("[\"api/*\"]"), [""; 0]);
    }

    #[test]
    fn watched_features_change_nothing() {
        let own = "watch = [\"Cargo.toml\", \"text/app.*\"]\n";
        assert_eq!(watched(own), (vec![], own.to_owned()));
        let own = "watch = [\"*.rs\", \"*.py\"]\n";
        assert_eq!(watched(own), (vec![], own.to_owned()), "at any depth");
    }
}
