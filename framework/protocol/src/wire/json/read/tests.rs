use super::*;

#[test]
fn values_keep_their_text() {
    for text in [
        "{}",
        "[]",
        "\"a\"",
        "-0.5e+3",
        "true",
        "false",
        "null",
        r#"{"a":[1,{"b":null}],"c":""}"#,
    ] {
        let spaced = format!(" \n{text}\t ");
        assert_eq!(Value::parse(&spaced).unwrap().text, text);
    }
}

#[test]
fn what_is_not_json_is_a_fault_at_its_place() {
    for (text, at) in [
        ("", 0),
        ("{", 1),
        ("{\"a\"}", 4),
        ("{\"a\":1,}", 7),
        ("{a:1}", 1),
        ("[1,]", 3),
        ("[1 2]", 3),
        ("[1}", 2),
        ("01", 1),
        ("1.", 2),
        ("-", 1),
        ("1e", 2),
        ("+1", 0),
        ("tru", 0),
        ("nul", 0),
        ("\"\n\"", 1),
        ("\"\\x\"", 2),
        ("\"\\u12g4\"", 5),
        ("\"abcdefghij", 11),
        ("1 1", 2),
        ("{}\u{0}", 2),
        ("\u{feff}{}", 0),
    ] {
        assert_eq!(Value::parse(text), Err(Fault::Syntax(at)), "{text:?}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(Value::parse(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(Value::parse(&nested(MAX_DEPTH + 1)), Err(Fault::Depth));
    assert_eq!(Value::parse(&"[".repeat(1 << 20)), Err(Fault::Depth));
    let objects = "{\"a\":".repeat(MAX_DEPTH) + "{}" + &"}".repeat(MAX_DEPTH);
    assert_eq!(Value::parse(&objects), Err(Fault::Depth));
}

#[test]
fn entered_objects_count_as_nesting() {
    let text = format!(
        "{{\"a\":{}{}}}",
        "[".repeat(MAX_DEPTH),
        "]".repeat(MAX_DEPTH)
    );
    let mut reader = Reader::new(&text);
    reader.enter().unwrap();
    assert!(reader.next_key(true).unwrap().unwrap().is_str("a"));
    assert_eq!(reader.value(), Err(Fault::Depth));
}

#[test]
fn strings_are_unescaped() {
    let value = |text| Value::parse(text).unwrap().as_str().map(Cow::into_owned);
    assert_eq!(
        value(r#""a\"\\\/\b\f\n\r\t""#).unwrap(),
        "a\"\\/\u{8}\u{c}\n\r\t"
    );
    assert_eq!(value(r#""\u00e9\ud83d\ude00""#).unwrap(), "é😀");
    assert_eq!(
        value(r#""\uD7FF\uDBFF\uDFFF\ue000""#).unwrap(),
        "\u{d7ff}\u{10ffff}\u{e000}"
    );
    assert_eq!(value("1"), None);
}

#[test]
fn half_of_a_surrogate_pair_is_a_fault_at_its_escape() {
    for (text, at) in [
        (r#""\ud83d""#, 1),
        (r#""a\udE00""#, 2),
        (r#"{"\uDFFF":1}"#, 2),
        (r#"["\ud83dx\ude00"]"#, 2),
        (r#""\ude00\ud83d""#, 1),
        (r#""\ud83d\ud83d\ude00""#, 1),
        (r#""\ud83d\u0041""#, 1),
        (r#""\ud83d\n""#, 1),
        (r#""\ud83d\\ude00""#, 1),
        (r#""\ud83d\ude00\ude00""#, 13),
        (r#""\ud83d\ude0g""#, 12),
    ] {
        assert_eq!(Value::parse(text), Err(Fault::Syntax(at)), "{text}");
    }
    assert!(Value::parse(r#""\\ud83d""#).is_ok());
}

#[test]
fn strings_compare_by_value() {
    let is = |text, expected| Value::parse(text).unwrap().is_str(expected);
    assert!(is(r#""name""#, "name"));
    assert!(is(r#""n\u0061me""#, "name"));
    assert!(is(r#""a\\n""#, r"a\n"));
    assert!(!is(r#""a\n""#, r"a\n"));
    assert!(!is(r#""names""#, "name"));
}

#[test]
fn members_are_in_order() {
    let value = Value::parse(r#" { "a" : 1 , "b" : {"c":2}, "a": 3 } "#).unwrap();
    let members: Vec<_> = value
        .members()
        .map(|(key, value)| (key.text, value.text))
        .collect();
    assert_eq!(
        members,
        [("\"a\"", "1"), ("\"b\"", "{\"c\":2}"), ("\"a\"", "3")]
    );
    assert_eq!(value.member("a").unwrap().text, "1");
    assert_eq!(Value::parse("[1]").unwrap().members().count(), 0);
}

#[test]
fn eight_bytes_at_once_hide_nothing() {
    for byte in 0..=255u8 {
        for place in 0..8 {
            let mut bytes = [b'a'; 8];
            bytes[place] = byte;
            let special = byte < 0x20 || byte == b'"' || byte == b'\\';
            assert!(
                !special || may_hold_special(u64::from_le_bytes(bytes)),
                "{byte} at {place}"
            );
        }
    }
    assert!(!may_hold_special(u64::from_le_bytes(*b"plain te")));
    assert!(!may_hold_special(u64::from_le_bytes([
        0xC3, 0xA9, 0x20, 0x7F, 0x21, 0x5B, 0x5D, 0xFF
    ])));
}
