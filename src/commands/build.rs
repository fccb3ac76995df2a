//! `mcp build`.

use std::io::Write;
use std::num::NonZeroUsize;
use std::{env, thread};

use anyhow::Result;

use spin_mcp_app::{App, BuildOptions, Manifest};
use spin_mcp_component::file;
use spin_mcp_compose::{Composed, Listed, compose_again};
use spin_mcp_protocol::catalog::uncached;
use spin_mcp_registry::Resolver;
use spin_mcp_runner::{RunOptions, Runner};

use super::{AppArgs, check};
use crate::{sdk, terminal};

/// Build the features and middleware of an app, then compose its MCP server.
///
/// Runs the `build` command of each feature and middleware in `spin.toml`, and writes the composed
/// server to the `source` of its component. `spin build` calls this command.
///
/// Build commands run in parallel; those that share a `workdir` run in order. A feature whose
/// folder, command and tools are unchanged is not built again. Files that `.gitignore` names do not
/// count as part of the folder. Cargo always runs, because it decides for itself what is up to date.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # Build the app in the current folder
  spin mcp build

  # Rebuild every feature, one at a time
  spin mcp build --force --jobs 1

  # Build another app
  spin mcp build --from ../my-server/spin.toml")]
pub struct BuildCommand {
    #[command(flatten)]
    app: AppArgs,

    /// Fail if `mcp.lock` lacks a tag or would have to change
    #[arg(long)]
    locked: bool,

    /// Build every feature, including unchanged ones
    #[arg(long)]
    force: bool,

    /// Compile the server for this machine, too, so that the first `spin mcp serve` starts at once
    #[arg(long)]
    compile: bool,

    /// Run at most this many builds at a time [default: the number of cores]
    #[arg(short, long, value_name = "NUMBER")]
    jobs: Option<NonZeroUsize>,
}

/// The variable that says that the app is being worked on, as under `spin watch`: its lists change.
const DEV: &str = "SPIN_MCP_DEV";

pub(super) fn cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Builds an app, and writes its server.
pub(super) fn make(
    app: &App,
    options: &BuildOptions,
    locked: bool,
    listed: &mut Listed,
) -> Result<Composed> {
    app.build(options)?;
    let mut resolver = Resolver::of_app(&app.dir, locked)?;
    let composition = app.composition(&mut resolver)?;
    resolver.retain(&app.tags)?;
    let mut composed = compose_again(&composition, listed)?;
    if env::var_os(DEV).is_some_and(|value| !value.is_empty()) {
        uncached(&mut composed.component);
    }
    app.check_store(&composed.record)?;
    file::replace(&app.output, &composed.component)?;
    resolver.save()?;
    Ok(composed)
}

impl BuildCommand {
    pub fn run(self) -> Result<()> {
        let mut manifest = Manifest::find(self.app.from())?;
        let app = manifest.app(self.app.component_id())?;
        manifest.ensure_access(&app)?;
        let app = manifest.app(Some(&app.component))?;
        let jobs = self.jobs.unwrap_or_else(cores);
        let options = BuildOptions {
            force: self.force,
            jobs,
        };
        let composed = make(&app, &options, self.locked, &mut Listed::default())?;
        manifest.ensure_apis(&app)?;
        manifest.ensure_watch(&app.component, &app.missing_watch()?)?;
        manifest.save()?;
        terminal::print_notes(&composed);
        check::warn(&app, &composed.component)?;
        sdk::note(&app)?;
        let mut stdout = std::io::stdout().lock();
        for change in manifest.changes() {
            writeln!(stdout, "spin.toml: {change}")?;
        }
        writeln!(stdout, "{}", terminal::summary(&app.output, &composed))?;
        if self.compile {
            // Wasmtime keeps what it compiles in its cache.
            Runner::load(&app.output, RunOptions::default())?;
        }
        Ok(())
    }
}
