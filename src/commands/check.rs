//! `mcp check`.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

use spin_mcp_app::App;
use spin_mcp_hosts::{Finding, ServerFacts, Severity, Target, Verdict, check};

/// Say whether a composed MCP server fits the hosts that it is meant for.
///
/// Looks at what the server exports and imports, at its size and memory, and at the store that it
/// needs, and compares that with what each host has. Errors are what keeps it from running there;
/// notes are what to do or to know. Fails if there are errors.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # Whether the server of the current folder fits the targets of its spin.toml, or else each host
  spin mcp check

  # Whether it fits Fermyon Wasm Functions and Spin 3.4
  spin mcp check --target fermyon-wasm-functions --target spin@3.4

  # The hosts that a server in a file fits
  spin mcp check server.wasm --json | jq -r '.targets[] | select(.fits).target'")]
pub struct CheckCommand {
    /// The composed server [default: that of the app]
    #[arg(value_name = "SERVER")]
    server: Option<PathBuf>,

    /// A host: `spin@3`, `spin@4` or a release such as `spin@3.4`, `spinkube`, `fermyon-wasm-functions`,
    /// `wasmtime` [default: the `targets` of spin.toml, else all]
    #[arg(short, long, value_name = "HOST")]
    target: Vec<Target>,

    /// Print JSON
    #[arg(long)]
    json: bool,

    /// The app: its `spin.toml`, or the folder of it [default: the nearest one]
    #[arg(short, long, value_name = "PATH", conflicts_with = "server")]
    from: Option<PathBuf>,

    /// The component that is the MCP server, if the app has several
    #[arg(short, long, value_name = "ID", conflicts_with = "server")]
    component_id: Option<String>,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Report<'a> {
    server: String,
    fits: bool,
    targets: &'a [Verdict],
}

impl CheckCommand {
    pub fn run(self) -> Result<()> {
        let app = match &self.server {
            Some(_) => None,
            None => Some(App::find(
                self.from.as_deref(),
                self.component_id.as_deref(),
            )?),
        };
        let path = match (&app, self.server) {
            (Some(app), _) => app.output.clone(),
            (None, server) => server.expect("there is an app without it"),
        };
        if app.is_some() {
            ensure!(
                path.is_file(),
                "no server at `{}`: `spin mcp build` builds it",
                path.display()
            );
        }
        let shown = path.display().to_string();
        let bytes = fs::read(&path).with_context(|| format!("cannot read `{shown}`"))?;
        let mut server = ServerFacts::read(&shown, &bytes)?;
        let mut targets = self.target;
        if let Some(app) = app {
            server.stores = Some(app.key_value_stores.clone());
            if targets.is_empty() {
                targets = app.known_targets();
            }
        }
        if targets.is_empty() {
            targets.extend(Target::ALL);
        }
        let verdicts: Vec<_> = targets
            .iter()
            .map(|target| check(&server, target))
            .collect();
        let unfit: Vec<_> = verdicts.iter().filter(|verdict| !verdict.fits).collect();
        let mut stdout = std::io::stdout().lock();
        if self.json {
            let report = Report {
                server: shown.clone(),
                fits: unfit.is_empty(),
                targets: &verdicts,
            };
            writeln!(stdout, "{}", serde_json::to_string_pretty(&report)?)?;
        } else {
            for verdict in &verdicts {
                print(&mut stdout, verdict)?;
            }
        }
        if !unfit.is_empty() {
            let unfit: Vec<_> = unfit
                .iter()
                .map(|verdict| format!("`{}`", verdict.target))
                .collect();
            bail!("`{shown}` does not fit {}", unfit.join(", "));
        }
        Ok(())
    }
}

fn print(stdout: &mut impl Write, verdict: &Verdict) -> std::io::Result<()> {
    let fits = match verdict.fits {
        true => "fits",
        false => "does not fit",
    };
    writeln!(stdout, "{}: {fits}", verdict.target)?;
    verdict
        .findings
        .iter()
        .try_for_each(|finding| writeln!(stdout, "  {}", describe(finding)))
}

/// A finding and its remedy, in two lines.
fn describe(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Note => "note",
    };
    format!("{severity}: {}\n    {}", finding.message, finding.remedy)
}

/// Warns of what keeps a server from running on the targets of its app.
pub(super) fn warn(app: &App, component: &[u8]) -> Result<()> {
    let targets = app.known_targets();
    if targets.is_empty() {
        return Ok(());
    }
    let mut server = ServerFacts::read(&app.output.display().to_string(), component)?;
    server.stores = Some(app.key_value_stores.clone());
    for target in targets {
        let errors = check(&server, &target).findings.into_iter();
        for error in errors.filter(|finding| finding.severity == Severity::Error) {
            eprintln!(
                "warning: the server does not fit `{target}`: {}\n    {}",
                error.message, error.remedy
            );
        }
    }
    Ok(())
}
