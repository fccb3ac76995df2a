//! The keys of `spin.toml`. Each struct below `Mcp` is a table of docs/reference/spin-toml.md.

pub mod auth;
pub mod openapi;

use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use indexmap::IndexMap;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Error, IgnoredAny, IntoDeserializer as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value as Json};
use serde_path_to_error::Segment;
use toml_edit::{Item, Key};

use spin_mcp_contract::{Grant, Wasi};
use spin_mcp_registry::{Download, Source};

/// What `spin mcp` reads of `[application]`.
#[derive(Default, Deserialize)]
pub struct Application {
    pub name: Option<String>,
    pub version: Option<String>,
    #[serde(default)]
    pub targets: Vec<TargetKey>,
}

/// What `spin mcp` reads of a component that is a server.
#[derive(Deserialize)]
pub struct Component {
    pub source: Option<SourceKey>,
    #[serde(default)]
    pub key_value_stores: Vec<String>,
    pub targets: Option<Vec<TargetKey>>,
    #[serde(default)]
    pub allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    pub variables: IndexMap<String, IgnoredAny>,
    #[serde(default)]
    pub build: Build,
    pub tool: Tool,
}

#[derive(Default, Deserialize)]
pub struct Build {
    #[serde(default)]
    pub watch: Vec<String>,
}

#[derive(Deserialize)]
pub struct Tool {
    pub mcp: Mcp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mcp {
    #[serde(default)]
    pub wasi: Wasi,
    #[serde(default, deserialize_with = "store")]
    pub store: Option<String>,
    pub page_size: Option<NonZeroUsize>,
    pub cache: Option<Cache>,
    #[serde(default)]
    pub streams: Streams,
    #[serde(default)]
    pub server: Server,
    #[serde(default)]
    pub features: IndexMap<String, Feature>,
    #[serde(default)]
    pub middleware: Vec<Middleware>,
    pub auth: Option<auth::Auth>,
    pub transport: Option<SourceKey>,
    #[serde(default)]
    pub overrides: Overrides,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// Seconds.
    pub ttl: Option<u32>,
    pub scope: Option<Scope>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    Public,
    Private,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Streams {
    pub poll_ms: Option<u32>,
    pub keep_alive_ms: Option<u32>,
    pub longest_ms: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub name: Option<String>,
    pub version: Option<String>,
    pub title: Option<String>,
    pub instructions: Option<String>,
    pub website: Option<String>,
    #[serde(default, deserialize_with = "origins")]
    pub allowed_origins: Vec<String>,
    #[serde(default, deserialize_with = "hosts")]
    pub allowed_hosts: Vec<String>,
    #[serde(default, deserialize_with = "auth::open_headers")]
    pub headers: Vec<String>,
    #[serde(default, deserialize_with = "extensions")]
    pub extensions: Map<String, Json>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// Either this or `openapi`.
    pub source: Option<SourceKey>,
    pub openapi: Option<openapi::OpenApi>,
    pub build: Option<String>,
    #[serde(default, deserialize_with = "workdir")]
    pub workdir: PathBuf,
    pub prefix: Option<String>,
    #[serde(default, deserialize_with = "grants")]
    pub allow: Vec<Grant>,
    #[serde(default)]
    pub dynamic: bool,
    #[serde(default, deserialize_with = "settings")]
    pub settings: Option<Map<String, Json>>,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table with a `name` below `[[component.ID.tool.mcp.middleware]]`"
)]
pub struct Middleware {
    pub name: String,
    /// Without it, `name` is the name of a shipped middleware.
    pub source: Option<SourceKey>,
    pub build: Option<String>,
    #[serde(default, deserialize_with = "workdir")]
    pub workdir: PathBuf,
    #[serde(default, deserialize_with = "grants")]
    pub allow: Vec<Grant>,
    #[serde(default, deserialize_with = "settings")]
    pub settings: Option<Map<String, Json>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overrides {
    pub transport: Option<SourceKey>,
    pub router: Option<SourceKey>,
    pub context: Option<SourceKey>,
}

/// A target environment of Spin. A target in a file or at a URL has no name.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum TargetKey {
    Name(String),
    Other(IgnoredAny),
}

/// The path of a file, a reference to a registry, or a URL with a digest.
pub struct SourceKey(pub Source);

impl<'de> Deserialize<'de> for SourceKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SourceVisitor)
    }
}

struct SourceVisitor;

impl<'de> Visitor<'de> for SourceVisitor {
    type Value = SourceKey;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a string, or a table with `url` and `digest`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SourceKey, E> {
        Source::parse(text).map(SourceKey).map_err(custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SourceKey, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Keys {
            url: String,
            digest: String,
        }
        let Keys { url, digest } = Keys::deserialize(MapAccessDeserializer::new(map))?;
        let download = Download::new(&url, &digest).map_err(custom)?;
        Ok(SourceKey(Source::Url(download)))
    }
}

fn custom<E: Error>(error: anyhow::Error) -> E {
    E::custom(format!("{error:#}"))
}

fn store<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let store = String::deserialize(deserializer)?;
    match store.is_empty() {
        true => Err(D::Error::custom(
            "the name is empty; name one of the component's `key_value_stores`",
        )),
        false => Ok(Some(store)),
    }
}

fn workdir<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    let dir = String::deserialize(deserializer)?;
    match Path::new(&dir).has_root() {
        true => Err(D::Error::custom(format!(
            "`{dir}` must be relative to the folder of `spin.toml`"
        ))),
        false => Ok(dir.into()),
    }
}

fn grants<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Grant>, D::Error> {
    let grants = Vec::<String>::deserialize(deserializer)?;
    let grants = grants.iter().map(|grant| grant.parse());
    grants
        .collect::<Result<_, String>>()
        .map_err(D::Error::custom)
}

fn origins<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let origins = Vec::<String>::deserialize(deserializer)?.into_iter();
    let origins = origins.map(|origin| {
        as_browsers_write(&origin).ok_or_else(|| {
            D::Error::custom(format!(
                "`{origin}` is not an origin; write scheme and host, such as `https://app.example.com`"
            ))
        })
    });
    origins.collect()
}

/// An origin as browsers write it: in lower case, without the usual port and without a path.
fn as_browsers_write(origin: &str) -> Option<String> {
    let origin = origin.to_ascii_lowercase();
    let (scheme, host) = origin.split_once("://")?;
    let host = host.strip_suffix('/').unwrap_or(host);
    let usual = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => "",
    };
    let host = host.strip_suffix(usual).unwrap_or(host);
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    (is_scheme && is_host(host)).then(|| format!("{scheme}://{host}"))
}

/// Extensions by their identifiers, with their settings.
fn extensions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Json>, D::Error> {
    let extensions = settings(deserializer)?.unwrap_or_default();
    for (name, settings) in &extensions {
        let is_named = name.split_once('/').is_some_and(|(vendor, name)| {
            vendor.contains('.') && !name.is_empty() && !name.contains('/')
        });
        if !is_named || !settings.is_object() {
            return Err(D::Error::custom(format!(
                "`{name}` is not an extension; write its identifier and a table, such as `\"com.example/x\" = {{}}`"
            )));
        }
    }
    Ok(extensions)
}

fn hosts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let hosts = Vec::<String>::deserialize(deserializer)?;
    match hosts.iter().find(|host| !is_host(host)) {
        Some(host) => Err(D::Error::custom(format!(
            "`{host}` is not a host; write its name, such as `mcp.example.com`, and its port if it has one"
        ))),
        None => Ok(hosts),
    }
}

/// Whether a request can name this host, perhaps with its port.
fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    let is_name = match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !name.is_empty() && name.chars().all(allowed),
    };
    is_name && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// JSON, which has no dates and no infinite numbers.
fn settings<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Map<String, Json>>, D::Error> {
    let settings = Map::deserialize(deserializer)?;
    match settings
        .iter()
        .find_map(|(key, value)| not_json(key, value))
    {
        Some(key) => Err(D::Error::custom(format!(
            "`{key}` is a date or a number that is not finite; write a string"
        ))),
        None => Ok(Some(settings)),
    }
}

/// The name of a value below `value`, which is called `name`, that JSON could not keep.
fn not_json(name: &str, value: &Json) -> Option<String> {
    match value {
        // TOML has no null.
        Json::Null => Some(name.to_owned()),
        Json::Array(values) => values.iter().find_map(|value| not_json(name, value)),
        Json::Object(table) if table.contains_key("$__toml_private_datetime") => {
            Some(name.to_owned())
        }
        Json::Object(table) => table
            .iter()
            .find_map(|(key, value)| not_json(&format!("{name}.{key}"), value)),
        _ => None,
    }
}

/// Keys that have another name or form now, or are planned, and what to do about them.
const HINTS: [(&str, &str); 9] = [
    (
        ".tool.mcp.middlewares",
        "write `[[component.ID.tool.mcp.middleware]]` and a `name` for each middleware",
    ),
    (".overrides.hub", "it is called `router` now"),
    (".overrides.request", "it is called `context` now"),
    (
        ".auth.audience",
        "it belongs to an issuer: write `[[component.ID.tool.mcp.auth.issuers]]` with `issuer` and `audience`",
    ),
    (
        ".auth.jwks",
        "it belongs to an issuer: write `[[component.ID.tool.mcp.auth.issuers]]` with `issuer` and `jwks`",
    ),
    (
        ".auth.require",
        "it belongs to an issuer: write `[[component.ID.tool.mcp.auth.issuers]]` with `issuer` and `require`",
    ),
    (".tool.mcp.server.icons", "icons are not supported yet"),
    (
        ".source.registry",
        "write the reference of a component as one string, such as `ghcr.io/org/weather:1.2.0`",
    ),
    (
        ".source.package",
        "write the reference of a component as one string, such as `ghcr.io/org/weather:1.2.0`",
    ),
];

/// Reads `item`. Errors call it `name`, and name the keys in it by their full path.
pub fn read<T: DeserializeOwned>(name: &str, item: &Item) -> Result<T> {
    let value = item.clone().into_value();
    let value = value.map_err(|_| anyhow!("`{name}` is missing"))?;
    serde_path_to_error::deserialize(value.into_deserializer()).map_err(|error| {
        let mut key = name.to_owned();
        for segment in error.path() {
            match segment {
                Segment::Seq { index } => key += &format!("[{index}]"),
                Segment::Map { key: part } => key = format!("{key}.{}", quoted(part)),
                Segment::Enum { .. } | Segment::Unknown => {}
            }
        }
        anyhow!(explain(&key, error.inner().message()))
    })
}

/// A key as TOML writes it.
pub fn quoted(key: &str) -> String {
    Key::new(key).display_repr().into_owned()
}

/// What is wrong with `key`, in words of TOML instead of Serde's.
fn explain(key: &str, message: &str) -> String {
    if let Some((_, rest)) = message.split_once("unknown field `")
        && let Some((field, known)) = rest.split_once("`, expected ")
    {
        if let Some((_, hint)) = HINTS.iter().find(|(old, _)| key.ends_with(old)) {
            return format!("unknown key `{key}`: {hint}");
        }
        let known: Vec<_> = known.split('`').skip(1).step_by(2).collect();
        let likeness = |known: &str| strsim::jaro(field, known);
        let nearest = known
            .iter()
            .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        return match nearest.filter(|nearest| likeness(nearest) > 0.7) {
            Some(nearest) => format!("unknown key `{key}`: did you mean `{nearest}`?"),
            None => format!(
                "unknown key `{key}`: the keys here are `{}`",
                known.join("`, `")
            ),
        };
    }
    // What toml_edit says where an enum is written as a number.
    if message == "wanted string or table" {
        return format!("`{key}` must be a string");
    }
    if let Some(field) = message.strip_prefix("missing field ") {
        return format!("`{key}` has no {field}");
    }
    let found = ["invalid type: ", "invalid value: ", "unknown variant "]
        .iter()
        .find_map(|kind| message.strip_prefix(kind)?.rsplit_once(", expected "));
    let Some((found, expected)) = found else {
        return format!("`{key}`: {message}");
    };
    let in_toml = |word: &'_ str| match word {
        "map" | "a map" => "a table".to_owned(),
        "sequence" | "a sequence" => "an array".to_owned(),
        "u32" => format!("a whole number from 0 to {}", u32::MAX),
        "a nonzero usize" => "a whole number of at least 1".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        word if word.starts_with("struct ") => "a table".to_owned(),
        word => word.to_owned(),
    };
    format!(
        "`{key}` must be {}, not {}",
        in_toml(expected),
        in_toml(found)
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The keys of a table, as the error for an unknown one lists them.
    fn keys<T: DeserializeOwned>() -> Vec<String> {
        let document: toml_edit::DocumentMut = "table.\"\" = 1".parse().unwrap();
        let error = read::<T>("table", &document["table"]).err().unwrap();
        let error = error.to_string();
        let (_, keys) = error.split_once(" are ").unwrap();
        let mut keys: Vec<_> = keys
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect();
        keys.sort();
        keys
    }

    #[test]
    fn the_reference_has_every_key() {
        let page = include_str!("../../../docs/reference/spin-toml.md");
        let mut described = BTreeMap::new();
        for section in page.split("\n## ").skip(1) {
            let (title, text) = section.split_once('\n').unwrap();
            let Some((_, rows)) = text.split_once("\n| Key | Type |") else {
                continue;
            };
            let rows = rows
                .lines()
                .skip(1)
                .take_while(|line| line.starts_with('|'));
            let mut keys: Vec<_> = rows
                .filter_map(|row| Some(row.strip_prefix("| `")?.split_once('`')?.0.to_owned()))
                .collect();
            keys.sort();
            described.insert(title.replace('`', ""), keys);
        }
        let known = [
            ("Keys of tool.mcp", keys::<Mcp>()),
            ("cache", keys::<Cache>()),
            ("streams", keys::<Streams>()),
            ("server", keys::<Server>()),
            ("features.NAME", keys::<Feature>()),
            ("features.NAME.openapi", keys::<openapi::OpenApi>()),
            ("middleware", keys::<Middleware>()),
            ("auth", keys::<auth::Auth>()),
            ("auth.issuers", keys::<auth::Issuer>()),
            ("auth.api_keys.NAME", keys::<auth::ApiKey>()),
            ("auth.needs", keys::<auth::Needs>()),
            ("auth.policy", keys::<auth::Policy>()),
            ("overrides", keys::<Overrides>()),
        ];
        let known = known.map(|(title, keys)| (title.to_owned(), keys));
        assert_eq!(described, BTreeMap::from(known));
    }
}
