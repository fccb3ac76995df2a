use proptest::prelude::*;
use serde_json::json;

use super::*;

fn problem(schema: &Value, value: &Value) -> Option<String> {
    match check(schema, value) {
        Ok(()) => None,
        Err(Fault::Invalid(problem)) => Some(problem.to_string()),
        Err(fault) => Some(format!("{fault:?}")),
    }
}

#[test]
fn problems_say_where_and_what() {
    let schema = json!({
        "type": "object",
        "properties": {
            "count": {"type": "integer", "minimum": 1},
            "either": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "items": {"type": "array", "items": {"$ref": "#/$defs/item"}, "uniqueItems": true},
            "name": {"type": ["string", "null"], "maxLength": 3, "pattern": "^[a-z]*$"},
            "unit": {"enum": ["s", "ms"]},
        },
        "required": ["count"],
        "additionalProperties": false,
        "$defs": {"item": {"type": "object", "properties": {"id": {"type": "number", "multipleOf": 0.1}}, "required": ["id", "x"]}},
    });
    for (value, expected) in [
        (json!({"count": 1}), None),
        (json!({"count": 1.0, "name": null, "either": null}), None),
        (json!([]), Some("expected an object, not an array")),
        (json!({}), Some("`count` is missing")),
        (
            json!({"count": "1"}),
            Some("count: expected an integer, not \"1\""),
        ),
        (
            json!({"count": 0}),
            Some("count: must be at least 1, not 0"),
        ),
        (
            json!({"count": 1, "name": "abcd"}),
            Some("name: has 4 characters, and may have 3"),
        ),
        (
            json!({"count": 1, "name": "A"}),
            Some("name: does not match `^[a-z]*$`: \"A\""),
        ),
        (
            json!({"count": 1, "unit": "h"}),
            Some("unit: expected one of \"s\", \"ms\", not \"h\""),
        ),
        (
            json!({"count": 1, "items": [{"id": 0.3, "x": 1}, {"x": 1}]}),
            Some("items[1]: `id` is missing"),
        ),
        (
            json!({"count": 1, "items": [{"id": 0.35, "x": 1}]}),
            Some("items[0].id: must be a multiple of 0.1, not 0.35"),
        ),
        (
            json!({"count": 1, "items": [{"id": 1, "x": 1}, {"x": 1.0, "id": 1.0}]}),
            Some("items[1]: is there before, too"),
        ),
        (
            json!({"count": 1, "either": "x"}),
            Some("either: expected an integer, not \"x\"; or expected null, not \"x\""),
        ),
        (
            json!({"count": 1, "conut": 1}),
            Some(
                "conut: there is no such member; there are `count`, `either`, `items`, `name`, `unit`",
            ),
        ),
    ] {
        assert_eq!(problem(&schema, &value).as_deref(), expected, "{value}");
    }
}

#[test]
fn what_is_not_known_allows_everything() {
    for schema in [
        json!({"$dynamicRef": "#x"}),
        json!({"unevaluatedProperties": false}),
        json!({"format": "email"}),
        json!({"pattern": "^(?=.*x)y$"}),
        json!({"pattern": "("}),
        json!({"type": "unheard"}),
        json!({"properties": {"a": {"$id": "https://example.com/a", "type": "string"}}}),
        json!({"additionalProperties": false, "patternProperties": {"^(?=a)": {"type": "string"}}}),
        json!(1),
    ] {
        for value in [json!("a"), json!({"a": 1})] {
            assert_eq!(problem(&schema, &value), None, "{schema} {value}");
        }
    }
    assert_eq!(
        problem(&json!({"pattern": "^\\s$"}), &json!("\u{a0}")),
        None
    );
}

#[test]
fn references_lead_somewhere() {
    for reference in [
        "#/$defs/absent",
        "#absent",
        "https://example.com/other.json",
    ] {
        let schema = json!({"anyOf": [{"$ref": reference}, true]});
        let fault = check(&schema, &json!(1)).unwrap_err();
        assert!(matches!(fault, Fault::Unresolved(to) if to == reference));
    }
}

#[test]
fn older_schemas_are_read_as_such() {
    let old = "http://json-schema.org/draft-07/schema#";
    let text = json!({"$schema": old, "definitions": {"t": {"type": "string"}}, "$ref": "#/definitions/t", "maxLength": 1});
    assert_eq!(problem(&text, &json!("abc")), None);
    assert!(problem(&text, &json!(1)).is_some());
    let tuple = json!({"$schema": old, "items": [{"type": "string"}], "additionalItems": false});
    assert_eq!(problem(&tuple, &json!(["a"])), None);
    assert!(problem(&tuple, &json!(["a", 1])).is_some());
    let dependencies = json!({"$schema": old, "dependencies": {"a": ["b"]}});
    assert_eq!(
        problem(&dependencies, &json!({"a": 1})).as_deref(),
        Some("`b` is missing")
    );
}

#[test]
fn what_takes_too_long_has_an_end() {
    let endless = json!({"$ref": "#"});
    assert!(matches!(check(&endless, &json!(1)), Err(Fault::Complex)));
    let again = json!({"properties": {"a": {"$ref": "#/$defs/a"}}, "not": {}});
    let twice = json!({"$defs": {"a": {"anyOf": [again, again]}}, "$ref": "#/$defs/a"});
    let mut deep = json!({});
    for _ in 0..60 {
        deep = json!({"a": deep});
    }
    assert!(matches!(check(&twice, &deep), Err(Fault::Complex)));
    let pattern = json!({"items": {"not": {"pattern": "(a*)*(a*)*b"}}});
    let text = json!([
        "a".repeat(100_000),
        "a".repeat(100_000),
        "a".repeat(100_000)
    ]);
    assert!(matches!(check(&pattern, &text), Err(Fault::Complex)));
    let unique = json!({"uniqueItems": true});
    let many: Vec<u32> = (0..2_000).collect();
    assert!(check(&unique, &json!(many)).is_ok());
}

/// Values that the schemas below can tell apart.
fn value() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..6i64).prop_map(Value::from),
        (-6..12i32).prop_map(|halves| json!(f64::from(halves) / 2.0)),
        "[abé]{0,3}".prop_map(Value::from),
    ];
    plain.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[abc]", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// With references to two definitions, or without.
fn schema(references: bool) -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec![
        "null", "boolean", "integer", "number", "string", "array", "object",
    ]);
    let names = prop::collection::hash_set("[abc]", 0..3)
        .prop_map(|names| json!(names.into_iter().collect::<Vec<_>>()));
    let count = 0..4u64;
    let plain = prop_oneof![
        any::<bool>().prop_map(Value::from),
        kind.clone().prop_map(|kind| json!({"type": kind})),
        prop::collection::hash_set(kind, 1..3)
            .prop_map(|kinds| json!({"type": kinds.into_iter().collect::<Vec<_>>()})),
        value().prop_map(|value| json!({"const": value})),
        prop::collection::vec(value(), 1..4).prop_map(|values| json!({"enum": values})),
        ("(min|max|exclusiveMin|exclusiveMax)imum", -3..6i64)
            .prop_map(|(key, bound)| json!({key: bound})),
        (1..4u32).prop_map(|factor| json!({"multipleOf": factor})),
        (1..5u32).prop_map(|halves| json!({"multipleOf": f64::from(halves) / 2.0})),
        ("(min|max)(Length|Items|Properties)", count.clone())
            .prop_map(|(key, count)| json!({key: count})),
        prop::sample::select(vec!["^a", "b$", "^[ab]*$", "^\\w{2}$", "é"])
            .prop_map(|pattern| json!({"pattern": pattern})),
        names.clone().prop_map(|names| json!({"required": names})),
        names.prop_map(|names| json!({"dependentRequired": {"a": names}})),
        Just(json!({"uniqueItems": true})),
        prop::sample::select(vec!["#/$defs/a", "#b"])
            .prop_map(move |to| json!({if references { "$ref" } else { "$comment" }: to})),
    ];
    plain.prop_recursive(3, 16, 3, move |inner| {
        let many = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            ("(allOf|anyOf|oneOf|prefixItems)", many)
                .prop_map(|(key, schemas)| json!({key: schemas})),
            ("(not|items|additionalProperties|contains)", inner.clone())
                .prop_map(|(key, schema)| json!({key: schema})),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| json!({"if": a, "then": b, "else": c})),
            (inner.clone(), count.clone(), count.clone()).prop_map(
                |(a, least, most)| json!({"contains": a, "minContains": least, "maxContains": most})
            ),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(
                |(a, b, c)| json!({"properties": {"a": a, "b": b}, "additionalProperties": c})
            ),
            (inner.clone(), inner.clone()).prop_map(
                |(a, b)| json!({"patternProperties": {"^[ab]": a}, "additionalProperties": b})
            ),
            (inner.clone(), inner.clone())
                .prop_map(|(a, b)| json!({"prefixItems": [a], "items": b})),
            inner.clone().prop_map(|a| json!({"propertyNames": a})),
            inner
                .clone()
                .prop_map(|a| json!({"dependentSchemas": {"a": a}})),
            (inner.clone(), inner).prop_map(|(a, b)| json!({"allOf": [a], "anyOf": [b]})),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// A complete implementation, too large for a component, agrees.
    #[test]
    fn others_say_the_same(schema in schema(true), a in schema(false), b in schema(false), values in prop::collection::vec(value(), 8)) {
        let schema = json!({"$defs": {"a": a, "b": {"$anchor": "b", "allOf": [b]}}, "allOf": [schema]});
        let other = jsonschema::draft202012::new(&schema).unwrap();
        for value in values {
            let problem = problem(&schema, &value);
            prop_assert_eq!(problem.is_none(), other.is_valid(&value), "{} {} {:?}", schema, value, problem);
        }
    }
}
