//! The server of `mcp serve --docs`: the documentation, and commands on what is below a folder.

use std::{
    env,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
};

use anyhow::{Context as _, Result, ensure};
use spin_mcp_component::{Digest, Pulled, Resolved};
use spin_mcp_compose::compose;
use spin_mcp_contract::{ComponentSource, Composition, Grant, Part, Runtime, ServerConfig, Wasi};
use spin_mcp_framework as framework;
use spin_mcp_runner::{Command, Commands, RunOptions, Runner};
use tokio::{io::AsyncWriteExt as _, process};

/// The name of the server.
pub const NAME: &str = "spin-mcp";

const INSTRUCTIONS: &str = "Documentation and commands of spin-mcp, which builds MCP servers out of WebAssembly \
    components. Search the documentation before you write code for such a server or edit its spin.toml. After a build, \
    `inspect`, `check` and `call` try the server.";

/// The most that is returned of what a command prints, in bytes.
const MAX_OUTPUT: usize = 200_000;

/// Composes the server. Its commands reach nothing outside of `folder`.
pub fn server(options: RunOptions, folder: PathBuf) -> Result<Runner> {
    let bytes = framework::docs();
    let component = Resolved::Pulled(Pulled {
        origin: "docs".into(),
        digest: Digest::of(bytes),
        bytes: Arc::new(bytes.into()),
    });
    let feature = Part {
        component: ComponentSource::Resolved(component),
        allow: vec![Grant::Wit("spin-mcp:local".into())],
        ..Part::feature("docs", PathBuf::new())
    };
    let composed = compose(&Composition {
        wasi: Wasi::P2,
        runtime: Runtime::Wasmtime,
        server: ServerConfig {
            name: NAME.into(),
            version: Some(env!("CARGO_PKG_VERSION").into()),
            instructions: Some(INSTRUCTIONS.into()),
            ..ServerConfig::default()
        },
        features: vec![feature],
        middleware: vec![],
        auth: None,
        overrides: vec![],
        sequence: false,
    })?;
    let commands: Commands = Arc::new(move |command, path, arguments| {
        let folder = folder.clone();
        Box::pin(async move {
            let ran = run(&folder, command, &path, arguments).await;
            ran.map_err(|error| format!("{error:#}"))
        })
    });
    let options = RunOptions {
        commands: Some(commands),
        ..options
    };
    Runner::compile(NAME, &composed.component, options)
}

/// Runs this program with a command, and returns what it prints.
async fn run(
    folder: &Path,
    command: Command,
    path: &str,
    arguments: Vec<String>,
) -> Result<String> {
    let path = inside(folder, path)?;
    let name = match command {
        Command::Inspect => "inspect",
        Command::Check => "check",
        Command::Call => "call",
    };
    let mut program = process::Command::new(env::current_exe()?);
    program.arg(name).current_dir(folder).env("NO_COLOR", "1");
    let is_server = path.is_file() && path.file_name().is_some_and(|name| name != "spin.toml");
    if !is_server {
        program.arg("--from").arg(&path);
    }
    let mut stdin = String::new();
    match command {
        Command::Inspect => {}
        Command::Check => arguments.iter().for_each(|host| {
            program.arg(format!("--target={host}"));
        }),
        Command::Call => {
            program.arg("--");
            stdin = arguments.get(1).cloned().unwrap_or_default();
        }
    }
    if is_server {
        program.arg(&path);
    }
    if command == Command::Call {
        program.args(arguments.first()).arg("-");
    }
    let mut child = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot run `mcp {name}`"))?;
    // A command that does not read it has failed, and says why.
    if let Some(mut pipe) = child.stdin.take() {
        let _ = pipe.write_all(stdin.as_bytes()).await;
    }
    let output = child.wait_with_output().await?;
    let printed = [output.stdout, output.stderr].map(|text| cut(&text));
    let printed = printed.join("\n").trim().to_owned();
    // That a server does not fit a host is an answer.
    ensure!(
        output.status.success() || command == Command::Check,
        "{printed}"
    );
    Ok(printed)
}

/// The path of what is at `path`, below `folder`.
fn inside(folder: &Path, path: &str) -> Result<PathBuf> {
    let folder = folder.canonicalize()?;
    let found = folder.join(path).canonicalize();
    let found = found.with_context(|| format!("cannot find `{path}` in `{}`", folder.display()))?;
    ensure!(
        found.starts_with(&folder),
        "`{path}` is outside of `{}`, where `spin mcp serve --docs` was started; start it in a folder that has both",
        folder.display()
    );
    Ok(found)
}

/// The beginning of what was printed.
fn cut(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    match text.len() > MAX_OUTPUT {
        true => format!(
            "{}\n… {} more bytes",
            &text[..text.floor_char_boundary(MAX_OUTPUT)],
            text.len() - MAX_OUTPUT
        ),
        false => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside_of_the_folder() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("app");
        std::fs::create_dir_all(folder.join("sub")).unwrap();
        std::fs::write(outer.path().join("other.wasm"), "").unwrap();
        std::fs::write(folder.join("mcp.wasm"), "").unwrap();
        for path in [".", "sub", "mcp.wasm", "sub/../mcp.wasm"] {
            assert!(inside(&folder, path).is_ok(), "{path}");
        }
        let absolute = folder.join("mcp.wasm");
        assert!(inside(&folder, absolute.to_str().unwrap()).is_ok());
        #[cfg(unix)]
        std::os::unix::fs::symlink("../other.wasm", folder.join("link.wasm")).unwrap();
        for path in ["..", "../other.wasm", "link.wasm", "/"] {
            let error = format!("{:#}", inside(&folder, path).unwrap_err());
            assert!(
                error.contains("outside of") || cfg!(windows),
                "{path}: {error}"
            );
        }
        let error = inside(&folder, "none.wasm").unwrap_err().to_string();
        assert!(error.starts_with("cannot find `none.wasm` in"), "{error}");
    }

    #[test]
    fn long_output_is_cut() {
        assert_eq!(cut(b"short"), "short");
        let long = "ä".repeat(MAX_OUTPUT);
        let cut = cut(long.as_bytes());
        assert!(
            cut.ends_with("… 200000 more bytes") && cut.len() < MAX_OUTPUT + 50,
            "{}",
            cut.len()
        );
    }
}
