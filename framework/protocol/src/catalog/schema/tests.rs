use super::*;

#[test]
fn names_of_tools_are_checked() {
    for name in [
        "a",
        "getUser",
        "DATA_EXPORT_v2",
        "admin.tools.list",
        "a-b",
        &"x".repeat(128),
    ] {
        assert_eq!(check_tool_name(name), Ok(()), "{name}");
    }
    assert_eq!(check_tool_name(""), Err(NameError::Empty));
    assert_eq!(
        check_tool_name(&"x".repeat(129)),
        Err(NameError::TooLong(129))
    );
    for (name, character) in [("a b", ' '), ("a/b", '/'), ("naïve", 'ï'), ("a\n", '\n')] {
        assert_eq!(check_tool_name(name), Err(NameError::Character(character)));
    }
    assert_eq!(
        NameError::Character('\n').to_string(),
        "the name contains `\\n`; it may contain `A-Z a-z 0-9 _ - .`"
    );
}

fn with_properties(properties: &str) -> String {
    format!(r#"{{"type":"object","properties":{properties}}}"#)
}

#[test]
fn annotated_properties_are_found() {
    let schema = with_properties(
        r#"{
            "region": {"type": "string", "x-mcp-header": "Region"},
            "x-mcp-header": {"type": "string"},
            "plain": {"type": "number", "default": {"x-mcp-header": 7}},
            "deep": {"type": "object", "properties": {
                "count": {"type": "integer", "x-mcp-header": "Count"},
                "flag": {"type": "boolean", "x-mcp-header": "Flag"}
            }}
        }"#,
    );
    let mut found = header_parameters(&schema).unwrap();
    found.sort_by(|a, b| a.header.cmp(&b.header));
    let parameter = |header: &str, path: &[&str], parameter_type| HeaderParameter {
        header: header.to_owned(),
        path: path.iter().map(|name| name.to_string()).collect(),
        parameter_type,
    };
    assert_eq!(
        found,
        [
            parameter("Count", &["deep", "count"], ParameterType::Integer),
            parameter("Flag", &["deep", "flag"], ParameterType::Boolean),
            parameter("Region", &["region"], ParameterType::String),
        ]
    );
}

#[test]
fn schemas_are_objects_that_describe_objects() {
    let error = |schema| header_parameters(schema).unwrap_err();
    assert_eq!(error("{"), SchemaError::NotAnObject);
    assert_eq!(error("true"), SchemaError::NotAnObject);
    assert_eq!(error("{}"), SchemaError::TypeIsNotObject);
    assert_eq!(
        error(r#"{"type":["object"]}"#),
        SchemaError::TypeIsNotObject
    );
    assert_eq!(error(r#"{"type":"string"}"#), SchemaError::TypeIsNotObject);
}

#[test]
fn annotations_that_break_a_rule_are_refused() {
    let problem = |schema: &str| match header_parameters(schema).unwrap_err() {
        SchemaError::Header { place, problem } => (place, problem),
        other => panic!("{schema}: {other}"),
    };
    let property = |annotated: &str| problem(&with_properties(&format!(r#"{{"p":{annotated}}}"#)));
    let at = |place: &str, problem| (place.to_owned(), problem);

    assert_eq!(
        property(r#"{"type":"string","x-mcp-header":""}"#),
        at("/properties/p", HeaderProblem::Empty)
    );
    assert_eq!(
        property(r#"{"type":"string","x-mcp-header":1}"#),
        at("/properties/p", HeaderProblem::NotAString)
    );
    for (header, character) in [("a b", ' '), ("a:b", ':'), ("a\\r\\nb", '\r'), ("é", 'é')] {
        assert_eq!(
            property(&format!(r#"{{"type":"string","x-mcp-header":"{header}"}}"#)),
            at("/properties/p", HeaderProblem::Character(character))
        );
    }
    for (type_, found) in [
        ("\"number\"", "number"),
        ("\"array\"", "array"),
        ("[\"string\",\"null\"]", "[\"string\",\"null\"]"),
    ] {
        assert_eq!(
            property(&format!(r#"{{"type":{type_},"x-mcp-header":"a"}}"#)),
            at("/properties/p", HeaderProblem::Type(Some(found.to_owned())))
        );
    }
    assert_eq!(
        property(r#"{"x-mcp-header":"a"}"#),
        at("/properties/p", HeaderProblem::Type(None))
    );

    let annotated = r#"{"type":"string","x-mcp-header":"a"}"#;
    for (schema, place) in [
        (
            format!(r#"{{"p":{{"items":{annotated}}}}}"#),
            "/properties/p/items",
        ),
        (
            format!(r#"{{"p":{{"anyOf":[{{}},{annotated}]}}}}"#),
            "/properties/p/anyOf/1",
        ),
        (
            format!(r#"{{"p":{{"if":{annotated}}}}}"#),
            "/properties/p/if",
        ),
        (
            format!(r#"{{"p":{{"$defs":{{"q":{annotated}}}}}}}"#),
            "/properties/p/$defs/q",
        ),
        (
            format!(r#"{{"p":{{"additionalProperties":{annotated}}}}}"#),
            "/properties/p/additionalProperties",
        ),
        (
            format!(r#"{{"a/b~c":{{"not":{annotated}}}}}"#),
            "/properties/a~1b~0c/not",
        ),
        (
            format!(r#"{{"p":{{"items":{{"properties":{{"q":{annotated}}}}}}}}}"#),
            "/properties/p/items/properties/q",
        ),
    ] {
        assert_eq!(
            problem(&with_properties(&schema)),
            at(place, HeaderProblem::Unreachable)
        );
    }
    assert_eq!(
        problem(r#"{"type":"object","x-mcp-header":"a"}"#),
        at("", HeaderProblem::Type(Some("object".to_owned())))
    );

    let (_, duplicate) = problem(&with_properties(
        r#"{"p":{"type":"string","x-mcp-header":"Region"},"q":{"type":"string","x-mcp-header":"region"}}"#,
    ));
    assert_eq!(
        duplicate,
        HeaderProblem::Duplicate {
            first: "/properties/p".to_owned(),
            header: "region".to_owned()
        }
    );
}

#[test]
fn problems_name_the_place_and_the_remedy() {
    let schema = with_properties(r#"{"p":{"type":"number","x-mcp-header":"a"}}"#);
    assert_eq!(
        header_parameters(&schema).unwrap_err().to_string(),
        "`x-mcp-header` at `/properties/p` of the input schema is on a property of type `number`; \
         only `string`, `integer` and `boolean` fit into a header"
    );
}
