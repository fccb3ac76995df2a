//! What clients get from a server.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use spin_mcp_auth::metadata;
use spin_mcp_registry::{Document, fetch};

use super::{Outcome, Report, keys_of, object};

/// The longest answer that is read.
const MAX_ANSWER: usize = 1 << 20;

/// Checks the metadata of the server at `url`, its challenge, and with a token its answer.
pub fn check(url: &str, token: Option<&str>, report: &mut Report) {
    let place = metadata::location(url);
    let login = report.found("challenge", challenge(url, &place)) != Some(Login::None);
    if login {
        check_login(url, &place, report);
    }
    if let Some(token) = token {
        report.found("request with the token", accepted(url, token));
    }
}

/// Checks where clients log in.
fn check_login(url: &str, place: &str, report: &mut Report) {
    let found = report.found("metadata", metadata_at(place, url));
    let (origin, path) = metadata::split(url);
    let root = format!("{origin}{}", metadata::WELL_KNOWN);
    if !path.is_empty()
        && let Ok(found) = object(&root)
    {
        let (resource, wanted) = (&found["resource"], json!(url));
        match *resource == wanted {
            true => report.add("metadata at the root", Outcome::Ok, root),
            false => report.add(
                "metadata at the root",
                Outcome::Note,
                format!("`{root}` is for {resource}; clients that look there first log in to that server"),
            ),
        }
    }
    for issuer in found.iter().flatten() {
        let name = format!("keys of {issuer}");
        // The app may have them, or have fetched them already.
        if !report.checks.iter().any(|check| check.check == name) {
            report.found(&name, keys_of(issuer, None));
        }
    }
}

/// What a challenge says about a login.
#[derive(PartialEq)]
enum Login {
    Named,
    /// Callers need an API key.
    None,
}

/// The issuers that the metadata names.
fn metadata_at(place: &str, url: &str) -> Result<(Vec<String>, String)> {
    let found = object(place)?;
    ensure!(
        found["resource"] == url,
        "`{place}` says that the server is {}, but clients call it `{url}` and compare both; correct `resource` in \
         spin.toml",
        found["resource"]
    );
    let issuers: Option<Vec<String>> =
        serde_json::from_value(found["authorization_servers"].clone()).ok();
    let issuers = issuers.filter(|issuers| !issuers.is_empty());
    let issuers = issuers.with_context(|| {
        format!("`{place}` names no `authorization_servers`, which is an array of URLs")
    })?;
    Ok((
        issuers.clone(),
        format!("{place} names `{}`", issuers.join("`, `")),
    ))
}

fn ask(url: &str, token: Option<&str>) -> Result<Document> {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25",
        "clientInfo": {"name": "spin-mcp", "version": env!("CARGO_PKG_VERSION")},
        "capabilities": {},
    }});
    fetch(url, Some(body.to_string()), token, MAX_ANSWER)
        .with_context(|| format!("cannot call `{url}`"))
}

/// The answer without a token, as the official SDKs read it.
fn challenge(url: &str, place: &str) -> Result<(Login, String)> {
    let answer = ask(url, None)?;
    if answer.status == 200 {
        bail!("`{url}` answers without a token; it is open, or lets anonymous callers in");
    }
    ensure!(
        answer.status == 401,
        "`{url}` answered {} without a token, and clients log in after 401",
        answer.status
    );
    let header = answer
        .challenge
        .context("the answer 401 has no header `www-authenticate`")?;
    let (scheme, rest) = header.split_once(' ').unwrap_or((&header, ""));
    ensure!(
        scheme.eq_ignore_ascii_case("bearer"),
        "the challenge `{header}` does not begin with `Bearer` and a space, so clients read nothing from it"
    );
    let named = rest
        .split_once("resource_metadata=\"")
        .and_then(|(_, rest)| rest.split_once('"'));
    match named {
        Some((named, _)) if named == place => Ok((Login::Named, header.clone())),
        Some((named, _)) => {
            bail!("the challenge names the metadata `{named}`, but that of `{url}` is at `{place}`")
        }
        None if rest.is_empty() && object(place).is_err() => Ok((
            Login::None,
            format!("{header}: there is no login, so callers need an API key"),
        )),
        None => bail!("the challenge `{header}` has no `resource_metadata`"),
    }
}

fn accepted(url: &str, token: &str) -> Result<((), String)> {
    let answer = ask(url, Some(token))?;
    let said: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let said = said.and_then(|said| Some(said["error"]["message"].as_str()?.to_owned()));
    let why = answer
        .challenge
        .or(said)
        .map(|why| format!(": {why}"))
        .unwrap_or_default();
    ensure!(
        answer.status == 200,
        "the server answered {}{why}",
        answer.status
    );
    Ok(((), "the server accepts it".into()))
}
