//! What a composed server holds about itself, for `inspect` and for whoever audits it.

use std::borrow::Cow;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use spin_mcp_protocol::types::tool_types::Tool;
use wasm_encoder::{ComponentSection as _, CustomSection};
use wasmparser::{Parser, Payload};

use super::{Composition, feature::Loaded};

/// The custom section that holds the record as JSON.
const SECTION: &str = "spin-mcp";
/// The largest record that is read, in bytes.
const MAX_RECORD: usize = 16 << 20;

/// What went into a server, and what it offers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The version of `mcp` that composed it.
    pub mcp: String,
    /// The generation of WASI: `0.2` or `0.3`.
    pub wasi: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// In the order of the lists.
    pub features: Vec<FeatureRecord>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeatureRecord {
    pub name: String,
    /// SHA-256 of its file, in hexadecimal.
    pub sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// What it imports of hosts and framework.
    pub imports: Vec<String>,
    pub tools: Vec<ToolRecord>,
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
}

impl Record {
    pub(super) fn new(
        composition: &Composition,
        features: &[Loaded],
        lists: &[Vec<Tool>],
    ) -> Record {
        let feature = |(feature, tools): (&Loaded, &Vec<Tool>)| FeatureRecord {
            name: feature.name.clone(),
            sha256: feature.digest.clone(),
            prefix: feature.prefix.clone(),
            imports: feature.imports.clone(),
            tools: tools
                .iter()
                .map(|tool| ToolRecord::new(feature.prefix.as_deref(), tool))
                .collect(),
        };
        Record {
            mcp: env!("CARGO_PKG_VERSION").to_owned(),
            wasi: composition.wasi.as_str().to_owned(),
            name: composition.server.name.clone(),
            version: composition.server.version.clone(),
            features: features.iter().zip(lists).map(feature).collect(),
        }
    }

    /// The tools of all features.
    pub fn tools(&self) -> impl Iterator<Item = &ToolRecord> {
        self.features.iter().flat_map(|feature| &feature.tools)
    }

    pub(super) fn append_to(&self, component: &mut Vec<u8>) -> Result<()> {
        let json = serde_json::to_vec(self)?;
        CustomSection {
            name: Cow::Borrowed(SECTION),
            data: Cow::Owned(json),
        }
        .append_to_component(component);
        Ok(())
    }

    /// The record of a composed server; none of another component.
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
                        .context("the server's record of itself is damaged; compose it again");
                }
                _ => {}
            }
        }
        Ok(None)
    }
}

impl ToolRecord {
    fn new(prefix: Option<&str>, tool: &Tool) -> ToolRecord {
        ToolRecord {
            name: format!("{}{}", prefix.unwrap_or_default(), tool.name),
            title: tool.title.clone(),
            description: tool.description.clone(),
            input_schema: serde_json::from_str(&tool.input_schema).unwrap_or_default(),
        }
    }
}

/// What hosts count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Size {
    pub bytes: usize,
    /// Core modules, of which an instance has one instance each.
    pub core_modules: usize,
    /// Linear memories.
    pub memories: usize,
}

impl Size {
    pub fn of(component: &[u8]) -> Result<Size> {
        let mut size = Size {
            bytes: component.len(),
            ..Size::default()
        };
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::ModuleSection { .. } => size.core_modules += 1,
                Payload::MemorySection(section) => size.memories += section.count() as usize,
                _ => {}
            }
        }
        Ok(size)
    }
}
