//! The encoding of tokens and keys.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use spin_mcp_protocol::json::{Kind, Value};

/// Decodes base64url without padding. Other spellings of the same bytes are refused: a token must
/// not have two forms (RFC 7515, section 2).
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// A JSON object whose members were read once. To look a member up in a [`Value`] reads its text
/// again, which is most of the time that an API key takes where an instance serves one request.
#[derive(Debug)]
pub struct Object<'a> {
    pub text: &'a str,
    members: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Object<'a> {
    /// Reads an object that means the same to every reader: at any depth, no two members of an object
    /// have the same name, for readers disagree on which one counts, and numbers are not too large.
    pub fn read(text: &'a str) -> Option<Object<'a>> {
        let object = Object::of(Value::parse(text).ok()?)?;
        object.is_plain().then_some(object)
    }

    /// None if the value is not an object.
    pub fn of(value: Value<'a>) -> Option<Object<'a>> {
        if !value.is_object() {
            return None;
        }
        let members = value.members();
        let members = members.map(|(name, value)| Some((name.as_str()?, value)));
        Some(Object {
            text: value.text,
            members: members.collect::<Option<_>>()?,
        })
    }

    /// The first member with this name.
    pub fn member(&self, name: &str) -> Option<Value<'a>> {
        let mut members = self.members.iter();
        members.find_map(|(known, value)| (known == name).then_some(*value))
    }

    pub fn members(&self) -> impl Iterator<Item = (&str, Value<'a>)> {
        self.members.iter().map(|(name, value)| (&**name, *value))
    }

    fn is_plain(&self) -> bool {
        let mut names: Vec<&str> = self.members().map(|(name, _)| name).collect();
        names.sort_unstable();
        let once = names.windows(2).all(|pair| pair[0] != pair[1]);
        once && self.members().all(|(_, value)| is_plain(value))
    }
}

fn is_plain(value: Value<'_>) -> bool {
    match value.kind {
        Kind::Object => Object::of(value).is_some_and(|object| object.is_plain()),
        Kind::Array => value.elements().all(is_plain),
        Kind::Number => {
            let exponent = value.text.split_once(['e', 'E']);
            let digits = exponent.map_or("", |(_, exponent)| exponent.trim_matches(['+', '-']));
            value.text.len() <= 32 && digits.len() <= 2
        }
        _ => true,
    }
}
