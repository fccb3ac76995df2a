use super::read::{Fault, Reader, Value, may_hold_special};

/// Writes a string, with its quotes.
pub fn string(out: &mut Vec<u8>, value: &str) {
    out.push(b'"');
    let bytes = value.as_bytes();
    let mut written = 0;
    let mut at = 0;
    while at < bytes.len() {
        if let Some(chunk) = bytes[at..].first_chunk::<8>()
            && !may_hold_special(u64::from_le_bytes(*chunk))
        {
            at += 8;
            continue;
        }
        let byte = bytes[at];
        if byte < 0x20 || byte == b'"' || byte == b'\\' {
            out.extend_from_slice(&bytes[written..at]);
            escape(out, byte);
            written = at + 1;
        }
        at += 1;
    }
    out.extend_from_slice(&bytes[written..]);
    out.push(b'"');
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Writes a number; `null` for one that JSON cannot represent.
/// Writes an array of strings.
pub fn strings(out: &mut Vec<u8>, values: &[String]) {
    out.push(b'[');
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        string(out, value);
    }
    out.push(b']');
}

pub fn float(out: &mut Vec<u8>, value: f64) {
    if value.is_finite() {
        out.extend_from_slice(value.to_string().as_bytes());
    } else {
        out.extend_from_slice(b"null");
    }
}

/// Writes a value from elsewhere without whitespace between tokens. Writes nothing if it is not
/// well-formed.
pub fn compact<'a>(out: &mut Vec<u8>, text: &'a str) -> Result<Value<'a>, Fault> {
    let mut reader = Reader::new(text);
    let value = reader.value()?;
    let spaced = reader.is_spaced();
    reader.end()?;
    if spaced {
        without_space(out, value.text);
    } else {
        out.extend_from_slice(value.text.as_bytes());
    }
    Ok(value)
}

fn without_space(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len());
    let (mut in_string, mut escaped) = (false, false);
    let mut written = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if byte == b'"' {
            in_string = true;
        } else if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            out.extend_from_slice(&bytes[written..at]);
            written = at + 1;
        }
    }
    out.extend_from_slice(&bytes[written..]);
}

/// An object that is being written, member by member.
pub struct Object<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl<'a> Object<'a> {
    pub fn begin(out: &'a mut Vec<u8>) -> Object<'a> {
        out.push(b'{');
        Object { out, empty: true }
    }

    /// Continues an object that already has members.
    pub fn resume(out: &'a mut Vec<u8>) -> Object<'a> {
        Object { out, empty: false }
    }

    /// Begins a member. The caller must write its value.
    pub fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        string(self.out, key);
        self.out.push(b':');
        self.out
    }

    /// Begins a member whose key comes from well-formed JSON.
    pub fn raw_key(&mut self, key: Value<'_>) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        self.out.extend_from_slice(key.text.as_bytes());
        self.out.push(b':');
        self.out
    }

    pub fn string(&mut self, key: &str, value: &str) {
        string(self.key(key), value);
    }

    /// Writes a member, if there is a value.
    pub fn optional(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.string(key, value);
        }
    }

    /// Writes a member whose value is JSON of this crate.
    pub fn json(&mut self, key: &str, json: &[u8]) {
        self.key(key).extend_from_slice(json);
    }

    pub fn bool(&mut self, key: &str, value: bool) {
        self.json(key, if value { b"true" } else { b"false" });
    }

    pub fn end(self) {
        self.out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &str) -> String {
        let mut out = Vec::new();
        string(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn strings_read_back() {
        for value in [
            "",
            "plain",
            "a longer plain text, é😀",
            "\"\\\n\r\t\u{0}\u{1f}\u{7f}",
            "12345678\"",
            "1234567\n90123456789",
        ] {
            let text = written(value);
            assert_eq!(serde_json::from_str::<String>(&text).unwrap(), value);
            assert_eq!(Value::parse(&text).unwrap().as_str().unwrap(), value);
        }
    }

    #[test]
    fn raw_json_ends_up_on_one_line() {
        let mut out = Vec::new();
        compact(
            &mut out,
            " {\n \"a b\" : [ 1 ,\r\n 2 ] , \"c\\\" d\\\\\" : \" e \" } ",
        )
        .unwrap();
        assert_eq!(out, br#"{"a b":[1,2],"c\" d\\":" e "}"#);
    }

    #[test]
    fn what_is_not_json_is_not_written() {
        let mut out = b"before".to_vec();
        assert!(compact(&mut out, "{} x").is_err());
        assert!(compact(&mut out, "[1,").is_err());
        assert_eq!(out, b"before");
    }

    #[test]
    fn floats_are_numbers() {
        for (value, text) in [
            (0.0, "0"),
            (0.25, "0.25"),
            (1e21, "1000000000000000000000"),
            (-3.0, "-3"),
            (f64::NAN, "null"),
        ] {
            let mut out = Vec::new();
            float(&mut out, value);
            assert_eq!(out, text.as_bytes());
        }
    }

    #[test]
    fn objects_have_commas_between_members() {
        let mut out = Vec::new();
        let mut object = Object::begin(&mut out);
        object.string("a", "1");
        object.optional("b", None);
        object.bool("c", true);
        object.end();
        assert_eq!(out, br#"{"a":"1","c":true}"#);
    }
}
