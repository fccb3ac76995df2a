//! The table `auth`.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use indexmap::IndexMap;
use serde::de::{Error, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value as Json};
use spin_mcp_auth::{algorithm::Algorithm, api_key, claims::is_scope, metadata};
use spin_mcp_contract::Grant;
use spin_mcp_protocol::{
    catalog::{StdioCaller, Unmet},
    uri,
};
use toml_edit::Datetime;

use super::{SourceKey, grants, settings, store, workdir};

/// Claims that name the recipient of a token, besides `aud`.
const RECIPIENTS: [&str; 4] = ["azp", "appid", "cid", "client_id"];
/// How tokens may be signed.
pub const ALGORITHMS: [&str; 4] = ["RS256", "PS256", "ES256", "EdDSA"];
/// Headers with credentials, which no feature may read.
const SECRETS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    #[serde(default, deserialize_with = "resource")]
    pub resource: Option<String>,
    #[serde(default, deserialize_with = "issuer")]
    pub issuer: Option<String>,
    pub issuers: Option<Vec<Issuer>>,
    #[serde(default, deserialize_with = "scopes")]
    pub scopes: Vec<String>,
    pub implies: Option<IndexMap<String, Scopes>>,
    #[serde(default)]
    pub anonymous: bool,
    pub api_keys: Option<IndexMap<String, ApiKey>>,
    #[serde(default)]
    pub unmet: UnmetKey,
    #[serde(default)]
    pub needs: Needs,
    pub policy: Option<Policy>,
    #[serde(default)]
    pub stdio: StdioKey,
    #[serde(default)]
    pub root_metadata: bool,
    #[serde(default, deserialize_with = "headers")]
    pub headers: Option<Vec<String>>,
    #[serde(default, deserialize_with = "store")]
    pub store: Option<String>,
    #[serde(default, deserialize_with = "website")]
    pub documentation: Option<String>,
    pub source: Option<SourceKey>,
    pub build: Option<String>,
    #[serde(default, deserialize_with = "workdir")]
    pub workdir: PathBuf,
    #[serde(default, deserialize_with = "settings")]
    pub settings: Option<Map<String, Json>>,
    #[serde(default, deserialize_with = "grants")]
    pub allow: Vec<Grant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    #[serde(deserialize_with = "issuer")]
    pub issuer: Option<String>,
    pub audience: Option<Vec<String>>,
    #[serde(default)]
    pub jwks: Jwks,
    #[serde(default, deserialize_with = "algorithms")]
    pub algorithms: Option<Vec<String>>,
    pub types: Option<Vec<String>>,
    #[serde(default)]
    pub require: IndexMap<String, Vec<String>>,
    pub subject: Option<String>,
    pub scope_claims: Option<Vec<String>>,
    pub leeway: Option<u32>,
}

impl Issuer {
    /// An issuer with nothing but its name.
    pub fn named(issuer: String) -> Issuer {
        Issuer {
            issuer: Some(issuer),
            audience: None,
            jwks: Jwks::default(),
            algorithms: None,
            types: None,
            require: IndexMap::new(),
            subject: None,
            scope_claims: None,
            leeway: None,
        }
    }

    /// What only the keys together show. The error follows their path.
    pub fn check(&self) -> Result<()> {
        ensure!(
            self.audience
                .as_ref()
                .is_none_or(|audience| !audience.is_empty())
                || RECIPIENTS
                    .iter()
                    .any(|claim| self.require.contains_key(*claim)),
            "`audience` is empty, so tokens for other servers would be accepted; name the audience, or let \
             `require` say which client a token is for: `{}`",
            RECIPIENTS.join("`, `")
        );
        ensure!(
            self.leeway.is_none_or(|leeway| leeway <= 300),
            "`leeway` must be 0 to 300 seconds"
        );
        let empty = self.require.iter().find(|(_, values)| values.is_empty());
        if let Some((claim, _)) = empty {
            anyhow::bail!("`require.{claim}` accepts no value, so no token would pass; name one");
        }
        let texts = [&self.audience, &self.scope_claims].into_iter().flatten();
        let mut texts = texts.flatten().chain(&self.subject);
        ensure!(
            texts.all(|text| !text.is_empty()),
            "`audience`, `subject` and `scope_claims` must not hold an empty text"
        );
        ensure!(
            self.types.as_ref().is_none_or(|types| !types.is_empty()),
            "`types` is empty, so no token would pass; `\"\"` accepts tokens without a type"
        );
        Ok(())
    }
}

/// Where the keys of an issuer come from.
#[derive(Default)]
pub enum Jwks {
    #[default]
    Fetch,
    File(PathBuf),
    Variable(String),
}

impl<'de> Deserialize<'de> for Jwks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JwksVisitor)
    }
}

struct JwksVisitor;

impl<'de> Visitor<'de> for JwksVisitor {
    type Value = Jwks;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("`\"fetch\"`, the path of a JWK set, or a table with `variable`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Jwks, E> {
        match text {
            "fetch" => Ok(Jwks::Fetch),
            path if path.ends_with(".json") => Ok(Jwks::File(path.into())),
            other => Err(E::custom(format!(
                "`{other}` is neither `fetch` nor the path of a JWK set, which ends in `.json`; \
                 `spin mcp auth check --pin` writes one"
            ))),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Jwks, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Keys {
            variable: String,
        }
        let Keys { variable } = Keys::deserialize(MapAccessDeserializer::new(map))?;
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        match variable.starts_with(|c: char| c.is_ascii_lowercase())
            && variable.chars().all(allowed)
        {
            true => Ok(Jwks::Variable(variable)),
            false => Err(Error::custom(format!(
                "`{variable}` cannot be the name of a variable: use lower-case letters, digits and `_`"
            ))),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    #[serde(deserialize_with = "sha256")]
    pub sha256: String,
    #[serde(default, deserialize_with = "scopes")]
    pub scopes: Vec<String>,
    pub subject: Option<String>,
    #[serde(default, deserialize_with = "expires")]
    pub expires: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    pub read_only: Option<Scopes>,
    pub other: Option<Scopes>,
    #[serde(default)]
    pub tools: IndexMap<String, Scopes>,
    #[serde(default)]
    pub prompts: IndexMap<String, Scopes>,
    #[serde(default)]
    pub resources: IndexMap<String, Scopes>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub file: Option<PathBuf>,
    pub source: Option<SourceKey>,
    #[serde(default, deserialize_with = "data")]
    pub data: Option<Data>,
}

/// The data of a policy: a table, or a file of JSON.
pub enum Data {
    Table(Map<String, Json>),
    File(PathBuf),
}

fn data<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Data>, D::Error> {
    match Json::deserialize(deserializer)? {
        Json::String(path) => Ok(Some(Data::File(path.into()))),
        Json::Object(table) => {
            let table = settings(table).map_err(D::Error::custom)?;
            Ok(table.map(Data::Table))
        }
        _ => Err(D::Error::custom(
            "expected a table, or the path of a JSON file",
        )),
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnmetKey {
    #[default]
    Challenge,
    Hide,
}

impl From<UnmetKey> for Unmet {
    fn from(key: UnmetKey) -> Unmet {
        match key {
            UnmetKey::Challenge => Unmet::Challenge,
            UnmetKey::Hide => Unmet::Hide,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StdioKey {
    #[default]
    Trusted,
    Environment,
}

impl From<StdioKey> for StdioCaller {
    fn from(key: StdioKey) -> StdioCaller {
        match key {
            StdioKey::Trusted => StdioCaller::Trusted,
            StdioKey::Environment => StdioCaller::Environment,
        }
    }
}

/// Names of scopes.
pub struct Scopes(pub Vec<String>);

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        scopes(deserializer).map(Scopes)
    }
}

fn scopes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let scopes = Vec::<String>::deserialize(deserializer)?;
    match scopes
        .iter()
        .find(|scope| !is_scope(scope) || *scope == "offline_access")
    {
        Some(scope) if is_scope(scope) => Err(D::Error::custom(
            "`offline_access` is for clients to ask for; a server does not need it",
        )),
        Some(scope) => Err(D::Error::custom(format!(
            "`{scope}` is not a scope; write one scope per string, without spaces, `\"` and `\\`"
        ))),
        None => Ok(scopes),
    }
}

fn checked<'de, D: Deserializer<'de>>(
    deserializer: D,
    problem: impl Fn(&str) -> Option<&'static str>,
) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    match problem(&text) {
        Some(problem) => Err(D::Error::custom(format!(
            "`{text}` cannot be used: {problem}"
        ))),
        None => Ok(Some(text)),
    }
}

fn resource<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    checked(deserializer, |text| match uri::is_uri(text) {
        true => metadata::problem(text),
        false => Some("it is not a URI"),
    })
}

/// Unlike a resource, an issuer may end with `/`, and name a claim in braces.
fn issuer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    checked(deserializer, |text| {
        metadata::problem(text.strip_suffix('/').unwrap_or(text))
    })
}

fn website<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    checked(deserializer, |text| {
        let is_web =
            text.starts_with("https://") && text.bytes().all(|byte| byte.is_ascii_graphic());
        (!is_web).then_some("it must be an address that begins with `https://`")
    })
}

fn algorithms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    let known = ALGORITHMS.join("`, `");
    match names.iter().find(|name| Algorithm::named(name).is_none()) {
        Some(name) => Err(D::Error::custom(format!(
            "`{name}` is not an algorithm that servers verify: they are `{known}`"
        ))),
        None if names.is_empty() => Err(D::Error::custom(format!(
            "no algorithm, so no token would pass; name some of `{known}`"
        ))),
        None => Ok(Some(names)),
    }
}

fn names_of_headers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    let is_token = |name: &String| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !name.is_empty() && name.chars().all(allowed)
    };
    match names.iter().find(|name| !is_token(name)) {
        Some(name) => Err(D::Error::custom(format!(
            "`{name}` is not the name of a header"
        ))),
        None => Ok(names.iter().map(|name| name.to_ascii_lowercase()).collect()),
    }
}

fn headers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let names = names_of_headers(deserializer)?;
    match names.is_empty() {
        true => Err(D::Error::custom(
            "no header, so the authenticator would see no credentials",
        )),
        false => Ok(Some(names)),
    }
}

/// The headers that features read.
pub fn open_headers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names = names_of_headers(deserializer)?;
    match names.iter().find(|name| SECRETS.contains(&name.as_str())) {
        Some(name) => Err(D::Error::custom(format!(
            "`{name}` holds credentials, which features cannot read; `identity` of the interface `request` \
             says who the caller is"
        ))),
        None => Ok(names),
    }
}

fn sha256<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match api_key::hash(&text) {
        Some(_) => Ok(text.to_ascii_lowercase()),
        None => Err(D::Error::custom(
            "it must be a SHA-256 of 64 hexadecimal digits; `spin mcp auth key NAME` makes a key and prints it",
        )),
    }
}

/// A date and time with an offset, as seconds since 1970.
fn expires<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let wanted =
        "write a date and time with an offset, such as `2027-06-30T00:00:00Z`, without quotes";
    let at = Datetime::deserialize(deserializer).map_err(|_| D::Error::custom(wanted))?;
    seconds(&at)
        .map(Some)
        .ok_or_else(|| D::Error::custom(wanted))
}

fn seconds(at: &Datetime) -> Option<u64> {
    let (date, time) = (at.date?, at.time?);
    let offset = match at.offset? {
        toml_edit::Offset::Z => 0,
        toml_edit::Offset::Custom { minutes } => i64::from(minutes),
    };
    let [year, month, day] = [date.year, date.month.into(), date.day.into()].map(i64::from);
    // The days since 1970, in years that begin in March.
    let (year, month) = (year - i64::from(month < 3), (month + 9) % 12);
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 719_469;
    let minutes = (days * 24 + i64::from(time.hour)) * 60 + i64::from(time.minute) - offset;
    u64::try_from(minutes * 60 + i64::from(time.second.unwrap_or(0))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_seconds_since_1970() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-11-30T15:04:37Z", Some(1_796_051_077)),
            ("2024-02-29T23:59:59Z", Some(1_709_251_199)),
            ("2000-03-01T01:00:00+01:00", Some(951_868_800)),
            ("1969-12-31T23:59:59Z", None),
            ("2026-11-30", None),
            ("2026-11-30T15:04:37", None),
        ] {
            assert_eq!(seconds(&text.parse().unwrap()), expected, "{text}");
        }
    }
}
