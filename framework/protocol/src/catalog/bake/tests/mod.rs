mod access;
mod lists;
mod prompts;
mod resources;
mod server;
mod tools;

use super::*;
use crate::{
    catalog::{Catalog, FeatureInput, ServerInput},
    testing,
    wire::types::{
        prompt_types::Prompt,
        resource_types::ResourceTemplate,
        tool_types::Tool,
        types::{CacheHint, CacheScope, Icon, ResourceInfo},
    },
};

fn json(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(bytes).unwrap()
}

fn server_with(feature: FeatureInput) -> CatalogInput {
    CatalogInput {
        server: ServerInput::default(),
        features: vec![FeatureInput {
            name: "one".to_owned(),
            ..feature
        }],
    }
}

fn problem(input: &CatalogInput) -> String {
    build(input).unwrap_err().to_string()
}

/// The entries of a list of one page, for modern and for legacy clients.
fn listed(input: &CatalogInput, kind: ListKind) -> (serde_json::Value, serde_json::Value) {
    let bytes = build(input).unwrap();
    let page = Catalog::new(&bytes).unwrap().page(kind, None).unwrap();
    assert_eq!(page.next, None);
    assert!(!page.modern.contains(&b'\n'));
    (json(page.modern), json(page.legacy))
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    assert_eq!(testing::catalog(), testing::catalog());
}
