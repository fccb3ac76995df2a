//! The encoding of tokens and keys.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use spin_mcp_protocol::json::{Kind, Value};

/// Decodes base64url without padding. Other spellings of the same bytes are refused: a token must
/// not have two forms (RFC 7515, section 2).
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Reads an object, at any depth of which no two members have the same name: readers disagree on
/// which one counts.
pub fn object(text: &str) -> Option<Value<'_>> {
    let value = Value::parse(text).ok()?;
    (value.is_object() && named_once(value)).then_some(value)
}

fn named_once(value: Value<'_>) -> bool {
    match value.kind {
        Kind::Object => value.names_once() && value.members().all(|(_, value)| named_once(value)),
        Kind::Array => value.elements().all(named_once),
        _ => true,
    }
}
