//! `mcp auth test`.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use spin_mcp_app::App;
use spin_mcp_contract::{Record, record::Offers};
use spin_mcp_rego::{Files, Outcome, Targets, test};
use spin_mcp_runner::plain;

use super::super::AppArgs;

/// Run the tests of the policy.
///
/// Tests are rules that begin with `test_`, in files beside the policy whose names end with
/// `_test.rego`. A test passes if its rule is true. A test that asks about a tool, prompt or resource
/// that the server does not have is an error.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # Run the tests of the app in the current folder
  spin mcp auth test

  # List the tests that fail
  spin mcp auth test --json | jq -r '.tests[] | select(.passed | not).name'")]
pub struct TestCommand {
    /// The app: its `spin.toml` or its folder [default: the nearest `spin.toml`]
    #[arg(value_name = "APP", conflicts_with = "from")]
    path: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    app: AppArgs,
}

/// The output of `--json`.
#[derive(Serialize)]
struct Report {
    passed: bool,
    tests: Vec<Test>,
}

#[derive(Serialize)]
struct Test {
    name: String,
    place: String,
    passed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    milliseconds: f64,
}

impl From<Outcome> for Test {
    fn from(outcome: Outcome) -> Test {
        Test {
            name: outcome.name,
            place: outcome.place,
            passed: outcome.passed,
            error: outcome.error,
            milliseconds: (outcome.time.as_secs_f64() * 100_000.0).round() / 100.0,
        }
    }
}

impl TestCommand {
    pub fn run(self) -> Result<()> {
        let from = self.path.as_deref().or(self.app.from());
        let app = App::find(from, self.app.component_id())?;
        let rego = app.rego()?;
        let files = Files::read(&rego.dir, &rego.file)?;
        let targets = targets(&app)?;
        let outcomes = test(&files.policy, &files.tests, &rego.data, targets.as_ref())?;
        ensure!(
            !outcomes.is_empty(),
            "no tests beside `{}`; write rules that begin with `test_` into `policy_test.rego`",
            rego.file.display()
        );
        let tests: Vec<Test> = outcomes.into_iter().map(Test::from).collect();
        let failed = tests.iter().filter(|test| !test.passed).count();
        let count = tests.len();
        let mut stdout = std::io::stdout().lock();
        if self.json {
            let report = Report {
                passed: failed == 0,
                tests,
            };
            writeln!(stdout, "{}", serde_json::to_string_pretty(&report)?)?;
        } else {
            for test in &tests {
                let (name, time) = (plain::line(&test.name), test.milliseconds);
                match test.passed {
                    true => writeln!(stdout, "ok      {name} ({time} ms)")?,
                    false => writeln!(stdout, "failed  {name} ({time} ms), at {}", test.place)?,
                }
                if let Some(error) = &test.error {
                    writeln!(stdout, "        {}", plain::line(error))?;
                }
            }
        }
        if failed > 0 {
            bail!("{failed} of {count} tests failed");
        }
        Ok(())
    }
}

/// The names that clients see; none if they are not known.
fn targets(app: &App) -> Result<Option<Targets>> {
    let shown = app.output.display();
    if !app.output.is_file() {
        eprintln!(
            "note: the names of tools, prompts and resources are not checked, because there is no server at \
             `{shown}`; run `spin mcp build`"
        );
        return Ok(None);
    }
    let bytes = fs::read(&app.output).with_context(|| format!("cannot read `{shown}`"))?;
    let record = Record::read(&bytes)?;
    let Some(record) = record.filter(|record| !record.features.iter().any(|of| of.dynamic)) else {
        return Ok(None);
    };
    let mut targets = Targets::default();
    let mut add = |offers: &Offers| {
        let tools = offers.tools.iter().map(|tool| tool.name.clone());
        targets.tools.extend(tools);
        let prompts = offers.prompts.iter().map(|prompt| prompt.name.clone());
        targets.prompts.extend(prompts);
        let resources = offers.resources.iter().map(|resource| resource.uri.clone());
        targets.resources.extend(resources);
        let templates = offers.resource_templates.iter();
        let templates = templates.map(|template| template.uri_template.clone());
        targets.resources.extend(templates);
    };
    match (&record.offers, record.middleware.is_empty()) {
        (Some(offers), _) => add(offers),
        (None, true) => record.features.iter().for_each(|of| add(&of.offers)),
        (None, false) => return Ok(None),
    }
    Ok(Some(targets))
}
