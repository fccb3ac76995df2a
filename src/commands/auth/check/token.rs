//! Why a token is refused, and what it may call.

use std::fmt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::Value;
use spin_mcp_auth::{Caller, Invalid, Settings, Verdict, bearer};
use spin_mcp_contract::Record;
use spin_mcp_protocol::catalog::{NeedKind, embedded};

use super::{Outcome, Report};

/// The checks of a token, in order, and what fails each.
const CHECKS: [(&str, &[Invalid]); 7] = [
    ("token", &[Invalid::Malformed]),
    ("issuer", &[Invalid::Issuer]),
    ("type", &[Invalid::Type]),
    ("signature", &[Invalid::Signature]),
    ("time", &[Invalid::Expired, Invalid::NotYetValid]),
    ("audience", &[Invalid::Audience]),
    ("claims", &[Invalid::Claim]),
];

/// A tool, and the scopes that a token lacks to call it.
#[derive(Serialize)]
pub struct Tool {
    name: String,
    missing: Vec<String>,
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.missing.is_empty() {
            true => write!(f, "  may call {}", self.name),
            false => write!(
                f,
                "  may not call {}: it needs `{}`",
                self.name,
                self.missing.join("`, `")
            ),
        }
    }
}

/// Checks a token as the server does. `sets`: the keys of each issuer, as far as they are known.
pub fn check(
    settings: &Settings,
    token: &str,
    resource: &str,
    sets: &[Option<String>],
    report: &mut Report,
) -> Option<Caller> {
    let headers = [(
        "authorization".to_owned(),
        format!("Bearer {token}").into_bytes(),
    )];
    let credentials = bearer::credentials(&headers);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let keys = |index: usize| sets.get(index)?.as_deref();
    let is_key = token.starts_with(spin_mcp_auth::api_key::PREFIX);
    let mut refuse = |check: &str, detail: String| {
        for (passed, _) in CHECKS
            .iter()
            .take_while(|(name, _)| !is_key && *name != check)
        {
            report.add(format!("token: {passed}"), Outcome::Ok, "passed");
        }
        report.add(format!("token: {check}"), Outcome::Failed, detail);
        None
    };
    match settings.authenticate(credentials, resource, keys, now) {
        Verdict::Known(caller) => {
            let scopes = caller.scopes.join("`, `");
            report.add(
                "token",
                Outcome::Ok,
                format!(
                    "`{}` of {}, with the scopes `{scopes}`",
                    caller.subject, caller.issuer
                ),
            );
            Some(caller)
        }
        Verdict::Invalid(Invalid::Key) if is_key => {
            refuse("API key", "no key in spin.toml has this hash".into())
        }
        Verdict::Invalid(invalid) if is_key => refuse("API key", invalid.description().into()),
        Verdict::Invalid(invalid) => {
            let check = CHECKS.iter().find(|(_, fail)| fail.contains(&invalid));
            let has = has(token, invalid, settings, resource).unwrap_or_default();
            refuse(
                check.map_or("claims", |(name, _)| name),
                format!("{}{has}", invalid.description()),
            )
        }
        Verdict::Stale(issuer) => refuse(
            "signature",
            format!(
                "`{}` has no key with the `kid` of the token",
                settings.issuers[issuer].issuer
            ),
        ),
        Verdict::Unready(issuer) => refuse(
            "signature",
            format!(
                "the keys of `{}` are not known here",
                settings.issuers[issuer].issuer
            ),
        ),
        Verdict::Missing | Verdict::Unreadable => refuse(
            "token",
            "it is not what a header `authorization` can hold".into(),
        ),
    }
}

/// What the token says, and what it should say.
fn has(token: &str, invalid: Invalid, settings: &Settings, resource: &str) -> Option<String> {
    let part = |index| -> Option<Value> {
        let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(index)?).ok()?;
        serde_json::from_slice(&bytes).ok()
    };
    let (header, claims) = (part(0)?, part(1)?);
    let issuer = settings
        .issuers
        .iter()
        .find(|issuer| claims["iss"] == issuer.issuer);
    Some(match invalid {
        Invalid::Issuer => {
            let known: Vec<_> = settings
                .issuers
                .iter()
                .map(|issuer| &*issuer.issuer)
                .collect();
            format!(
                ": it names {}, and spin.toml `{}`",
                claims["iss"],
                known.join("`, `")
            )
        }
        Invalid::Type => format!(
            ": its `typ` is {}, and `types` are {:?}",
            header["typ"], issuer?.types
        ),
        Invalid::Signature => format!(
            ": its `alg` is {}, its `kid` {}",
            header["alg"], header["kid"]
        ),
        Invalid::Audience => {
            let wanted = issuer?
                .audience
                .clone()
                .unwrap_or_else(|| vec![resource.to_owned()]);
            format!(
                ": its `aud` is {}, and must have `{}`",
                claims["aud"],
                wanted.join("` or `")
            )
        }
        Invalid::Expired => format!(": its `exp` is {}", claims["exp"]),
        Invalid::NotYetValid => format!(
            ": its `nbf` is {}, its `iat` {}",
            claims["nbf"], claims["iat"]
        ),
        Invalid::Claim => format!(": `exp`, `{}` and `require` decide", issuer?.subject),
        Invalid::Key | Invalid::Malformed => String::new(),
    })
}

/// What a caller with these scopes may call.
pub fn tools(server: &Path, scopes: &[String]) -> Result<Vec<Tool>> {
    let shown = server.display();
    let bytes = std::fs::read(server).with_context(|| format!("cannot read `{shown}`"))?;
    let Some(record) = Record::read(&bytes)? else {
        return Ok(vec![]);
    };
    let access = embedded(&bytes).find_map(|catalog| catalog.access());
    let tool = |name: &str| {
        let needs = access
            .into_iter()
            .flat_map(|access| access.scopes().chain(access.needs(NeedKind::Tool, name)));
        let mut missing: Vec<_> = needs
            .filter(|need| !scopes.iter().any(|scope| scope == need))
            .map(str::to_owned)
            .collect();
        missing.dedup();
        Tool {
            name: name.to_owned(),
            missing,
        }
    };
    Ok(record.tools().map(|of| tool(&of.name)).collect())
}
