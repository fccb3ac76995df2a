//! The table `openapi` of a feature.

use std::path::PathBuf;

use indexmap::IndexMap;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use spin_mcp_openapi::{OpenApi as Of, Selector, Server, Template};

/// Seconds.
const TIMEOUT: u32 = 30;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenApi {
    pub document: PathBuf,
    #[serde(default, deserialize_with = "selectors")]
    pub include: Vec<Selector>,
    #[serde(default, deserialize_with = "selectors")]
    pub exclude: Vec<Selector>,
    #[serde(default)]
    pub names: IndexMap<String, String>,
    #[serde(default, deserialize_with = "base_url")]
    pub base_url: Option<Server>,
    #[serde(default, deserialize_with = "headers")]
    pub headers: Vec<(String, Template)>,
    #[serde(default, deserialize_with = "templates")]
    pub query: Vec<(String, Template)>,
    #[serde(default, deserialize_with = "timeout")]
    pub timeout: Option<u32>,
}

impl From<OpenApi> for Of {
    fn from(keys: OpenApi) -> Of {
        Of {
            document: keys.document,
            include: keys.include,
            exclude: keys.exclude,
            names: keys.names.into_iter().collect(),
            base_url: keys.base_url,
            headers: keys.headers,
            query: keys.query,
            timeout: keys.timeout.unwrap_or(TIMEOUT),
        }
    }
}

fn selectors<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Selector>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    Ok(texts.iter().map(|text| Selector::parse(text)).collect())
}

fn base_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Server>, D::Error> {
    let url = String::deserialize(deserializer)?;
    let server = Server::parse(&url);
    let server =
        server.map_err(|problem| D::Error::custom(format!("`{url}` cannot be used: {problem}")));
    server.map(Some)
}

fn templates<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(String, Template)>, D::Error> {
    let texts = IndexMap::<String, String>::deserialize(deserializer)?;
    let all = texts
        .into_iter()
        .map(|(name, text)| match Template::parse(&text) {
            Ok(template) => Ok((name, template)),
            Err(problem) => Err(D::Error::custom(format!(
                "the value of `{name}` cannot be used: {problem}"
            ))),
        });
    all.collect()
}

fn headers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(String, Template)>, D::Error> {
    let all = templates(deserializer)?;
    match all.iter().find(|(name, _)| !Template::can_be_header(name)) {
        Some((name, _)) => Err(D::Error::custom(format!(
            "`{name}` is not a header that can be set"
        ))),
        None => Ok(all),
    }
}

fn timeout<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let seconds = u32::deserialize(deserializer)?;
    match (1..=300).contains(&seconds) {
        true => Ok(Some(seconds)),
        false => Err(D::Error::custom("it must be 1 to 300 seconds")),
    }
}
