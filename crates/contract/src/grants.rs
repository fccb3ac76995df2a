//! What a feature may use of its host, and which grant each import needs.
//!
//! `wasmparser::names` does not read the names here, as a grant may be a package without an interface.

use std::{fmt, str::FromStr};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use spin_mcp_component::Imports;

use crate::Record;

/// A permission that `allow` gives to a feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// The environment variables and arguments of the host.
    Env,
    /// The folders that the host opens for the server.
    Filesystem,
    /// Sending HTTP requests.
    Http,
    /// Key-value stores.
    KeyValue,
    /// TCP, UDP and DNS.
    Sockets,
    /// Spin variables, which can be secrets.
    Variables,
    /// A WIT package or an interface of it, with or without a version, such as
    /// `fermyon:spin/sqlite`.
    Wit(String),
}

const WORDS: [(&str, Grant); 6] = [
    ("http", Grant::Http),
    ("key-value", Grant::KeyValue),
    ("variables", Grant::Variables),
    ("filesystem", Grant::Filesystem),
    ("sockets", Grant::Sockets),
    ("env", Grant::Env),
];

impl Grant {
    /// Whether this is the name of an import, or of its package.
    pub fn names(&self, import: &str) -> bool {
        let Grant::Wit(name) = self else { return false };
        let (name, import) = (Name::parse(name), Name::parse(import));
        name.zip(import)
            .is_some_and(|(name, import)| name.covers(&import))
    }
}

impl FromStr for Grant {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Grant, String> {
        if let Some((_, grant)) = WORDS.iter().find(|(word, _)| *word == text) {
            return Ok(grant.clone());
        }
        if Name::parse(text).is_some() {
            return Ok(Grant::Wit(text.to_owned()));
        }
        let words = WORDS.map(|(word, _)| format!("`{word}`"));
        Err(format!(
            "`{text}` is not a grant; grants are {}, and WIT packages and interfaces such as \
             `fermyon:spin/sqlite`",
            words.join(", ")
        ))
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Grant::Wit(name) => f.write_str(name),
            grant => {
                let word = WORDS.iter().find(|(_, known)| known == grant);
                f.write_str(word.map_or("", |(word, _)| word))
            }
        }
    }
}

/// `namespace:package/interface@version`, where interface and version may be missing.
struct Name<'a> {
    package: &'a str,
    interface: Option<&'a str>,
    version: Option<&'a str>,
}

impl<'a> Name<'a> {
    fn parse(text: &'a str) -> Option<Name<'a>> {
        let (path, version) = match text.split_once('@') {
            Some((path, version)) => (path, Some(version)),
            None => (text, None),
        };
        let (package, interface) = match path.split_once('/') {
            Some((package, interface)) => (package, Some(interface)),
            None => (path, None),
        };
        let (namespace, name) = package.split_once(':')?;
        let is_word = |word: &str| {
            let letter = |c: char| c.is_ascii_alphanumeric() || c == '-';
            !word.is_empty() && word.chars().all(letter)
        };
        let words = [Some(namespace), Some(name), interface];
        let valid = words.into_iter().flatten().all(is_word) && version != Some("");
        valid.then_some(Name {
            package,
            interface,
            version,
        })
    }

    /// Whether this, as a grant, covers that import.
    fn covers(&self, import: &Name<'_>) -> bool {
        self.package == import.package
            && (self.interface.is_none() || self.interface == import.interface)
            && (self.version.is_none() || self.version == import.version)
    }
}

/// What a feature needs to use an import.
enum Need {
    /// Every feature may use it.
    Nothing,
    Grant(Grant),
    /// A grant of its WIT name, which messages do not suggest: to end the process of the host, to use
    /// its terminal, or an interface that the part can do without.
    Silent,
    /// No feature may use it, because stdin belongs to the server.
    Nobody,
}

impl Need {
    fn of(import: &Name<'_>) -> Need {
        let interface = import.interface.unwrap_or_default();
        Need::Grant(match (import.package, interface) {
            ("wasi:cli", "environment") => Grant::Env,
            ("wasi:cli", "exit") => return Need::Silent,
            ("wasi:cli", "stdin")
                if import
                    .version
                    .is_some_and(|version| version.starts_with("0.2.")) =>
            {
                return Need::Nobody;
            }
            ("wasi:cli", name) if name.starts_with("terminal-") => return Need::Silent,
            ("wasi:cli" | "wasi:clocks" | "wasi:io" | "wasi:random", _) => return Need::Nothing,
            // These types make requests, but do not send them.
            ("wasi:http", "types") => return Need::Nothing,
            ("wasi:http", _) | ("fermyon:spin", "http" | "http-types") => Grant::Http,
            ("wasi:keyvalue" | "spin:key-value", _) | ("fermyon:spin", "key-value") => {
                Grant::KeyValue
            }
            ("wasi:config" | "spin:variables", _) | ("fermyon:spin", "variables" | "config") => {
                Grant::Variables
            }
            ("wasi:filesystem", _) => Grant::Filesystem,
            ("wasi:sockets", _) => Grant::Sockets,
            (package, _) if package.starts_with("spin-mcp:") => return Need::Nothing,
            // The package has interfaces of many kinds.
            ("fermyon:spin", name) => Grant::Wit(format!("fermyon:spin/{name}")),
            (package, _) => Grant::Wit(package.to_owned()),
        })
    }
}

/// A grant and the imports that need it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Use {
    /// As `allow` holds it.
    pub grant: String,
    pub imports: Vec<String>,
}

/// Which imports a feature may use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Grants {
    /// The grants that it uses and has.
    #[serde(default)]
    pub allowed: Vec<Use>,
    /// The grants of its other imports.
    #[serde(default)]
    pub refused: Vec<Use>,
    /// All interfaces that refuse.
    #[serde(skip)]
    pub refusing: Vec<String>,
}

impl Grants {
    /// `optional`: interfaces, without versions, that the part can do without.
    pub fn new(imports: &Imports, allow: &[Grant], optional: &[&str]) -> Result<Grants> {
        let named: Vec<_> = allow
            .iter()
            .filter_map(|grant| match grant {
                Grant::Wit(name) => Name::parse(name),
                _ => None,
            })
            .collect();
        for grant in &named {
            let stream = grant.interface.unwrap_or_default();
            ensure!(
                grant.package != "wasi:cli" || !["stdin", "stdout"].contains(&stream),
                "`wasi:cli/{stream}` belongs to the server, so no feature can use it; remove it from `allow`"
            );
        }
        let needs: Vec<_> = imports
            .names()
            .filter_map(|import| Some((import, Name::parse(import)?)))
            .map(|(import, name)| {
                let is_named = named.iter().any(|grant| grant.covers(&name));
                let interface = import.split('@').next().unwrap_or_default();
                let need = match optional.contains(&interface) && !is_named {
                    true => Need::Silent,
                    false => Need::of(&name),
                };
                let allowed = match &need {
                    Need::Nothing => true,
                    Need::Grant(grant) => allow.contains(grant) || is_named,
                    Need::Silent => is_named,
                    Need::Nobody => false,
                };
                (import, need, allowed)
            })
            .collect();
        let given = needs.iter().filter(|(_, _, allowed)| *allowed);
        let given: Vec<_> = given.map(|(import, _, _)| *import).collect();
        let mut grants = Grants::default();
        for (import, need, mut allowed) in needs {
            if let Some(user) = given.iter().find(|user| imports.uses(user, import)) {
                // Types do nothing, and come with the interface that uses them.
                ensure!(
                    allowed || !imports.does_something(import),
                    "it may use `{user}`, which uses types of `{import}`, but it may not use `{import}`; add `{}` to its \
                     `allow`",
                    remedy(import)
                );
                allowed = true;
            }
            if !allowed {
                grants.refusing.push(import.to_owned());
            }
            if let Need::Grant(grant) = need
                && imports.does_something(import)
            {
                let uses = match allowed {
                    true => &mut grants.allowed,
                    false => &mut grants.refused,
                };
                add(uses, &grant, import);
            }
        }
        // The order of the documentation.
        let rank = |of: &Use| WORDS.iter().position(|(word, _)| *word == of.grant);
        for uses in [&mut grants.allowed, &mut grants.refused] {
            uses.sort_by_key(|of| rank(of).unwrap_or(WORDS.len()));
        }
        Ok(grants)
    }

    /// The refusals to report. Standard libraries import the environment even if a feature does not
    /// read it, so its refusal is not reported.
    pub fn notable_refusals(&self) -> impl Iterator<Item = &Use> {
        let env = Grant::Env.to_string();
        self.refused
            .iter()
            .filter(move |refused| refused.grant != env)
    }
}

impl Use {
    /// The packages of the imports.
    pub fn packages(&self) -> String {
        let mut packages: Vec<_> = self
            .imports
            .iter()
            .filter_map(|import| Name::parse(import))
            .map(|name| match name.version {
                Some(version) => format!("{}@{version}", name.package),
                None => name.package.to_owned(),
            })
            .collect();
        packages.dedup();
        packages.join(", ")
    }
}

/// The advice if nothing else is refused: these grants are not suggested.
const OF_LANGUAGES: &str = "calls of refused interfaces fail; Python and JavaScript import files and sockets even if the \
                            code does not use them\n";

/// A table of what the parts of a server are allowed and refused, and advice; none if it is empty.
pub fn table(record: &Record) -> Option<String> {
    let grants =
        |uses: &mut dyn Iterator<Item = &Use>| uses.map(|of| of.grant.clone()).collect::<Vec<_>>();
    let first = match record.middleware.is_empty() {
        true => "feature",
        false => "feature or middleware",
    };
    let mut rows = vec![[first, "allowed", "refused"].map(str::to_owned)];
    let (mut advice, mut imported) = (None, false);
    for part in record.parts() {
        let allowed = grants(&mut part.grants.allowed.iter());
        let refused = grants(&mut part.grants.notable_refusals());
        if allowed.is_empty() && refused.is_empty() {
            continue;
        }
        let cell = |grants: &[String]| match grants {
            [] => "-".to_owned(),
            grants => grants.join(", "),
        };
        rows.push([part.name.to_owned(), cell(&allowed), cell(&refused)]);
        let of_languages = [Grant::Filesystem, Grant::Sockets].map(|grant| grant.to_string());
        let (unused, used): (Vec<_>, Vec<_>) = refused
            .into_iter()
            .partition(|grant| of_languages.contains(grant));
        imported |= !unused.is_empty();
        if !used.is_empty() && advice.is_none() {
            let all = [allowed, used].concat();
            advice = Some(format!(
                "calls of refused interfaces fail; if a part needs one, allow it, for example \
                 `allow = [\"{}\"]` for {} `{}`\n",
                all.join("\", \""),
                part.role,
                part.name
            ));
        }
    }
    if rows.len() == 1 {
        return None;
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let (first, second) = (width(0).unwrap_or(0), width(1).unwrap_or(0));
    let lines = rows
        .iter()
        .map(|[name, allowed, refused]| format!("{name:<first$}  {allowed:<second$}  {refused}\n"));
    let advice = advice.or_else(|| imported.then(|| OF_LANGUAGES.to_owned()));
    Some(lines.collect::<String>() + &advice.unwrap_or_default())
}

fn add(uses: &mut Vec<Use>, grant: &Grant, import: &str) {
    let grant = grant.to_string();
    match uses.iter_mut().find(|known| known.grant == grant) {
        Some(known) => known.imports.push(import.to_owned()),
        None => uses.push(Use {
            grant,
            imports: vec![import.to_owned()],
        }),
    }
}

/// The entry of `allow` that gives an interface.
pub fn remedy(interface: &str) -> String {
    match Name::parse(interface).map(|name| Need::of(&name)) {
        Some(Need::Grant(grant)) => grant.to_string(),
        _ => interface.to_owned(),
    }
}

/// Whether a component with these `allowed_outbound_hosts` may call an origin.
pub fn allows_origin(hosts: &[String], origin: &str) -> bool {
    let split = |text: &str| {
        let (scheme, rest) = text.split_once("://")?;
        let usual = if scheme == "http" { "80" } else { "443" };
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (rest, usual),
        };
        Some([scheme, host, port].map(|part| part.trim_end_matches('/').to_owned()))
    };
    let Some([scheme, host, port]) = split(origin) else {
        return false;
    };
    hosts
        .iter()
        .filter_map(|pattern| split(pattern))
        .any(|[schemes, hosts, ports]| {
            let within = hosts
                .strip_prefix('*')
                .is_some_and(|end| host.ends_with(end));
            (schemes == "*" || schemes == scheme)
                && (hosts == host || within)
                && (ports == "*" || ports == port)
        })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_languages_import_is_not_suggested() {
        let table = |refused: &[&str]| {
            let refused: Vec<Value> = refused
                .iter()
                .map(|grant| json!({"grant": grant, "imports": []}))
                .collect();
            let record = json!({"mcp": "1", "wasi": "0.2", "name": "s", "features": [
                {"name": "py", "sha256": "", "imports": [], "refused": refused, "tools": []}]});
            table(&serde_json::from_value(record).unwrap()).unwrap()
        };
        let told = table(&["filesystem", "sockets"]);
        assert!(
            told.contains("py       -        filesystem, sockets\n"),
            "{told}"
        );
        assert!(told.ends_with(OF_LANGUAGES), "{told}");
        let told = table(&["http", "filesystem"]);
        assert!(
            told.contains("for example `allow = [\"http\"]` for feature `py`"),
            "{told}"
        );
        assert!(!told.contains(OF_LANGUAGES), "{told}");
    }
}
