use std::path::Path;

use serde_json::json;

use super::*;
use crate::Files;

fn source(name: &str, text: &str) -> Source {
    Source {
        name: name.to_owned(),
        text: text.to_owned(),
    }
}

const POLICY: &str = r#"package mcp
default allow := false
allow if input.caller.subject in data.admins
allow if { input.target.name == "read"; input.now < 100 }
"#;

fn run(tests: &str) -> Result<Vec<Outcome>> {
    let targets = Targets {
        tools: vec!["read".into(), "delete".into()],
        prompts: vec!["greet".into()],
        resources: vec!["notes://{id}".into(), "file:///a".into()],
    };
    let data = json!({ "admins": ["ada"] });
    test(
        &[source("policy.rego", POLICY)],
        &[source("policy_test.rego", tests)],
        data.as_object().unwrap(),
        Some(&targets),
    )
}

#[test]
fn tests_pass_fail_or_cannot_be_evaluated() {
    let tests = r#"package mcp_test
import data.mcp
test_admin if mcp.allow with input as {"caller": {"subject": "ada"}}
test_time if mcp.allow with input as {"target": {"kind": "tool", "name": "read"}, "now": 200}
test_data if mcp.allow with input.caller.subject as "bob" with data.admins as ["bob"]
test_error if twice == 1
twice := 1 if true
twice := 2 if true
helper if true
"#;
    let outcomes = run(tests).unwrap();
    let seen = outcomes.iter().map(|outcome| {
        (
            outcome.name.as_str(),
            outcome.place.as_str(),
            outcome.passed,
            outcome.error.as_deref(),
        )
    });
    let expected = [
        ("mcp_test.test_admin", "policy_test.rego:3", true, None),
        ("mcp_test.test_data", "policy_test.rego:5", true, None),
        (
            "mcp_test.test_error",
            "policy_test.rego:6",
            false,
            Some("policy_test.rego:8:1: rule conflicts with rule at policy_test.rego:7:1"),
        ),
        ("mcp_test.test_time", "policy_test.rego:4", false, None),
    ];
    assert_eq!(seen.collect::<Vec<_>>(), expected);
}

#[test]
fn names_that_the_server_does_not_have_are_errors() {
    for (value, expected) in [
        (
            r#"input as {"target": {"kind": "tool", "name": "raed"}}"#,
            "3:69: the server has no tool `raed`; did you mean `read`?",
        ),
        (
            r#"input as {"target": {"kind": "prompt", "name": "read"}}"#,
            "3:71: the server has no prompt `read`",
        ),
        (
            r#"input as {"method": "tools/call", "params": {"name": "greet"}}"#,
            "3:77: the server has no tool `greet`",
        ),
        (
            r#"input as {"method": "prompts/get", "params": {"name": "x"}}"#,
            "3:78: the server has no prompt `x`",
        ),
        (
            r#"input as {"target": {"uri": "file:///b"}}"#,
            "3:52: the server has no tool, prompt or resource `file:///b`; did you mean `file:///a`?",
        ),
        (
            r#"input.target.name as "drop""#,
            "3:45: the server has no tool, prompt or resource `drop`",
        ),
        (
            r#"input.params as {"name": "drop"}"#,
            "3:49: the server has no tool, prompt or resource `drop`",
        ),
    ] {
        let tests = format!("package mcp\n\ntest_it if allow with {value}\n");
        let error = run(&tests).unwrap_err().to_string();
        assert_eq!(error, format!("policy_test.rego:{expected}"));
    }
    for value in [
        r#"input as {"target": {"kind": "tool", "name": "read"}, "params": {"name": "read", "arguments": {"target": {"name": "x"}}}}"#,
        r#"input as {"method": "resources/read", "params": {"uri": "notes://7"}}"#,
        r#"input.target as {"kind": "none"}"#,
        r#"input.params.name as "greet""#,
    ] {
        let tests = format!("package mcp\n\ntest_it if allow with {value}\n");
        assert!(
            run(&tests).is_ok(),
            "{value}: {:#}",
            run(&tests).unwrap_err()
        );
    }
}

#[test]
fn the_examples_pass_their_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for example in ["hours", "refunds", "roles", "stdio", "tenants"] {
        let files = Files::read(&root, &Path::new("examples/policies").join(example)).unwrap();
        assert_eq!(
            compile(&files.policy, &Map::new()).unwrap().warnings,
            [""; 0]
        );
        let outcomes = test(&files.policy, &files.tests, &Map::new(), None).unwrap();
        assert!(outcomes.len() > 1, "{example}");
        for outcome in outcomes {
            assert!(outcome.passed, "{outcome:?}");
        }
    }
}

/// The blocks of Rego in the guide: policies, each followed by its tests.
#[test]
fn the_policies_of_the_guide_pass_their_tests() {
    let guide = include_str!("../../../../docs/guides/policies.md");
    let blocks = guide.split("```rego\n").skip(1);
    let blocks: Vec<&str> = blocks
        .filter_map(|rest| Some(rest.split_once("```")?.0))
        .collect();
    let (tests, policies): (Vec<&str>, Vec<&str>) = blocks
        .into_iter()
        .partition(|text| text.contains("mcp_test"));
    let policies: Vec<_> = policies
        .iter()
        .map(|text| source("policy.rego", text))
        .collect();
    for policy in &policies {
        compile(std::slice::from_ref(policy), &Map::new()).unwrap();
    }
    assert!(!tests.is_empty());
    let tests: Vec<_> = tests
        .iter()
        .map(|text| source("policy_test.rego", text))
        .collect();
    let outcomes = test(&policies[..1], &tests, &Map::new(), None).unwrap();
    assert!(
        !outcomes.is_empty() && outcomes.iter().all(|outcome| outcome.passed),
        "{outcomes:?}"
    );
}
