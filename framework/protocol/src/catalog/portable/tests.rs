use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;

fn input(schema: Json) -> Json {
    serde_json::from_str(&portable(&schema.to_string(), Side::Input)).unwrap()
}

/// What becomes of the only property, which may be absent.
fn optional(property: Json) -> Json {
    let schema = input(json!({"type": "object", "properties": {"p": property}}));
    schema["properties"]["p"].clone()
}

/// What becomes of the only property, which must be there.
fn required(property: Json) -> Json {
    let schema = json!({"type": "object", "properties": {"p": property}, "required": ["p"]});
    input(schema)["properties"]["p"].clone()
}

#[test]
fn the_root_describes_an_object() {
    let empty = json!({"type": "object", "properties": {}});
    assert_eq!(input(json!({"type": "object"})), empty);
    assert_eq!(input(json!({})), empty);
    assert_eq!(
        portable(r#"{"type":"object","title":"T","oneOf":[]}"#, Side::Input),
        r#"{"type":"object","properties":{},"title":"T","oneOf":[]}"#
    );
    assert_eq!(portable("{}", Side::Output), "{}");
    assert_eq!(portable("[", Side::Input), "[");
    assert_eq!(portable("true", Side::Input), "true");
}

#[test]
fn no_schema_is_a_boolean() {
    for side in [Side::Input, Side::Output] {
        let schema = json!({
            "type": "object",
            "properties": {"a": true, "b": {"type": "array", "items": true}, "c": false,
                "d": {"anyOf": [true, {"type": "object", "properties": {"e": true}}]}},
            "$defs": {"f": true, "g": {"not": true, "patternProperties": {"^x": false}}},
            "additionalProperties": false,
        });
        let expected = json!({
            "type": "object",
            "properties": {"a": {}, "b": {"type": "array", "items": {}}, "c": {"not": {}},
                "d": {"anyOf": [{}, {"type": "object", "properties": {"e": {}}}]}},
            "$defs": {"f": {}, "g": {"not": {}, "patternProperties": {"^x": {"not": {}}}}},
            "additionalProperties": false,
        });
        let written = portable(&schema.to_string(), side);
        assert_eq!(serde_json::from_str::<Json>(&written).unwrap(), expected);
    }
}

#[test]
fn data_is_not_taken_for_a_schema() {
    let data = json!({"type": "object", "default": {"items": true, "enum": [1]}, "properties": {},
        "examples": [{"properties": {"a": true}}], "dependencies": {"a": ["b"]}});
    assert_eq!(input(data.clone()), data);
    let named = json!({"properties": {"type": "string"}, "enum": {"type": "string"}, "format": {"enum": ["a"]}});
    let expected = json!({"properties": {"type": "string"}, "enum": {"type": "string"},
        "format": {"type": "string", "enum": ["a"]}});
    assert_eq!(
        input(json!({"type": "object", "properties": named}))["properties"],
        expected
    );
}

#[test]
fn choices_have_a_type() {
    for (values, kind) in [
        (json!(["a", "b"]), json!("string")),
        (json!([1, 2]), json!("integer")),
        (json!([1, 2.5]), json!("number")),
        (
            json!(["a", 1, true]),
            json!(["string", "integer", "boolean"]),
        ),
        (json!(["a", null]), json!(["string", "null"])),
    ] {
        let schema = json!({"enum": values, "description": "D"});
        let written = required(schema);
        assert_eq!(
            written,
            json!({"type": kind, "enum": values, "description": "D"})
        );
    }
    assert_eq!(
        required(json!({"const": "a"})),
        json!({"type": "string", "const": "a"})
    );
    let typed = json!({"type": "string", "enum": ["a"]});
    assert_eq!(required(typed.clone()), typed);
    assert_eq!(
        portable(
            r#"{"type":"object","properties":{"p":{"title":"T","enum":["a"]}}}"#,
            Side::Input
        ),
        r#"{"type":"object","properties":{"p":{"title":"T","type":"string","enum":["a"]}}}"#
    );
}

#[test]
fn arrays_have_items() {
    let pair = |element: Json| {
        json!({"type": "array", "prefixItems": [element, {"type": "number"}],
        "minItems": 2, "maxItems": 2})
    };
    let mut written = required(pair(json!({"type": "number", "format": "double"})));
    assert_eq!(written["items"], json!({"type": "number"}));
    written = required(pair(json!({"type": "string"})));
    assert_eq!(written["items"], json!({}));
    assert_eq!(
        required(json!({"type": "array"})),
        json!({"type": "array", "items": {}})
    );
    // An older dialect ignores `prefixItems`.
    let old = json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
        "properties": {"p": pair(json!({"type": "number"}))}});
    assert_eq!(input(old)["properties"]["p"]["items"], json!({}));
    let closed = json!({"type": "array", "prefixItems": [{}], "unevaluatedItems": false});
    assert_eq!(required(closed.clone()), closed);
}

#[test]
fn formats_of_numbers_are_left_out() {
    for format in [
        "uint32", "int64", "uint", "int8", "double", "float", "uint128",
    ] {
        let schema = json!({"type": "integer", "format": format, "minimum": 0});
        assert_eq!(required(schema), json!({"type": "integer", "minimum": 0}));
    }
    for format in ["date-time", "uri", "email", "interval"] {
        let schema = json!({"type": "string", "format": format});
        assert_eq!(required(schema.clone()), schema);
    }
}

#[test]
fn what_may_be_absent_is_not_null() {
    let text = json!({"type": "string"});
    for nullable in [
        json!({"type": ["string", "null"]}),
        json!({"type": ["string", "null"], "default": null}),
        json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
        json!({"oneOf": [{"type": "null"}, {"type": "string"}]}),
    ] {
        assert_eq!(optional(nullable.clone()), text);
        let kept = required(nullable.clone());
        assert_eq!(kept, nullable);
        let schema = json!({"type": "object", "properties": {"p": nullable}}).to_string();
        assert_eq!(portable(&schema, Side::Output), schema);
    }
    let only_null = json!({"anyOf": [{"const": null}, {"type": "null"}]});
    let once = optional(only_null);
    assert_eq!(optional(once.clone()), once);
    assert_eq!(
        optional(json!({"type": ["string", "integer", "null"]})),
        json!({"type": ["string", "integer"]})
    );
    assert_eq!(
        optional(json!({"enum": ["a", null], "type": ["string", "null"]})),
        json!({"enum": ["a"], "type": "string"})
    );
    assert_eq!(
        optional(json!({"description": "outer", "anyOf": [
            {"type": "object", "description": "inner", "properties": {"q": {"type": ["integer", "null"]}}},
            {"type": "null"}]})),
        json!({"description": "outer", "type": "object", "properties": {"q": {"type": "integer"}}})
    );
    assert_eq!(
        optional(
            json!({"type": ["object", "null"], "anyOf": [{"type": "object"}, {"type": "null"}]})
        ),
        json!({"type": "object", "anyOf": [{"type": "object"}]})
    );
    assert_eq!(
        optional(json!({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]})),
        json!({"anyOf": [{"type": "string"}, {"type": "integer"}]})
    );
    assert_eq!(optional(json!({"type": "null"})), json!({"type": "null"}));
    // Less here would be more.
    let negated = json!({"not": {"properties": {"q": {"type": ["string", "null"]}}}});
    assert_eq!(optional(negated.clone()), negated);
}

#[test]
fn references_into_choices_stay_valid() {
    let schema = json!({"type": "object", "properties": {
        "p": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "q": {"$ref": "#/properties/p/anyOf/0"}}});
    assert_eq!(input(schema.clone()), schema);
}

/// Values for schemas and for what they describe, few enough to meet.
fn value() -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (-2..3_i64).prop_map(Json::from),
        prop_oneof![Just(1.0), Just(2.5)].prop_map(Json::from),
        "[ab]{0,2}".prop_map(Json::from),
    ];
    scalar.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Json::from),
            prop::collection::btree_map("[a-d]", inner, 0..4)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

fn schema() -> impl Strategy<Value = Json> {
    let kind = prop::sample::select(vec![
        "string", "integer", "number", "boolean", "null", "object", "array",
    ]);
    let leaf = prop_oneof![
        any::<bool>().prop_map(Json::from),
        kind.clone().prop_map(|kind| json!({"type": kind})),
        kind.clone().prop_map(|kind| json!({"type": [kind, "null"]})
            .as_object()
            .filter(|_| kind != "null")
            .map_or(json!({}), |schema| Json::Object(schema.clone()))),
        prop::collection::hash_set(0..6_usize, 1..4).prop_map(|picked| {
            let all = [
                json!("a"),
                json!("b"),
                json!(1),
                json!(2.5),
                json!(null),
                json!(true),
            ];
            json!({"enum": picked.into_iter().map(|at| all[at].clone()).collect::<Vec<_>>()})
        }),
        value().prop_map(|value| json!({"const": value})),
        Just(json!({"type": "integer", "format": "uint8", "minimum": 0})),
        Just(json!({"$ref": "#/$defs/x"})),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let many = prop::collection::vec(inner.clone(), 1..4);
        let named = prop::collection::btree_map("[a-d]", inner.clone(), 0..4);
        prop_oneof![
            (named.clone(), prop::collection::btree_set("[a-d]", 0..3), any::<bool>()).prop_map(
                |(properties, required, open)| json!({"type": "object", "properties": properties,
                    "required": required, "additionalProperties": open})
            ),
            inner.clone().prop_map(|items| json!({"type": "array", "items": items})),
            (many.clone(), 0..4_usize).prop_map(|(items, most)| json!({"type": "array",
                "prefixItems": items, "maxItems": most})),
            (many.clone(), inner.clone()).prop_map(|(of, not)| json!({"anyOf": of, "not": not})),
            inner.clone().prop_map(|of| json!({"anyOf": [of, {"type": "null"}], "description": "D"})),
            (inner.clone(), inner.clone()).prop_map(|(one, two)| json!({"if": one, "then": two})),
            many.prop_map(|of| json!({"allOf": of})),
        ]
    })
}

/// Leaves out `null`, wherever it is a property.
fn without_nulls(value: &Json) -> Json {
    match value {
        Json::Object(members) => Json::Object(
            members
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name.clone(), without_nulls(value)))
                .collect(),
        ),
        Json::Array(values) => values.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

fn draft() -> impl Strategy<Value = Option<&'static str>> {
    prop::sample::select(vec![
        None,
        Some("https://json-schema.org/draft/2020-12/schema"),
        Some("http://json-schema.org/draft-07/schema#"),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// What was valid stays valid. On the side of inputs, a value without `null` does.
    #[test]
    fn what_was_valid_stays_valid(
        mut root in schema(), other in schema(), draft in draft(),
        values in prop::collection::vec(value(), 8),
    ) {
        if let (Some(root), Some(draft)) = (root.as_object_mut(), draft) {
            root.insert("$schema".into(), draft.into());
        }
        let mut root = match root {
            Json::Object(root) => root,
            _ => return Ok(()),
        };
        root.insert("$defs".into(), json!({"x": other}));
        let text = Json::Object(root.clone()).to_string();
        let before = jsonschema::validator_for(&Json::Object(root)).unwrap();
        for side in [Side::Input, Side::Output] {
            let written = portable(&text, side);
            prop_assert_eq!(&portable(&written, side), &written, "once is enough");
            let after: Json = serde_json::from_str(&written).unwrap();
            let after = jsonschema::validator_for(&after).unwrap();
            for value in &values {
                let value = match side {
                    Side::Input => without_nulls(value),
                    Side::Output => value.clone(),
                };
                let is_argument = side == Side::Output || value.is_object();
                if is_argument && before.is_valid(&value) {
                    prop_assert!(after.is_valid(&value), "{} -> {}: {}", text, written, value);
                }
                if side == Side::Output && !before.is_valid(&value) {
                    prop_assert!(!after.is_valid(&value), "{} -> {}: {}", text, written, value);
                }
            }
        }
    }
}
