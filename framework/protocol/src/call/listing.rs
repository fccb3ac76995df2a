//! Lists of dynamic features. The server asks such a feature at each request; its entries follow
//! those in the catalog
//! (https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/pagination).

use std::collections::BTreeSet;

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
/// The first character of cursors of dynamic lists. Cursors of the catalog do not contain it.
pub const MARK: &str = "~";

/// A list that is being collected.
#[derive(Clone, Debug)]
pub struct Listing {
    pub kind: ListKind,
    /// The cursor for the feature that is asked now.
    pub cursor: Option<String>,
    /// JSON values with commas between them.
    pub entries: Vec<u8>,
    /// The names of those that features listed.
    pub names: BTreeSet<String>,
    pub calls: usize,
    pub hint: CacheHint,
}

/// A page of a feature's list.
#[derive(Clone, Debug)]
pub enum Listed {
    Tools(ToolList),
    Resources(ResourceList),
    ResourceTemplates(ResourceTemplateList),
    Prompts(PromptList),
}

/// The slot in a cursor, and the cursor for its feature.
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

/// The cursor for the rest of a list: the slot of a feature, and that feature's cursor.
pub fn write_cursor(slot: usize, cursor: Option<&str>) -> String {
    let mut bytes = (slot as u16).to_le_bytes().to_vec();
    bytes.extend_from_slice(cursor.unwrap_or_default().as_bytes());
    format!("{MARK}{}", URL_SAFE_NO_PAD.encode(bytes))
}
