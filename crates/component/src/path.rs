//! Paths in a manifest: relative to its folder, with `/` between their parts.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

/// The folder of a manifest; never empty.
pub fn dir_of(manifest: &Path) -> PathBuf {
    match manifest.parent() {
        Some(dir) if dir != Path::new("") => dir.to_owned(),
        _ => ".".into(),
    }
}

/// The path that a manifest in `dir` writes as `path`, without `.` in it.
pub fn in_dir(dir: &Path, path: impl AsRef<Path>) -> PathBuf {
    let parts = dir.join(path);
    let parts = parts.components().filter(|part| *part != Component::CurDir);
    match parts.collect::<PathBuf>() {
        here if here == Path::new("") => ".".into(),
        path => path,
    }
}

/// `path` as seen from `dir`, with `/` between its parts.
pub fn relative(dir: &Path, path: &Path) -> Result<String> {
    let absolute = |path: &Path| {
        path.canonicalize()
            .with_context(|| format!("cannot find `{}`", path.display()))
    };
    // If the file is a link, keep the name of the link.
    let name = path.file_name().context("a file has a name")?;
    let parent = absolute(&dir_of(path))?;
    let dir = absolute(dir)?;
    let shared = dir
        .components()
        .zip(parent.components())
        .take_while(|(a, b)| a == b)
        .count();
    if shared == 0 {
        return Ok(parent.join(name).to_string_lossy().replace('\\', "/"));
    }
    let up = dir.components().skip(shared).map(|_| "..".into());
    let down = parent
        .components()
        .skip(shared)
        .map(|c| c.as_os_str().to_string_lossy());
    let parts: Vec<Cow<str>> = up.chain(down).chain([name.to_string_lossy()]).collect();
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_as_short_as_they_can_be() {
        let here = Path::new(".");
        assert_eq!(in_dir(here, "./a/./b.wasm").to_str(), Some("a/b.wasm"));
        assert_eq!(in_dir(here, "").to_str(), Some("."));
        assert_eq!(
            in_dir(Path::new("app"), "../a.wasm").to_str(),
            Some("app/../a.wasm")
        );
        assert_eq!(dir_of(Path::new("spin.toml")), here);
        assert_eq!(dir_of(Path::new("app/spin.toml")), Path::new("app"));
    }

    #[test]
    fn files_are_named_from_the_folder_of_the_manifest() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        std::fs::create_dir_all(dir.join("app/text")).unwrap();
        std::fs::create_dir(dir.join("other")).unwrap();
        let from_app = |path: &str| relative(&dir.join("app"), &dir.join(path)).unwrap();
        assert_eq!(from_app("app/a.wasm"), "a.wasm");
        assert_eq!(from_app("app/text/a.wasm"), "text/a.wasm");
        assert_eq!(from_app("app/text/../../other/a.wasm"), "../other/a.wasm");
        assert!(relative(dir, &dir.join("missing/a.wasm")).is_err());
    }
}
