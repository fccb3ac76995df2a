//! Who may call a server: the table `auth` of `spin.toml`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use spin_mcp_protocol::catalog::Access;

use crate::{ComponentSource, Part, record::IssuerRecord};

/// Who may call a server, and what they may do.
#[derive(Clone, Debug)]
pub struct Auth {
    /// What the transport checks. `needs` are patterns as the user wrote them.
    pub access: Access,
    /// The scopes of tools that no pattern of `access` names: those that only read, and all others.
    pub read_only: Option<Vec<String>>,
    pub other: Option<Vec<String>>,
    /// The component that finds out who calls.
    pub authenticator: Part,
    /// The key-value store for keys that are fetched.
    pub store: String,
    /// Whether these keys are sealed there: the component has the variable `mcp_state_key`.
    pub sealed: bool,
    pub policy: Option<Policy>,
    /// What the user should know about the table.
    pub warnings: Vec<String>,
}

/// What decides about requests.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its component, or the file of a policy in Rego.
    pub part: Part,
    pub rego: Option<Rego>,
}

/// A policy in Rego, from which compose makes a component.
#[derive(Clone, Debug)]
pub struct Rego {
    /// The folder of `spin.toml`.
    pub dir: PathBuf,
    /// The file, or a folder of files, relative to `dir`.
    pub file: PathBuf,
    pub data: Map<String, Value>,
}

/// Where the keys of an issuer come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keys {
    /// From the issuer.
    Fetched,
    /// Composed into the server.
    Pinned,
    /// From the variable with this name.
    Variable(String),
}

impl Auth {
    /// The authenticator, then the policy.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        let policy = self.policy.iter().map(|policy| &policy.part);
        std::iter::once(&self.authenticator).chain(policy)
    }

    /// Whether keys are fetched from an issuer.
    pub fn fetches(&self) -> bool {
        let mut issuers = self.issuers().into_iter();
        issuers.any(|issuer| issuer.keys == Keys::Fetched)
    }

    /// Whose tokens the authenticator accepts; empty if it is not the framework's.
    pub fn issuers(&self) -> Vec<IssuerRecord> {
        let shipped = matches!(self.authenticator.component, ComponentSource::Shipped(_));
        let settings = self.authenticator.settings.iter().filter(|_| shipped);
        settings.flat_map(issuers).collect()
    }
}

/// The issuers in the settings of the framework's authenticator.
pub fn issuers(settings: &Map<String, Value>) -> Vec<IssuerRecord> {
    let issuers = settings.get("issuers").and_then(Value::as_array);
    let issuer = |of: &Value| IssuerRecord {
        issuer: of["issuer"].as_str().unwrap_or_default().to_owned(),
        algorithms: serde_json::from_value(of["algorithms"].clone()).unwrap_or_default(),
        keys: match &of["jwks"] {
            jwks if jwks["fetch"] == true => Keys::Fetched,
            jwks => match jwks["variable"].as_str() {
                Some(variable) => Keys::Variable(variable.to_owned()),
                None => Keys::Pinned,
            },
        },
    };
    issuers.into_iter().flatten().map(issuer).collect()
}
