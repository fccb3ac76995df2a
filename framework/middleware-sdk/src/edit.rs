//! Changes one member of a JSON object, and leaves all others as they are.

use spin_mcp_protocol::json::{Object, Value};

/// Parses a text that must be a JSON object. `what` names it in the error.
pub fn object<'a>(text: &'a str, what: &str) -> Result<Value<'a>, super::Error> {
    match Value::parse(text) {
        Ok(value) if value.is_object() => Ok(value),
        _ => Err(super::broken(what, "is not a JSON object")),
    }
}

/// Appends `object` with another value of `member`, written once: a member that occurs twice could
/// mean one thing here and another to the next reader.
pub fn replace(
    out: &mut Vec<u8>,
    object: Value<'_>,
    member: &str,
    mut value: impl FnMut(&mut Vec<u8>),
) {
    let mut written = Object::begin(out);
    let mut replaced = false;
    for (key, old) in object.members() {
        if !key.is_str(member) {
            written.raw_key(key).extend_from_slice(old.text.as_bytes());
        } else if !std::mem::replace(&mut replaced, true) {
            value(written.raw_key(key));
        }
    }
    written.end();
}

#[cfg(test)]
mod tests {
    use super::*;
    use spin_mcp_protocol::json;

    #[test]
    fn all_other_members_stay_as_they_are() {
        let text = r#" {"a": 1.50, "b":{"name":"x"}, "name" : "old", "a":2, "name":"hidden"} "#;
        let mut out = Vec::new();
        replace(&mut out, object(text, "it").unwrap(), "name", |out| {
            json::string(out, "n\"w")
        });
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"a":1.50,"b":{"name":"x"},"name":"n\"w","a":2}"#
        );
    }

    #[test]
    fn what_is_no_object_is_named() {
        for text in ["", "[]", "{", "{} {}"] {
            let error = object(text, "the answer to `tools/list`").unwrap_err();
            assert_eq!(
                error.message,
                "the answer to `tools/list` is not a JSON object"
            );
            assert_eq!(error.code, -32603);
        }
    }
}
