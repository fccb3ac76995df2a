//! What is published with a component: the annotations of its manifest, and the configuration that
//! `wkg` reads.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use oci_client::annotations::{
    ORG_OPENCONTAINERS_IMAGE_DESCRIPTION as DESCRIPTION,
    ORG_OPENCONTAINERS_IMAGE_LICENSES as LICENSES, ORG_OPENCONTAINERS_IMAGE_SOURCE as SOURCE,
    ORG_OPENCONTAINERS_IMAGE_TITLE as TITLE, ORG_OPENCONTAINERS_IMAGE_VERSION as VERSION,
};
use serde::{Deserialize, Serialize};
use wasmparser::{Parser, Payload};

use spin_mcp_component::Digest;
use spin_mcp_component::World;
use spin_mcp_contract::record::{Offers, PromptRecord, ResourceRecord, ResourceTemplateRecord};

/// Annotations: the version of the contract, and what a feature offers, as JSON.
const CONTRACT: &str = "spin-mcp.contract";
const CATALOG: &str = "spin-mcp.catalog";

/// What people read about a component.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Labels {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The version of the contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
}

/// What a feature offers, without schemas.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Catalog {
    pub tools: Vec<ToolEntry>,
    pub resources: Vec<ResourceRecord>,
    pub resource_templates: Vec<ResourceTemplateRecord>,
    pub prompts: Vec<PromptRecord>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolEntry {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl Labels {
    /// The labels in the component's own metadata, which is in custom sections.
    pub fn of_component(component: &[u8]) -> Result<Labels> {
        let mut labels = Labels::default();
        let mut depth = 0;
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth -= 1,
                Payload::CustomSection(section) if depth == 0 => {
                    let label = match section.name() {
                        "description" => &mut labels.description,
                        "source" => &mut labels.source,
                        "licenses" => &mut labels.license,
                        "version" => &mut labels.version,
                        _ => continue,
                    };
                    *label = String::from_utf8(section.data().to_vec()).ok();
                }
                _ => {}
            }
        }
        Ok(labels)
    }

    /// These labels, completed by the other ones.
    pub fn or(self, other: Labels) -> Labels {
        Labels {
            title: self.title.or(other.title),
            description: self.description.or(other.description),
            source: self.source.or(other.source),
            license: self.license.or(other.license),
            version: self.version.or(other.version),
            contract: self.contract.or(other.contract),
        }
    }

    fn keys(&self) -> [(&'static str, &Option<String>); 6] {
        [
            (TITLE, &self.title),
            (DESCRIPTION, &self.description),
            (SOURCE, &self.source),
            (LICENSES, &self.license),
            (VERSION, &self.version),
            (CONTRACT, &self.contract),
        ]
    }

    /// The annotations of a manifest with these labels and lists.
    pub fn annotations(&self, catalog: Option<&Catalog>) -> Result<BTreeMap<String, String>> {
        let mut annotations = BTreeMap::new();
        for (key, value) in self.keys() {
            if let Some(value) = value {
                annotations.insert(key.to_owned(), value.clone());
            }
        }
        if let Some(catalog) = catalog {
            annotations.insert(CATALOG.to_owned(), serde_json::to_string(catalog)?);
        }
        Ok(annotations)
    }

    pub fn read(annotations: &BTreeMap<String, String>) -> Labels {
        let of = |key: &str| annotations.get(key).cloned();
        Labels {
            title: of(TITLE),
            description: of(DESCRIPTION),
            source: of(SOURCE),
            license: of(LICENSES),
            version: of(VERSION),
            contract: of(CONTRACT),
        }
    }
}

impl Catalog {
    pub fn read(annotations: &BTreeMap<String, String>) -> Result<Option<Catalog>> {
        let catalog = annotations
            .get(CATALOG)
            .map(|json| serde_json::from_str(json));
        catalog
            .transpose()
            .with_context(|| format!("the annotation `{CATALOG}` is damaged"))
    }
}

impl From<Offers> for Catalog {
    fn from(offers: Offers) -> Catalog {
        let tools = offers.tools.into_iter();
        Catalog {
            tools: tools
                .map(|tool| ToolEntry {
                    name: tool.name,
                    title: tool.title,
                    description: tool.description,
                })
                .collect(),
            resources: offers.resources,
            resource_templates: offers.resource_templates,
            prompts: offers.prompts,
        }
    }
}

/// The configuration of a WebAssembly artifact. Its time is constant, so that pushing the same
/// component again gives the same image.
pub fn config(layer: &Digest, world: &World) -> Result<Vec<u8>> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Config<'a> {
        created: &'a str,
        architecture: &'a str,
        os: &'a str,
        layer_digests: [String; 1],
        component: Component<'a>,
    }
    #[derive(Serialize)]
    struct Component<'a> {
        exports: &'a [String],
        imports: Vec<&'a str>,
    }
    let imports = world.imports.iter();
    Ok(serde_json::to_vec(&Config {
        created: "1970-01-01T00:00:00Z",
        architecture: "wasm",
        os: "wasip2",
        layer_digests: [layer.to_string()],
        component: Component {
            exports: &world.exports,
            imports: imports.map(|import| import.name.as_str()).collect(),
        },
    })?)
}
