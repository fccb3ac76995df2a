//! `mcp update`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};

use spin_mcp_app::App;
use spin_mcp_registry::Resolver;

/// Move the tags of an app's features to what their registries have now.
///
/// Writes `mcp.lock`, and nothing else; `spin mcp build` composes what it says. A feature that is
/// a file, a URL or a reference with a digest has nothing that could move.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # Move every tag of the app
  spin mcp update

  # Move that of one feature, and compose the app with it
  spin mcp update weather
  spin mcp compose")]
pub struct UpdateCommand {
    /// The features to update [default: all that have a tag]
    #[arg(value_name = "FEATURE")]
    features: Vec<String>,

    /// The app: its `spin.toml`, or the folder of it [default: the nearest one]
    #[arg(short, long, value_name = "PATH")]
    from: Option<PathBuf>,

    /// The component that is the MCP server, if the app has several
    #[arg(short, long, value_name = "ID")]
    component_id: Option<String>,
}

impl UpdateCommand {
    pub fn run(self) -> Result<()> {
        let app = App::find(self.from.as_deref(), self.component_id.as_deref())?;
        let mut chosen = vec![];
        for name in &self.features {
            match app.parts().find(|part| part.name == *name) {
                None => {
                    let known: Vec<_> = app.parts().map(|part| part.name.as_str()).collect();
                    bail!(
                        "the app has no feature or middleware `{name}`: it has `{}`",
                        known.join("`, `")
                    );
                }
                Some(part) if part.tag().is_none() => bail!(
                    "{} `{name}` has no tag that could move: its source is `{}`",
                    part.role,
                    part.origin
                ),
                Some(part) => chosen.push(part),
            }
        }
        if self.features.is_empty() {
            chosen.extend(app.parts());
        }
        let tags: Vec<_> = chosen
            .into_iter()
            .filter_map(|part| Some((&part.name, part.tag()?)))
            .collect();
        let mut resolver = Resolver::of_app(&app.dir, false)?;
        let mut lines = vec![];
        for (name, reference) in &tags {
            let (before, now) = resolver.update(reference)?;
            lines.push(match before {
                Some(before) if before == now => {
                    format!("{name}: {reference} is {} still", now.short())
                }
                Some(before) => format!(
                    "{name}: {reference} was {}, and is {}",
                    before.short(),
                    now.short()
                ),
                None => format!("{name}: {reference} is {}", now.short()),
            });
        }
        resolver.retain(&app.tags)?;
        resolver.save()?;
        if lines.is_empty() {
            lines.push("no feature has a tag that could move".into());
        }
        let mut stdout = std::io::stdout().lock();
        for line in lines {
            writeln!(stdout, "{line}")?;
        }
        Ok(())
    }
}
