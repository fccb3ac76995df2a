//! `mcp check`.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use spin_mcp_app::App;
use spin_mcp_contract::Record;
use spin_mcp_hosts::{Finding, ServerFacts, Severity, Target, Verdict, check};

use spin_mcp_runner::plain;

use super::AppArgs;
use crate::sdk;

/// Check whether a server can run on its target hosts.
///
/// Compares the server's exports, imports, size, memory and store with what each host provides.
/// An error means that the server cannot run on that host; a note says what the host or the app
/// must provide. The command fails if there is an error.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # Check the server of the app against the targets in its spin.toml, or else against all hosts
  spin mcp check

  # Check it against Fermyon Wasm Functions and Spin 3.4
  spin mcp check --target fermyon-wasm-functions --target spin@3.4

  # List the hosts that can run a server in a file
  spin mcp check server.wasm --json | jq -r '.targets[] | select(.fits).target'")]
pub struct CheckCommand {
    /// The file of the server [default: the server of the app]
    #[arg(value_name = "SERVER", conflicts_with_all = ["from", "component_id"])]
    server: Option<PathBuf>,

    /// A host: `spin@3`, `spin@4`, a release such as `spin@3.4`, `spinkube`, `fermyon-wasm-functions`
    /// or `wasmtime`; can be repeated [default: the `targets` in spin.toml, or else all hosts]
    #[arg(short, long, value_name = "HOST")]
    target: Vec<Target>,

    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    app: AppArgs,
}

/// The output of `--json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    server: String,
    fits: bool,
    /// The functions that are not tools, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<String>,
    targets: &'a [Verdict],
}

impl CheckCommand {
    pub fn run(self) -> Result<()> {
        let (path, app) = match self.server {
            Some(path) => (path, None),
            None => {
                let app = self.app.find_built()?;
                (app.output.clone(), Some(app))
            }
        };
        let shown = path.display().to_string();
        let bytes = fs::read(&path).with_context(|| format!("cannot read `{shown}`"))?;
        let mut server = ServerFacts::read(&shown, &bytes)?;
        let mut targets = self.target;
        if let Some(app) = app {
            sdk::note(&app)?;
            add_app(&mut server, &app);
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
        let record = Record::read(&bytes)?;
        let left_out: Vec<_> = record.iter().flat_map(Record::left_out).collect();
        if self.json {
            let report = Report {
                left_out,
                server: shown.clone(),
                fits: unfit.is_empty(),
                targets: &verdicts,
            };
            writeln!(stdout, "{}", serde_json::to_string_pretty(&report)?)?;
        } else {
            for verdict in &verdicts {
                print(&mut stdout, verdict)?;
            }
            for left in left_out {
                writeln!(stdout, "note: {}", plain::line(&left))?;
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

/// A finding and its remedy on two lines.
fn describe(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Note => "note",
    };
    format!("{severity}: {}\n    {}", finding.message, finding.remedy)
}

/// Adds what `spin.toml` says.
fn add_app(server: &mut ServerFacts, app: &App) {
    server.stores = Some(app.key_value_stores.clone());
    server.outbound = Some(app.outbound_hosts.clone());
    server.unrouted = app.unrouted();
}

/// Prints a warning for each reason why a server cannot run on a target of its app.
pub(super) fn warn(app: &App, component: &[u8]) -> Result<()> {
    let targets = app.known_targets();
    if targets.is_empty() {
        return Ok(());
    }
    let mut server = ServerFacts::read(&app.output.display().to_string(), component)?;
    add_app(&mut server, app);
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
