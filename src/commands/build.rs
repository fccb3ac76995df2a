//! `mcp build`.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::Result;

use super::check;
use spin_mcp_app::{BuildOptions, Manifest};
use spin_mcp_component::file;
use spin_mcp_compose::{Composed, compose};
use spin_mcp_contract::grants;
use spin_mcp_contract::record::{Offers, Record};
use spin_mcp_registry::Resolver;
use spin_mcp_runner::plain;

/// Build the features of an app, then compose its MCP server.
///
/// Runs the `build` command of each feature in `spin.toml`, and writes the server to the
/// `source` of its component. `spin build` calls it.
///
/// Features are built at the same time, those that share a `workdir` in order. A feature whose
/// folder, command and tools are as they were is not built again; files that `.gitignore` names
/// do not count. Cargo decides for itself.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # Build the app of the current folder
  spin mcp build

  # Build all of it again, one feature after the other
  spin mcp build --force --jobs 1

  # Build another one
  spin mcp build --from ../my-server/spin.toml")]
pub struct BuildCommand {
    /// The app: its `spin.toml`, or the folder of it [default: the nearest one]
    #[arg(short, long, value_name = "PATH")]
    from: Option<PathBuf>,

    /// The component that is the MCP server, if the app has several
    #[arg(short, long, value_name = "ID")]
    component_id: Option<String>,

    /// Fail if `mcp.lock` does not say what every tag stands for, or would have to change
    #[arg(long)]
    locked: bool,

    /// Build every feature, also those that did not change
    #[arg(long)]
    force: bool,

    /// Build that many features at a time [default: as many as there are cores]
    #[arg(short, long, value_name = "NUMBER")]
    jobs: Option<NonZeroUsize>,
}

impl BuildCommand {
    pub fn run(self) -> Result<()> {
        let mut manifest = Manifest::find(self.from.as_deref())?;
        let app = manifest.app(self.component_id.as_deref())?;
        let cores = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        app.build(&BuildOptions {
            force: self.force,
            jobs: self.jobs.unwrap_or_else(cores),
        })?;
        let mut resolver = Resolver::of_app(&app.dir, self.locked)?;
        let composition = app.composition(&mut resolver)?;
        resolver.retain(&app.tags)?;
        let composed = compose(&composition)?;
        app.check_store(&composed.record)?;
        file::replace(&app.output, &composed.component)?;
        resolver.save()?;
        manifest.ensure_watch(&app.component, &app.missing_watch()?)?;
        manifest.save()?;
        note_grants(&composed.record);
        note_store(&composed.record);
        check::warn(&app, &composed.component)?;
        let mut stdout = std::io::stdout().lock();
        for change in manifest.changes() {
            writeln!(stdout, "spin.toml: {change}")?;
        }
        writeln!(stdout, "{}", summary(&app.output, &composed))?;
        Ok(())
    }
}

/// What was composed, in one line.
pub(super) fn summary(output: &Path, composed: &Composed) -> String {
    let record = &composed.record;
    let features = match record.features.len() {
        1 => "1 feature".to_owned(),
        number => format!("{number} features"),
    };
    let middleware = match record.middleware.len() {
        0 => String::new(),
        number => format!("{number} middleware, "),
    };
    format!(
        "composed `{}`: {features}, {middleware}{}{} KB",
        output.display(),
        counts(record.offered()),
        composed.component.len().div_ceil(1000)
    )
}

/// How much is offered, to be followed by more.
pub(super) fn counts<'a>(offered: impl Iterator<Item = &'a Offers> + Clone) -> String {
    let count = |of: fn(&Offers) -> usize| offered.clone().map(of).sum::<usize>();
    let counts = [
        (count(|offers| offers.tools.len()), "tool"),
        (count(|offers| offers.resources.len()), "resource"),
        (
            count(|offers| offers.resource_templates.len()),
            "resource template",
        ),
        (count(|offers| offers.prompts.len()), "prompt"),
    ];
    let shown = counts
        .iter()
        .enumerate()
        .filter_map(|(index, (number, noun))| match (number, index) {
            (0, 1..) => None,
            (1, _) => Some(format!("1 {noun}, ")),
            _ => Some(format!("{number} {noun}s, ")),
        });
    shown.collect()
}

/// Says what features may use and may not, where there is something to say.
pub(super) fn note_grants(record: &Record) {
    if let Some(table) = grants::table(record) {
        eprintln!("{}", plain::text(&table));
    }
}

/// Says which store the server needs, and why, if it does.
pub(super) fn note_store(record: &Record) {
    if let Some(need) = record.store_need() {
        eprintln!("note: the server {}", plain::line(&need));
    }
}
