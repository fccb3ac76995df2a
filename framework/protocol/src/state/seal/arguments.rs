//! A canonical form of JSON: a client may repeat the arguments of a request with another order
//! of members, other whitespace and other escapes.

use crate::wire::json::{self, Kind, Value};

/// An object that is being written.
struct Object {
    /// Its start in the output.
    start: usize,
    members: Vec<Member>,
}

/// The places of a member in the output: its key, the colon after it, and its end.
struct Member {
    key: usize,
    colon: usize,
    end: usize,
}

/// JSON with the members of each object sorted by key, without whitespace, and with one spelling
/// of each string. Numbers do not change. Members of one name keep their order. Text that is not
/// JSON does not change, so it differs from all JSON.
pub fn normal(text: &str) -> Vec<u8> {
    let Ok(value) = Value::parse(text) else {
        return text.as_bytes().to_vec();
    };
    let mut out = Vec::with_capacity(value.text.len());
    // The containers around a token, at most `MAX_DEPTH` of them; `None` for an array.
    let mut open: Vec<Option<Object>> = Vec::new();
    let mut last_string = 0;
    let mut rest = value.text;
    while let Some(&first) = rest.as_bytes().first() {
        let (token, after) = rest.split_at(token_length(rest.as_bytes()));
        rest = after;
        let here = out.len();
        let object = open.last_mut().and_then(Option::as_mut);
        match first {
            b' ' | b'\t' | b'\n' | b'\r' => continue,
            b'"' => {
                last_string = here;
                string(&mut out, token);
                continue;
            }
            b':' => object.into_iter().for_each(|object| {
                object.members.push(Member {
                    key: last_string,
                    colon: here,
                    end: here,
                })
            }),
            b',' => end_member(object, here),
            b'{' => open.push(Some(Object {
                start: here,
                members: Vec::new(),
            })),
            b'[' => open.push(None),
            b'}' | b']' => {
                end_member(object, here);
                if let Some(object) = open.pop().flatten() {
                    sort(&mut out, object);
                }
            }
            _ => {}
        }
        out.extend_from_slice(token.as_bytes());
    }
    out
}

/// The length of the first token of well-formed JSON.
fn token_length(bytes: &[u8]) -> usize {
    let is_end = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r');
    let end = match bytes[0] {
        b'"' => {
            let mut escaped = false;
            let is_quote = |&byte: &u8| {
                let quote = !escaped && byte == b'"';
                escaped = !escaped && byte == b'\\';
                quote
            };
            bytes[1..].iter().position(is_quote).map(|at| at + 2)
        }
        b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => bytes.iter().position(is_end),
        _ => Some(1),
    };
    end.unwrap_or(bytes.len())
}

fn string(out: &mut Vec<u8>, token: &str) {
    let value = Value {
        kind: Kind::String,
        text: token,
    };
    if let Some(text) = value.as_str() {
        json::string(out, &text);
    }
}

fn end_member(object: Option<&mut Object>, end: usize) {
    if let Some(member) = object.and_then(|object| object.members.last_mut()) {
        member.end = end;
    }
}

/// Sorts the members of an object, which lacks only its closing brace.
fn sort(out: &mut Vec<u8>, Object { start, mut members }: Object) {
    if members.is_sorted_by_key(|member| &out[member.key..member.colon]) {
        return;
    }
    let written = out.split_off(start);
    let part = |from: usize, to: usize| &written[from - start..to - start];
    members.sort_unstable_by_key(|member| (part(member.key, member.colon), member.key));
    for (index, member) in members.iter().enumerate() {
        out.push(if index == 0 { b'{' } else { b',' });
        out.extend_from_slice(part(member.key, member.end));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    fn text(json: &str) -> String {
        String::from_utf8(normal(json)).unwrap()
    }

    #[test]
    fn members_are_sorted_and_strings_have_one_spelling() {
        for (json, expected) in [
            ("{}", "{}"),
            (" { } ", "{}"),
            ("[ ]", "[]"),
            ("7", "7"),
            (r#"{"b":1,"a":2}"#, r#"{"a":2,"b":1}"#),
            (
                r#"{"b":0,"a":1,"b":3,"a":2}"#,
                r#"{"a":1,"a":2,"b":0,"b":3}"#,
            ),
            (
                r#"{ "b" : [ { "d" : 1 , "c" : { } } , [ ] ] , "a" : "x:,}" , "" : -1.50e+3 }"#,
                r#"{"":-1.50e+3,"a":"x:,}","b":[{"c":{},"d":1},[]]}"#,
            ),
            (
                r#"{"\u0062":"\u00e9\ud83d\ude00\/\b","a\"":true,"a":null}"#,
                r#"{"a":null,"a\"":true,"b":"é😀/\u0008"}"#,
            ),
            (r#"["\\",",","\\\"]"]"#, r#"["\\",",","\\\"]"]"#),
        ] {
            assert_eq!(text(json), expected, "{json}");
        }
    }

    #[test]
    fn what_means_something_else_stays_different() {
        for (a, b) in [
            (r#"{"a":1,"a":2}"#, r#"{"a":2,"a":1}"#),
            (r#"{"a":1,"a":1}"#, r#"{"a":1}"#),
            ("[1,2]", "[2,1]"),
            (r#"{"a":"1"}"#, r#"{"a":1}"#),
            (r#"{"a":1.0}"#, r#"{"a":1}"#),
            (r#"{"a":{"b":1}}"#, r#"{"a":{},"b":1}"#),
            (r#"{"a":"b "}"#, r#"{"a":"b"}"#),
            (r#"{"a":"\ud800"}"#, r#"{"a":"\\ud800"}"#),
            ("[[],[]]", "[[[]]]"),
            ("{", "{}"),
        ] {
            assert_ne!(text(a), text(b));
        }
    }

    #[test]
    fn nesting_and_size_cost_no_more_than_time() {
        let depth = crate::wire::MAX_DEPTH;
        let deep = format!(
            "{}{}",
            r#"{"b":"#.repeat(depth),
            "1".to_owned() + &"}".repeat(depth)
        );
        assert_eq!(text(&deep), deep);
        let too_deep = format!("[{deep}]");
        assert_eq!(text(&too_deep), too_deep);
        let wide: Vec<String> = (0..100_000)
            .rev()
            .map(|n| format!(r#""{n:06}":0"#))
            .collect();
        let sorted: Vec<_> = wide.iter().rev().map(String::as_str).collect();
        assert_eq!(
            text(&format!("{{{}}}", wide.join(","))),
            format!("{{{}}}", sorted.join(","))
        );
    }

    /// Values with distinct keys, each in two spellings: another order of members, other
    /// whitespace and other escapes.
    fn same() -> impl Strategy<Value = (String, String)> {
        let string = any::<String>().prop_map(|text| {
            let plain = serde_json::to_string(&text).unwrap();
            let escaped: String = text
                .encode_utf16()
                .map(|unit| format!("\\u{unit:04X}"))
                .collect();
            (plain, format!("\"{escaped}\""))
        });
        let leaf = prop_oneof![
            prop::sample::select(vec!["null", "true", "0", "-1.5e7"])
                .prop_map(|text| (text.to_owned(), format!(" {text}\n"))),
            string.clone(),
        ];
        leaf.prop_recursive(4, 40, 5, move |inner| {
            let array = prop::collection::vec(inner.clone(), 0..4).prop_map(|values| {
                let (a, b): (Vec<_>, Vec<_>) = values.into_iter().unzip();
                (
                    format!("[{}]", a.join(",")),
                    format!("[ {}\t]", b.join(" ,")),
                )
            });
            let members = prop::collection::btree_map(string.clone(), inner, 0..5);
            let object = members.prop_map(|members| {
                let (a, mut b): (Vec<_>, Vec<_>) = members
                    .into_iter()
                    .map(|(key, value)| {
                        (
                            format!("{}:{}", key.0, value.0),
                            format!("{} : {}", key.1, value.1),
                        )
                    })
                    .unzip();
                b.reverse();
                (
                    format!("{{{}}}", a.join(",")),
                    format!("{{\r{} }}", b.join(", ")),
                )
            });
            prop_oneof![array, object]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_same_is_written_the_same((a, b) in same()) {
            let written = text(&a);
            prop_assert_eq!(&written, &text(&b));
            prop_assert_eq!(&written, &text(&written));
            let mean = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
            prop_assert_eq!(mean(&written), mean(&a));
        }

        #[test]
        fn json_stays_json(json in r#"(\[|\{"[ab\\]{0,2}":){0,4}(1|-0.5e7 |"\\u00e9x"|true|null|\{\}|\[\])?( ?,"?[ab]?"?:?[0-9]*|[\]}]){0,6}"#) {
            match serde_json::from_str::<&RawValue>(&json) {
                Ok(_) => prop_assert!(serde_json::from_slice::<&RawValue>(&normal(&json)).is_ok()),
                Err(_) => prop_assert_eq!(normal(&json), json.as_bytes()),
            }
        }
    }
}
