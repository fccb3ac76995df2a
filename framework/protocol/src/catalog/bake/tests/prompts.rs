use super::*;
use crate::wire::types::prompt_types::PromptArgument;

fn one_feature(prompts: Vec<Prompt>) -> CatalogInput {
    server_with(FeatureInput {
        prompts,
        ..FeatureInput::default()
    })
}

#[test]
fn prompts_are_written_whole() {
    let argument = |name: &str, required| PromptArgument {
        name: name.to_owned(),
        title: Some("A".to_owned()),
        description: Some("\"a\"".to_owned()),
        required,
    };
    let prompt = Prompt {
        name: "p".to_owned(),
        title: Some("P".to_owned()),
        description: Some("does p".to_owned()),
        arguments: vec![argument("a", true), argument("b", false)],
        icons: vec![Icon {
            src: "data:,".to_owned(),
            mime_type: None,
            sizes: vec!["any".to_owned()],
            theme: None,
        }],
        meta: Some("{\n\"k\": 1}".to_owned()),
    };
    let mut input = one_feature(vec![prompt, testing::prompt("q", &[])]);
    input.features[0].prefix = Some("x/".to_owned());
    let (modern, legacy) = listed(&input, ListKind::Prompts);
    assert_eq!(
        modern,
        serde_json::json!([
            {
                "name": "x/p",
                "title": "P",
                "description": "does p",
                "arguments": [
                    {"name": "a", "title": "A", "description": "\"a\"", "required": true},
                    {"name": "b", "title": "A", "description": "\"a\"", "required": false},
                ],
                "icons": [{"src": "data:,", "sizes": ["any"]}],
                "_meta": {"k": 1},
            },
            {"name": "x/q"},
        ])
    );
    assert_eq!(modern, legacy);
}

#[test]
fn duplicates_name_both_features_and_the_remedy() {
    let mut input = testing::input();
    input.features[0]
        .prompts
        .push(testing::prompt("lib.greet", &[]));
    assert_eq!(
        problem(&input),
        "features `one` and `library` both have a prompt `lib.greet`; give one of them a `prefix`"
    );
    let prompt = testing::prompt("p", &[]);
    assert_eq!(
        problem(&one_feature(vec![prompt.clone(), prompt])),
        "feature `one` has two prompts named `p`; rename one"
    );
    let mut input = one_feature(vec![testing::prompt("t", &[])]);
    input.features[0].tools = vec![testing::tool("t", r#"{"type":"object"}"#)];
    assert!(build(&input).is_ok(), "a prompt may be called as a tool is");
}

#[test]
fn prompts_that_clients_cannot_use_are_refused() {
    let long = "p".repeat(257);
    for (name, expected) in [
        ("", "the name is empty; it must have 1 to 256 bytes"),
        (
            "a\nb",
            "the name contains the control character `\\n`; leave it out",
        ),
        (&long, "the name has 257 bytes; it may have 256"),
    ] {
        assert_eq!(
            problem(&one_feature(vec![testing::prompt(name, &[])])),
            format!(
                "feature `one` has a prompt `{}` that clients cannot get: {expected}",
                name.escape_debug()
            )
        );
    }
    for name in [&long[1..], "a b", "é/ü"] {
        assert!(build(&one_feature(vec![testing::prompt(name, &[])])).is_ok());
    }
    let twice = testing::prompt("p", &[("a", true), ("b", true), ("a", false)]);
    assert_eq!(
        problem(&one_feature(vec![twice])),
        "prompt `p` of feature `one` has two arguments named `a`; rename one"
    );
    let mut prompt = testing::prompt("p", &[]);
    prompt.meta = Some("7".to_owned());
    assert_eq!(
        problem(&one_feature(vec![prompt])),
        "prompt `p` of feature `one` has metadata that is not one JSON object of at most 64 levels"
    );
}
