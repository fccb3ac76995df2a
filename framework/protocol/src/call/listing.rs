//! Lists of dynamic features, which are asked for them at each request. They follow the lists
//! that are in the catalog
//! (https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/pagination).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    catalog::ListKind,
    wire::types::{
        prompt_types::PromptList,
        resource_types::{ResourceList, ResourceTemplateList},
        tool_types::ToolList,
        types::CacheHint,
    },
};

/// The longest cursor of a feature, in bytes.
pub const LONGEST_CURSOR: usize = 2048;
/// What cursors of dynamic lists begin with. Those of the catalog have no such character.
pub const MARK: &str = "~";

/// A list on its way.
#[derive(Clone, Debug)]
pub struct Listing {
    pub kind: ListKind,
    /// Where the feature that is asked now is to go on.
    pub cursor: Option<String>,
    /// JSON, with commas between.
    pub entries: Vec<u8>,
    pub count: usize,
    pub calls: usize,
    pub hint: CacheHint,
}

/// What a feature listed.
#[derive(Clone, Debug)]
pub enum Listed {
    Tools(ToolList),
    Resources(ResourceList),
    ResourceTemplates(ResourceTemplateList),
    Prompts(PromptList),
}

/// The slot that a cursor names, and where its feature goes on.
pub fn read_cursor(position: &str) -> Option<(usize, Option<String>)> {
    if position.len() > 2 * LONGEST_CURSOR {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(position).ok()?;
    let (slot, cursor) = bytes.split_first_chunk()?;
    let cursor = String::from_utf8(cursor.to_vec()).ok()?;
    Some((
        usize::from(u16::from_le_bytes(*slot)),
        Some(cursor).filter(|cursor| !cursor.is_empty()),
    ))
}

/// The cursor of a slot, and of where its feature goes on.
pub fn write_cursor(slot: usize, cursor: Option<&str>) -> String {
    let mut bytes = (slot as u16).to_le_bytes().to_vec();
    bytes.extend_from_slice(cursor.unwrap_or_default().as_bytes());
    format!("{MARK}{}", URL_SAFE_NO_PAD.encode(bytes))
}
