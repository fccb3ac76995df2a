//! `mcp templates`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;

use crate::templates;

/// Install the templates for `spin new` and `spin add`.
#[derive(Debug, clap::Subcommand)]
pub enum TemplatesCommand {
    Install(InstallCommand),
    List(ListCommand),
}

/// Install the templates of this version into Spin.
///
/// They replace those of another version. `spin templates list` shows what is installed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # Install the templates, and create an app from one
  spin mcp templates install
  spin new -t mcp-tool my-server")]
pub struct InstallCommand {
    /// The Spin program
    #[arg(
        long,
        value_name = "PROGRAM",
        env = "SPIN_BIN_PATH",
        default_value = "spin",
        hide_env_values = true
    )]
    spin: PathBuf,
}

/// List the templates of this version.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # List what `spin mcp templates install` installs
  spin mcp templates list")]
pub struct ListCommand {}

impl TemplatesCommand {
    pub fn run(self) -> Result<()> {
        match self {
            Self::Install(command) => templates::install(&command.spin),
            Self::List(ListCommand {}) => list(),
        }
    }
}

fn list() -> Result<()> {
    let all = templates::all();
    let width = all.iter().map(|template| template.id.len()).max();
    let width = width.unwrap_or(0);
    let mut stdout = std::io::stdout().lock();
    for template in all {
        writeln!(stdout, "{:width$}  {}", template.id, template.description)?;
    }
    Ok(())
}
