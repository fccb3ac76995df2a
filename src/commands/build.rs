//! `mcp build`.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::app::{self, App};
use crate::compose::{Composed, compose};

/// Build every feature of an app, then compose its MCP server.
///
/// Runs the `build` command of each feature in `spin.toml`, in order, and writes the server
/// to the `source` of its component. `spin build` calls it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # Build the app of the current folder
  spin mcp build

  # Build another one
  spin mcp build --from ../my-server/spin.toml")]
pub struct BuildCommand {
    /// The app: its `spin.toml`, or the folder of it [default: the nearest one]
    #[arg(short, long, value_name = "PATH")]
    from: Option<PathBuf>,

    /// The component that is the MCP server, if the app has several
    #[arg(short, long, value_name = "ID")]
    component_id: Option<String>,
}

impl BuildCommand {
    pub fn run(self) -> Result<()> {
        let app = App::find(self.from.as_deref(), self.component_id.as_deref())?;
        app.build()?;
        let composed = compose(&app.composition()?)?;
        app::replace(&app.output, &composed.component)?;
        writeln!(std::io::stdout(), "{}", summary(&app.output, &composed))?;
        Ok(())
    }
}

/// What was composed, in one line.
pub(super) fn summary(output: &Path, composed: &Composed) -> String {
    let count = |number: usize, noun: &str| match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    };
    format!(
        "composed `{}`: {}, {}, {} KB",
        output.display(),
        count(composed.record.features.len(), "feature"),
        count(composed.record.tools().count(), "tool"),
        composed.component.len().div_ceil(1000)
    )
}
