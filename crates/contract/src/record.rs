//! The record that a composed server holds of its parts, for `inspect` and for audits.

use std::borrow::Cow;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use wasm_encoder::{ComponentSection as _, CustomSection};
use wasmparser::{Parser, Payload};

use crate::{Grants, Keys, Need, Role};

/// The custom section that holds the record as JSON.
const SECTION: &str = "spin-mcp";
/// The largest record that is read, in bytes.
const MAX_RECORD: usize = 16 << 20;

/// The parts of a server, and what it offers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The version of `mcp` that composed it.
    pub mcp: String,
    /// The WASI version: `0.2` or `0.3`.
    pub wasi: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The key-value store that its instances share, if they share state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// It is a sequence, not a server.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sequence: bool,
    /// In the order of the lists.
    pub features: Vec<FeatureRecord>,
    /// The first sees a request first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub middleware: Vec<MiddlewareRecord>,
    /// The authenticator, then the policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub auth: Vec<MiddlewareRecord>,
    /// Whose tokens the authenticator accepts, if it is the framework's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issuers: Vec<IssuerRecord>,
    /// What clients see through the middleware, without what depends on the request. None if there is
    /// no middleware, or the answer depends on the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offers: Option<Offers>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MiddlewareRecord {
    pub name: String,
    /// The origin of its component, if that is not a file: a reference, a URL, or the name of a
    /// shipped middleware.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// SHA-256 of its file, in hexadecimal.
    pub sha256: String,
    /// What it needs shared state for.
    #[serde(default)]
    pub state: Vec<Need>,
    /// The key-value store for that, if it is not the server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// Its imports from the host and the framework.
    pub imports: Vec<String>,
    /// The bytes of its linear memories when an instance starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_memory: Option<u64>,
    #[serde(flatten)]
    pub grants: Grants,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IssuerRecord {
    pub issuer: String,
    pub algorithms: Vec<String>,
    pub keys: Keys,
}

/// What a server or a feature offers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Offers {
    pub tools: Vec<ToolRecord>,
    #[serde(default)]
    pub resources: Vec<ResourceRecord>,
    #[serde(default)]
    pub resource_templates: Vec<ResourceTemplateRecord>,
    #[serde(default)]
    pub prompts: Vec<PromptRecord>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeatureRecord {
    pub name: String,
    /// The origin of its component, if that is not a file: a reference or a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// SHA-256 of its file, in hexadecimal.
    pub sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The address of the API that it calls, if it is an OpenAPI document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// Its lists depend on the request, so they are unknown.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dynamic: bool,
    /// What it needs shared state for.
    #[serde(default)]
    pub state: Vec<Need>,
    /// Its imports from the host and the framework.
    pub imports: Vec<String>,
    /// The bytes of its linear memories when an instance starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_memory: Option<u64>,
    #[serde(flatten)]
    pub grants: Grants,
    /// Without what depends on the request.
    #[serde(flatten)]
    pub offers: Offers,
    /// The functions of a component without MCP that are not tools, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolRecord {
    /// As clients call it.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub input_schema: serde_json::Value,
    /// Only known while composing.
    #[serde(default, skip_serializing)]
    pub annotations: Annotations,
}

/// What the author says about a tool.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotations {
    #[serde(default)]
    pub read_only_hint: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceRecord {
    pub uri: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceTemplateRecord {
    pub uri_template: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PromptRecord {
    /// As clients ask for it.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Their names.
    #[serde(default)]
    pub arguments: Vec<String>,
}

/// What the records of features and middleware have in common.
pub struct PartRecord<'a> {
    pub role: Role,
    pub name: &'a str,
    pub state: &'a [Need],
    pub store: Option<&'a str>,
    pub imports: &'a [String],
    pub initial_memory: Option<u64>,
    pub grants: &'a Grants,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl Record {
    /// What features do not offer, though their components have it.
    pub fn left_out(&self) -> impl Iterator<Item = String> {
        self.features.iter().flat_map(|feature| {
            let name = &feature.name;
            let left_out = feature.left_out.iter();
            left_out.map(move |left| format!("feature `{name}`: {left}"))
        })
    }

    /// Why instances must share state, if they must.
    pub fn reason_for_state(&self) -> Option<String> {
        self.reason_for(None)
    }

    /// The key-value stores that the server needs, each with the reason.
    pub fn stores(&self) -> Vec<(&str, String)> {
        let own = self.store.iter().map(|store| (&**store, None));
        let others = self.auth.iter().filter_map(|part| part.store.as_deref());
        let mut stores: Vec<(&str, String)> = vec![];
        for (store, of) in own.chain(others.map(|store| (store, Some(store)))) {
            let Some(reason) = self.reason_for(of) else {
                continue;
            };
            match stores.iter_mut().find(|(known, _)| *known == store) {
                Some((_, reasons)) => *reasons += &format!(", {reason}"),
                None => stores.push((store, reason)),
            }
        }
        stores
    }

    /// What parts need a store for: the server's, or another one.
    fn reason_for(&self, store: Option<&str>) -> Option<String> {
        let parts = self
            .parts()
            .filter(|part| !part.state.is_empty() && part.store == store);
        let reasons: Vec<_> = parts
            .map(|part| {
                let verbs: Vec<_> = part.state.iter().map(|need| need.verb()).collect();
                format!("{} `{}` {}", part.role, part.name, verbs.join(" and "))
            })
            .collect();
        (!reasons.is_empty()).then(|| reasons.join(", "))
    }

    /// Which stores the server needs and why, to follow its name; none if it needs no store.
    pub fn store_need(&self) -> Option<String> {
        let stores = self.stores().into_iter();
        let needs =
            stores.map(|(store, reason)| format!("needs the key-value store `{store}`: {reason}"));
        let lacks = self.reason_for_state().filter(|_| self.store.is_none());
        let lacks = lacks.map(|reason| format!("has no shared store, which it needs: {reason}"));
        let all: Vec<_> = needs.chain(lacks).collect();
        (!all.is_empty()).then(|| all.join("; it "))
    }

    /// What clients see: through the middleware, or else from each feature.
    pub fn offered(&self) -> impl Iterator<Item = &Offers> + Clone {
        let of_features = self.features.iter().map(|feature| &feature.offers);
        let own = self.offers.iter();
        own.chain(of_features.filter(|_| self.offers.is_none()))
    }

    /// The tools that clients see.
    pub fn tools(&self) -> impl Iterator<Item = &ToolRecord> {
        self.offered().flat_map(|offers| &offers.tools)
    }

    /// What features and middleware have in common.
    pub fn parts(&self) -> impl Iterator<Item = PartRecord<'_>> {
        let features = self.features.iter().map(|feature| PartRecord {
            role: Role::Feature,
            name: &feature.name,
            state: &feature.state,
            store: None,
            imports: &feature.imports,
            initial_memory: feature.initial_memory,
            grants: &feature.grants,
        });
        let middleware = self.middleware.iter();
        let middleware = middleware.map(|part| (Role::Middleware, part));
        let roles = [Role::Authenticator, Role::Policy].into_iter();
        let others = middleware.chain(roles.zip(&self.auth));
        let others = others.map(|(role, part)| PartRecord {
            role,
            name: &part.name,
            state: &part.state,
            store: part.store.as_deref(),
            imports: &part.imports,
            initial_memory: part.initial_memory,
            grants: &part.grants,
        });
        features.chain(others)
    }

    pub fn append_to(&self, component: &mut Vec<u8>) -> Result<()> {
        let json = serde_json::to_vec(self)?;
        ensure!(
            json.len() <= MAX_RECORD,
            "the lists of all features together have more than {} MB",
            MAX_RECORD >> 20
        );
        CustomSection {
            name: Cow::Borrowed(SECTION),
            data: Cow::Owned(json),
        }
        .append_to_component(component);
        Ok(())
    }

    /// The record of a composed server; none for any other component.
    pub fn read(component: &[u8]) -> Result<Option<Record>> {
        let mut depth = 0;
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth -= 1,
                Payload::CustomSection(section)
                    if depth == 0
                        && section.name() == SECTION
                        && section.data().len() <= MAX_RECORD =>
                {
                    return serde_json::from_slice(section.data())
                        .map(Some)
                        .context("the record of the server is damaged; compose the server again");
                }
                _ => {}
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What today's `mcp` writes into servers, which every later `mcp` must read.
    const GOLDEN: &str = include_str!("record/golden.json");

    #[test]
    fn a_record_keeps_its_format() {
        let mut component = wasm_encoder::Component::new().finish();
        CustomSection {
            name: Cow::Borrowed("spin-mcp"),
            data: Cow::Borrowed(GOLDEN.trim_end().as_bytes()),
        }
        .append_to_component(&mut component);
        let record = Record::read(&component).unwrap().unwrap();
        assert_eq!(
            serde_json::to_string_pretty(&record).unwrap(),
            GOLDEN.trim_end()
        );
        let mut written = wasm_encoder::Component::new().finish();
        record.append_to(&mut written).unwrap();
        assert_eq!(Record::read(&written).unwrap(), Some(record));
    }

    /// All that may be absent is absent.
    #[test]
    fn the_smallest_record_is_read() {
        let smallest = r#"{"mcp":"0.1.0","wasi":"0.2","name":"small","features":[]}"#;
        let record: Record = serde_json::from_str(smallest).unwrap();
        assert!(!record.sequence && record.middleware.is_empty());
        assert_eq!(serde_json::to_string(&record).unwrap(), smallest);
    }
}
