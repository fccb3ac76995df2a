//! `mcp auth check`.

mod server;
mod token;

use std::io::Write;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use serde_json::{Value, json};
use spin_mcp_app::{App, Auth, Origin, auth::PINNED, find_manifest};
use spin_mcp_auth::{jwk, metadata};
use spin_mcp_component::file;
use spin_mcp_contract::grants::allows_origin;
use spin_mcp_contract::{ComponentSource, Keys};
use spin_mcp_registry::{Resolver, fetch};
use spin_mcp_runner::plain;

use super::super::AppArgs;

/// Check the authorization of a server: its settings, its issuers, its metadata, and a token.
///
/// The command fails if a check fails. `--offline` sends no requests.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # Check the app in the current folder, and its issuers
  spin mcp auth check

  # Check what clients get from a server
  spin mcp auth check https://mcp.example.com/mcp

  # Say why a token is refused, or what it may call
  spin mcp auth check --token \"$TOKEN\"

  # Write the keys of the issuers into files, for `jwks` in spin.toml
  spin mcp auth check --pin")]
pub struct CheckCommand {
    /// The URL of a server, or an app: its `spin.toml` or its folder [default: the nearest
    /// `spin.toml`]
    #[arg(value_name = "SERVER", conflicts_with = "from")]
    what: Option<String>,

    /// Also check this access token or API key
    #[arg(long, value_name = "TOKEN", env = "MCP_TOKEN", hide_env_values = true)]
    token: Option<String>,

    /// Send no request to issuers or the server
    #[arg(long, conflicts_with = "pin")]
    offline: bool,

    /// Write the keys of each issuer to the file that `jwks` names, or to one that it can name
    #[arg(long)]
    pin: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    app: AppArgs,
}

#[derive(Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Ok,
    Failed,
    Note,
}

/// A check and what came of it.
#[derive(Serialize)]
struct Check {
    check: String,
    outcome: Outcome,
    detail: String,
}

#[derive(Default, Serialize)]
struct Report {
    checks: Vec<Check>,
    /// What the token may call.
    tools: Vec<token::Tool>,
}

impl Report {
    fn add(&mut self, check: impl Into<String>, outcome: Outcome, detail: impl Into<String>) {
        self.checks.push(Check {
            check: check.into(),
            outcome,
            detail: detail.into(),
        });
    }

    /// Notes the result of a check, and returns what was found.
    fn found<T>(&mut self, check: &str, result: Result<(T, String)>) -> Option<T> {
        match result {
            Ok((found, detail)) => {
                self.add(check, Outcome::Ok, detail);
                Some(found)
            }
            Err(error) => {
                self.add(check, Outcome::Failed, format!("{error:#}"));
                None
            }
        }
    }
}

impl CheckCommand {
    /// The token; an empty one is none.
    fn token(&self) -> Option<&str> {
        self.token.as_deref().filter(|token| !token.is_empty())
    }

    pub fn run(self) -> Result<()> {
        let url = self.what.as_deref().filter(|what| what.contains("://"));
        let from = match (url, &self.what) {
            (None, Some(path)) => Some(PathBuf::from(path)),
            _ => self.app.from().map(PathBuf::from),
        };
        let app = match find_manifest(from.as_deref())? {
            Some(path) => Some(App::load(&path, self.app.component_id())?),
            None => None,
        };
        let mut report = Report::default();
        match &app {
            Some(App {
                auth: Some(auth), ..
            }) => self.check_app(app.as_ref().context("it is there")?, auth, &mut report)?,
            _ => ensure!(
                url.is_some(),
                "no table `auth` to check: write `[component.ID.tool.mcp.auth]` in spin.toml, or name the URL of a server"
            ),
        }
        if let Some(url) = url.filter(|_| !self.offline) {
            server::check(url, self.token(), &mut report);
        }
        let failed = report
            .checks
            .iter()
            .filter(|check| check.outcome == Outcome::Failed)
            .count();
        let mut stdout = std::io::stdout().lock();
        if self.json {
            writeln!(stdout, "{}", serde_json::to_string_pretty(&report)?)?;
        } else {
            for check in &report.checks {
                let outcome = match check.outcome {
                    Outcome::Ok => "ok",
                    Outcome::Failed => "failed",
                    Outcome::Note => "note",
                };
                let line = format!("{outcome:<6}  {}: {}", check.check, check.detail);
                writeln!(stdout, "{}", plain::line(&line))?;
            }
            for tool in &report.tools {
                writeln!(stdout, "{}", plain::line(&tool.to_string()))?;
            }
        }
        match failed {
            0 => Ok(()),
            1 => bail!("1 check failed"),
            number => bail!("{number} checks failed"),
        }
    }

    fn check_app(&self, app: &App, auth: &Auth, report: &mut Report) -> Result<()> {
        if self.pin {
            pin(app, auth, report)?;
        }
        let resolved = match auth.resolve(&mut Resolver::of_app(&app.dir, false)?) {
            Ok(resolved) => resolved,
            Err(error) => {
                report.add("settings", Outcome::Failed, format!("{error:#}"));
                return Ok(());
            }
        };
        for warning in &resolved.warnings {
            report.add("settings", Outcome::Note, warning);
        }
        for path in app.unrouted() {
            let problem = format!("no route leads to `{path}`; `spin mcp compose` adds it");
            report.add("routes", Outcome::Failed, problem);
        }
        let ComponentSource::Shipped(_) = resolved.authenticator.component else {
            let own = format!("`{}` decides who callers are", auth.authenticator.origin);
            report.add("settings", Outcome::Note, own);
            return Ok(());
        };
        let mut settings = resolved.authenticator.settings.clone().unwrap_or_default();
        settings.insert("store".into(), Value::Null);
        let issuers = resolved.issuers();
        let keys = settings["api_keys"].as_array().map_or(0, Vec::len);
        let text = Value::Object(settings.clone()).to_string();
        let read = spin_mcp_auth::Settings::read(&text)
            .context("the authenticator cannot read its settings")?;
        report.add(
            "settings",
            Outcome::Ok,
            format!("issuers: {}, API keys: {keys}", issuers.len()),
        );
        let mut sets = Vec::new();
        for (index, issuer) in issuers.iter().enumerate() {
            let name = format!("keys of {}", issuer.issuer);
            sets.push(match &issuer.keys {
                Keys::Pinned => {
                    report.add(name, Outcome::Ok, "they are pinned");
                    Some(json!({"keys": settings["issuers"][index]["jwks"]["keys"]}).to_string())
                }
                Keys::Variable(variable) => {
                    report.add(
                        name,
                        Outcome::Note,
                        format!("they are in the variable `{variable}`"),
                    );
                    std::env::var(format!("SPIN_VARIABLE_{}", variable.to_uppercase())).ok()
                }
                Keys::Fetched if self.offline => None,
                Keys::Fetched => {
                    report.found(&name, keys_of(&issuer.issuer, Some(&app.outbound_hosts)))
                }
            });
        }
        if let Some(text) = self.token() {
            let resource = auth
                .access
                .resource
                .as_deref()
                .unwrap_or("http://127.0.0.1:3000/mcp");
            let caller = token::check(&read, text, resource, &sets, report);
            if let Some(caller) = caller.filter(|_| app.output.is_file()) {
                report.tools = token::tools(&app.output, &caller.scopes)?;
            }
        }
        Ok(())
    }
}

/// Gets a JSON object.
fn object(url: &str) -> Result<Value> {
    let document =
        fetch(url, None, None, jwk::MAX_SET + 1).with_context(|| format!("cannot get `{url}`"))?;
    match document.location {
        Some(location) if (300..400).contains(&document.status) => {
            bail!("`{url}` redirects to `{location}`; name that address")
        }
        _ => ensure!(
            document.status == 200,
            "`{url}` answered {}",
            document.status
        ),
    }
    ensure!(
        document.body.len() <= jwk::MAX_SET,
        "`{url}` is larger than {} KiB",
        jwk::MAX_SET >> 10
    );
    let value = serde_json::from_slice::<Value>(&document.body).ok();
    value
        .filter(Value::is_object)
        .with_context(|| format!("`{url}` is not a JSON object"))
}

/// The JWK set of an issuer, and where it is. `hosts`: what the server may call.
fn keys_of(issuer: &str, hosts: Option<&[String]>) -> Result<(String, String)> {
    let (origin, path) = metadata::split(issuer);
    let path = path.trim_end_matches('/');
    let base = issuer.trim_end_matches('/');
    let places = [
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
        format!("{origin}/.well-known/openid-configuration{path}"),
        format!("{base}/.well-known/openid-configuration"),
    ];
    let mut problems = vec![];
    for place in places {
        let found = match object(&place) {
            Ok(found) => found,
            Err(error) => {
                problems.push(format!("{error:#}"));
                continue;
            }
        };
        let named = found["issuer"].as_str().unwrap_or_default();
        ensure!(
            named == issuer,
            "`{place}` names the issuer `{named}`, which must be the same text as `issuer` in spin.toml"
        );
        let address = found["jwks_uri"].as_str();
        let address = address.with_context(|| format!("`{place}` has no `jwks_uri`"))?;
        let host = metadata::split(address).0;
        ensure!(
            hosts.is_none_or(|hosts| allows_origin(hosts, host)),
            "the keys are at `{address}`; add `{host}` to `allowed_outbound_hosts` of the component in spin.toml"
        );
        let set = object(address)?.to_string();
        let usable = jwk::Set::read(&set).map_or(0, |set| set.usable());
        ensure!(
            usable > 0,
            "`{address}` has no key that this server can use"
        );
        let methods = found["code_challenge_methods_supported"].as_array();
        let pkce = methods.is_some_and(|methods| methods.contains(&json!("S256")));
        let login = match pkce {
            true => "",
            false => "; it does not announce PKCE (`S256`), so MCP clients refuse to log in",
        };
        return Ok((set, format!("{usable} usable keys at {address}{login}")));
    }
    problems.dedup();
    bail!("no metadata: {}", problems.join("; "))
}

/// Writes the keys of each issuer into its file.
fn pin(app: &App, auth: &Auth, report: &mut Report) -> Result<()> {
    ensure!(
        matches!(auth.authenticator.origin, Origin::Shipped(_)),
        "the authenticator is `{}`, which gets keys itself",
        auth.authenticator.origin
    );
    let settings = auth.authenticator.settings.clone().unwrap_or_default();
    let issuers = settings["issuers"].as_array().cloned().unwrap_or_default();
    for issuer in issuers
        .iter()
        .filter(|issuer| issuer["jwks"]["variable"].is_null())
    {
        let name = issuer["issuer"].as_str().unwrap_or_default();
        let host = name.split_once("://").map_or(name, |(_, rest)| rest);
        let host = host.trim_end_matches('/').replace(['/', ':'], "-");
        let (path, known) = match issuer["jwks"]["file"].as_str() {
            Some(path) => (PathBuf::from(path), true),
            None => (app.dir.join(format!("{host}.jwks.json")), false),
        };
        let Some(set) = report.found(&format!("pinning keys of {name}"), keys_of(name, None))
        else {
            continue;
        };
        let mut set: Value = serde_json::from_str(&set)?;
        set[PINNED] = json!(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs());
        file::replace(&path, serde_json::to_string_pretty(&set)?.as_bytes())?;
        if !known {
            let name = path.file_name().unwrap_or_default().display();
            report.add(
                "pinning",
                Outcome::Note,
                format!("write `jwks = \"{name}\"` for this issuer in spin.toml"),
            );
        }
    }
    Ok(())
}
