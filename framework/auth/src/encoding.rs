//! The encoding of tokens and keys.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use spin_mcp_protocol::json::{Kind, Value};

/// Decodes base64url without padding. Other spellings of the same bytes are refused: a token must
/// not have two forms (RFC 7515, section 2).
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Reads an object that means the same to every reader: at any depth, no two members of an object
/// have the same name, for readers disagree on which one counts, and numbers are not too large.
pub fn object(text: &str) -> Option<Value<'_>> {
    let value = Value::parse(text).ok()?;
    (value.is_object() && is_plain(value)).then_some(value)
}

fn is_plain(value: Value<'_>) -> bool {
    match value.kind {
        Kind::Object => value.names_once() && value.members().all(|(_, value)| is_plain(value)),
        Kind::Array => value.elements().all(is_plain),
        Kind::Number => {
            let exponent = value.text.split_once(['e', 'E']);
            let digits = exponent.map_or("", |(_, exponent)| exponent.trim_matches(['+', '-']));
            value.text.len() <= 32 && digits.len() <= 2
        }
        _ => true,
    }
}
