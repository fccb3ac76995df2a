//! `mcp update`.

use std::io::Write;

use anyhow::{Result, bail};

use spin_mcp_registry::Resolver;

use super::AppArgs;
use crate::{sdk, terminal};

/// Renew the SDK folders of an app, and record what its tags lead to now.
///
/// The SDK folder of a feature (`sdk` in Python, `spin-mcp` in TypeScript, `spin-mcp-sdk` in Rust) becomes that of this
/// `spin mcp`. Files in it that you edited stay as they are, and the command names them.
///
/// Writes `mcp.lock` and does not compose. A file, a URL and a reference with a digest have no tag.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # Renew all SDK folders, and move all tags of the app
  spin mcp update

  # Move the tag of one feature, and compose the app with it
  spin mcp update weather
  spin mcp compose")]
pub struct UpdateCommand {
    /// The features and middleware to update [default: all]
    #[arg(value_name = "FEATURE")]
    features: Vec<String>,

    /// Replace files of SDK folders that were edited, too
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    app: AppArgs,
}

impl UpdateCommand {
    pub fn run(self) -> Result<()> {
        let app = self.app.find()?;
        let folders = sdk::folders(&app)?;
        let has_sdk = |part: &str| folders.iter().any(|(name, _)| name == part);
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
                Some(part) if part.tag().is_none() && !has_sdk(name) => bail!(
                    "{} `{name}` has neither a tag nor an SDK folder: its source is `{}`",
                    part.role,
                    part.origin
                ),
                Some(part) => chosen.push(part),
            }
        }
        if self.features.is_empty() {
            chosen.extend(app.parts());
        }
        let mut stdout = std::io::stdout().lock();
        let mut refusals = vec![];
        for (name, folder) in &folders {
            if chosen.iter().any(|part| part.name == *name) {
                match folder.renew(self.force) {
                    Ok(lines) => lines
                        .iter()
                        .try_for_each(|line| writeln!(stdout, "{line}"))?,
                    // The tags can be moved anyway.
                    Err(refusal) => refusals.push(refusal),
                }
            }
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
                    format!("{name}: {reference} is still {}", now.short())
                }
                Some(before) => format!(
                    "{name}: {reference} was {}, is now {}",
                    before.short(),
                    now.short()
                ),
                None => format!("{name}: {reference} is {}", now.short()),
            });
        }
        resolver.retain(&app.tags)?;
        resolver.save()?;
        if lines.is_empty() && folders.is_empty() {
            lines.push("no feature or middleware has a tag or an SDK folder".into());
        }
        for line in lines {
            writeln!(stdout, "{line}")?;
        }
        let last = refusals.pop();
        refusals.iter().for_each(terminal::print_error);
        last.map_or(Ok(()), Err)
    }
}
