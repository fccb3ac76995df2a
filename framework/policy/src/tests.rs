use std::path::Path;

use regorus::Value;
use serde_json::{Map, json};
use spin_mcp_rego::{Files, Source, compile};

use crate::{
    policy::{Decision, Policy},
    question::{Caller, Inputs, Question, for_entry},
};

fn policy(text: &str, data: serde_json::Value, server: &str) -> Policy {
    let source = Source {
        name: "policy.rego".to_owned(),
        text: format!("package mcp\n{text}"),
    };
    let compiled = compile(&[source], data.as_object().unwrap()).unwrap();
    Policy::new(&compiled.program, server).unwrap()
}

fn input(json: serde_json::Value) -> Value {
    Value::from(json)
}

/// The decision, and what is logged.
fn decide(policy: &mut Policy, given: serde_json::Value) -> (Decision, String) {
    let mut log = Vec::new();
    let decision = policy.decide(input(given), |problem| log.push(problem));
    (decision, log.join("; "))
}

fn needs(scopes: &[&str]) -> Decision {
    Decision::Needs(scopes.iter().map(|scope| scope.to_string()).collect())
}

fn forbidden(reason: &str) -> Decision {
    Decision::Forbidden(reason.to_owned())
}

#[test]
fn answers_become_decisions() {
    let deny = "default allow := false\n";
    for (rules, expected, log) in [
        ("allow := true", Decision::Allow, ""),
        ("default allow := true", Decision::Allow, ""),
        (deny, forbidden(""), ""),
        (
            "allow if input.x == 2",
            forbidden(""),
            "`data.mcp.allow` is undefined: it has no default, or two rules give it different values",
        ),
        (
            "allow := \"true\"",
            forbidden(""),
            "`data.mcp.allow` is neither `true` nor `false`",
        ),
        (
            "allow := 1",
            forbidden(""),
            "`data.mcp.allow` is neither `true` nor `false`",
        ),
        (
            "allow contains true",
            forbidden(""),
            "`data.mcp.allow` is neither `true` nor `false`",
        ),
        (
            "default allow := false\nallow if 1 / input.zero == 1",
            forbidden(""),
            "",
        ),
        (
            "default allow := false\nallow if input.text + 1 == 2",
            forbidden(""),
            "",
        ),
        (
            "default allow := false\nallow if to_number(input.text) == 2",
            forbidden(""),
            "",
        ),
        (
            "default allow := false\nallow if input.x == 1\nallow := false if input.x == 1",
            forbidden(""),
            "`data.mcp.allow` is undefined: it has no default, or two rules give it different values",
        ),
        (
            "default allow := false\nallow if {\n some i in numbers.range(1, 100000)\n i == 0\n}",
            forbidden(""),
            "`data.mcp.allow` takes more than 20000 instructions at policy.rego:4",
        ),
        (
            "default allow := false\nallow if not deny\ndeny if input.x == 1",
            forbidden(""),
            "",
        ),
        (
            "default allow := false\nscopes := {\"b\", \"a\"}",
            needs(&["a", "b"]),
            "",
        ),
        (
            "default allow := false\nscopes := [\"b\", \"a\"]",
            needs(&["b", "a"]),
            "",
        ),
        (
            "default allow := false\nscopes contains \"a\" if input.x == 2",
            forbidden(""),
            "",
        ),
        (
            "default allow := false\nscopes := {\"a b\"}",
            forbidden(""),
            "`data.mcp.scopes` is not a set of scopes",
        ),
        (
            "default allow := false\nscopes := {\"\"}",
            forbidden(""),
            "`data.mcp.scopes` is not a set of scopes",
        ),
        (
            "default allow := false\nscopes := {7}",
            forbidden(""),
            "`data.mcp.scopes` is not a set of scopes",
        ),
        (
            "default allow := false\nscopes := \"a\"",
            forbidden(""),
            "`data.mcp.scopes` is not a set of scopes",
        ),
        (
            "default allow := false\nreason := \"no\"",
            forbidden("no"),
            "",
        ),
        (
            "default allow := false\nreason := 7",
            forbidden(""),
            "`data.mcp.reason` is not a string",
        ),
        (
            "default allow := false\nvisible := false",
            Decision::Unknown,
            "",
        ),
        (
            "default allow := false\nvisible := true\nreason := \"no\"",
            forbidden("no"),
            "",
        ),
        (
            "default allow := false\nvisible := 1",
            Decision::Unknown,
            "`data.mcp.visible` is neither `true` nor `false`",
        ),
        (
            "default allow := false\nvisible := false\nscopes := {\"a\"}",
            needs(&["a"]),
            "",
        ),
        ("allow := true\nvisible := false", Decision::Allow, ""),
    ] {
        let mut policy = policy(rules, json!({}), "{}");
        let given = json!({ "x": 1, "zero": 0, "text": "secret" });
        assert_eq!(
            decide(&mut policy, given),
            (expected, log.to_owned()),
            "{rules}"
        );
    }
}

#[test]
fn entries_are_visible_unless_the_policy_hides_them() {
    let seen = |rules: &str, entry: &str| {
        let mut policy = policy(rules, json!({}), "{}");
        let mut log = Vec::new();
        let given = input(json!({ "target": { "name": entry } }));
        let visible = policy.visible(given, |problem| log.push(problem));
        (policy.hides(), visible, log.join("; "))
    };
    let rules = "default allow := false\nvisible if input.target.name == \"a\"";
    let undefined =
        "`data.mcp.visible` is undefined: it has no default, or two rules give it different values";
    assert_eq!(seen(rules, "a"), (true, true, String::new()));
    assert_eq!(seen(rules, "b"), (true, false, undefined.to_owned()));
    let rules = format!("{rules}\ndefault visible := false");
    assert_eq!(seen(&rules, "b"), (true, false, String::new()));
    assert_eq!(
        seen("default allow := false", "b"),
        (false, true, String::new())
    );
}

#[test]
fn a_failure_leaves_nothing_behind() {
    let rules = "default allow := false\nallow if {\n some i in numbers.range(1, input.n)\n i == input.n\n}";
    let mut policy = policy(rules, json!({}), "{}");
    for _ in 0..3 {
        assert_eq!(decide(&mut policy, json!({ "n": 100 })).0, Decision::Allow);
        let (decision, log) = decide(&mut policy, json!({ "n": 50_000 }));
        assert_eq!(decision, forbidden(""));
        assert!(log.contains("20000 instructions"), "{log}");
    }
}

#[test]
fn data_have_defaults_for_servers() {
    let rules = "default allow := false\nallow if data.server.team == input.team\nallow if data.server.open";
    let data = json!({ "server": { "team": "none", "open": false } });
    let cases = [
        ("{}", "none", true),
        (r#"{"team":"a"}"#, "a", true),
        (r#"{"team":"a"}"#, "none", false),
    ];
    for (server, team, expected) in cases {
        let mut policy = policy(rules, data.clone(), server);
        let (decision, _) = decide(&mut policy, json!({ "team": team }));
        assert_eq!(decision == Decision::Allow, expected, "{server} {team}");
    }
    let mut policy = policy(rules, json!({}), r#"{"open":true}"#);
    assert_eq!(decide(&mut policy, json!({})).0, Decision::Allow);
}

#[test]
fn data_and_nesting_can_be_large() {
    let names: Map<_, _> = (0..40_000)
        .map(|n| (format!("user-{n:05}"), json!(n)))
        .collect();
    let rules = "default allow := false\nallow if data.users[input.name]";
    let mut policy = policy(rules, json!({ "users": names }), "{}");
    assert_eq!(
        decide(&mut policy, json!({ "name": "user-39999" })).0,
        Decision::Allow
    );
    assert_eq!(
        decide(&mut policy, json!({ "name": "user-40000" })).0,
        forbidden("")
    );
}

/// The tests of the examples run in the interpreter of regorus; this is what the component runs.
#[test]
fn the_examples_decide_here_as_in_their_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let refund = |amount: u32, email: &str, scopes: &[&str]| {
        json!({
            "caller": { "scopes": scopes, "claims": { "email": email } },
            "method": "tools/call",
            "params": { "name": "refund", "arguments": { "amount": amount } },
            "target": { "kind": "tool", "name": "refund", "scopes": ["mcp:write"] },
            "transport": "http",
        })
    };
    let tenant = |tenant: serde_json::Value| {
        json!({
            "caller": { "claims": { "tenant": "a" } },
            "params": { "arguments": { "tenant": tenant } },
        })
    };
    let role = |role: &str, reads: bool| {
        json!({
            "caller": { "claims": { "realm_access": { "roles": [role] } } },
            "target": { "kind": "tool", "annotations": { "readOnlyHint": reads } },
        })
    };
    let at = |now: u64| json!({ "method": "tools/call", "now": now });
    let not_yours = || forbidden("this tenant is not yours");
    let late = || forbidden("come back in working hours");
    for (example, given, expected) in [
        ("refunds", refund(90, "u", &["mcp:write"]), Decision::Allow),
        (
            "refunds",
            refund(90, "u", &["mcp:writer", "mcp:Write", "mcp"]),
            needs(&["mcp:write"]),
        ),
        (
            "refunds",
            refund(5_000, "u", &["mcp:write"]),
            forbidden("refunds above 1000 need an administrator"),
        ),
        (
            "refunds",
            refund(5_000, "admin@example.com", &["mcp:write"]),
            Decision::Allow,
        ),
        (
            "refunds",
            json!({ "caller": null, "method": "tools/list" }),
            Decision::Allow,
        ),
        (
            "refunds",
            json!({ "method": "tools/call", "transport": "stdio" }),
            Decision::Allow,
        ),
        ("tenants", tenant(json!("a")), Decision::Allow),
        ("tenants", tenant(json!("b")), not_yours()),
        ("tenants", tenant(json!(false)), not_yours()),
        ("tenants", tenant(json!(null)), not_yours()),
        (
            "tenants",
            json!({ "caller": null, "params": {} }),
            Decision::Allow,
        ),
        ("roles", role("admin", false), Decision::Allow),
        ("roles", role("user", true), Decision::Allow),
        ("roles", role("user", false), Decision::Unknown),
        ("hours", at(1_796_029_200), Decision::Allow),
        ("hours", at(1_795_856_400), late()),
        ("stdio", json!({ "transport": "stdio" }), Decision::Allow),
        ("stdio", json!({ "transport": "http" }), forbidden("")),
    ] {
        let files = Files::read(&root, &Path::new("examples/policies").join(example)).unwrap();
        let data = json!({ "admins": ["admin@example.com"] });
        let compiled = compile(&files.policy, data.as_object().unwrap()).unwrap();
        let mut policy = Policy::new(&compiled.program, "{}").unwrap();
        assert_eq!(
            decide(&mut policy, given.clone()),
            (expected, String::new()),
            "{example} {given}"
        );
    }
}

fn question<'a>(caller: Option<Caller<'a>>, params: &'a str, target: &'a str) -> Question<'a> {
    Question {
        caller,
        method: "tools/call",
        params,
        target,
        protocol_version: "2026-07-28",
        transport: "http",
        resource: "https://mcp.example.com/mcp",
        now: 1_796_009_877,
    }
}

#[test]
fn the_input_is_the_question() {
    let scopes = ["mcp:read".to_owned()];
    let caller = Caller {
        subject: "u-17",
        issuer: "https://auth.example.com",
        scopes: &scopes,
        claims: r#"{"email":"u@example.com"}"#,
    };
    let target = r#"{"kind":"tool","name":"refund","annotations":{"readOnlyHint":false},"scopes":["mcp:write"]}"#;
    let asked = question(
        Some(caller),
        r#"{"name":"refund","arguments":{"amount":90}}"#,
        target,
    );
    let expected = json!({
        "caller": {
            "subject": "u-17",
            "issuer": "https://auth.example.com",
            "scopes": ["mcp:read"],
            "claims": { "email": "u@example.com" },
        },
        "method": "tools/call",
        "params": { "name": "refund", "arguments": { "amount": 90 } },
        "target": {
            "kind": "tool",
            "name": "refund",
            "annotations": { "readOnlyHint": false },
            "scopes": ["mcp:write"],
        },
        "transport": "http",
        "revision": "2026-07-28",
        "now": 1_796_009_877,
        "resource": "https://mcp.example.com/mcp",
    });
    let mut inputs = Inputs::new();
    let given = inputs.of(&asked).unwrap();
    assert_eq!(given, input(expected.clone()));
    let mut entry = expected;
    entry["target"] = json!({ "kind": "tool", "name": "other" });
    let other = for_entry(&given, r#"{"kind":"tool","name":"other"}"#);
    assert_eq!(other.unwrap(), input(entry));
    assert_eq!(for_entry(&given, "{").unwrap_err(), "an entry of the list");

    assert_eq!(
        inputs.of(&question(None, "{}", "{}")).unwrap()["caller"],
        Value::Null
    );
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    for (params, target, expected) in [
        ("{", "{}", "`params`"),
        (r#"{"n":1e400}"#, "{}", "`params`"),
        (deep.as_str(), "{}", "`params`"),
        ("{}", "", "`target`"),
    ] {
        assert_eq!(
            inputs.of(&question(None, params, target)).unwrap_err(),
            expected
        );
    }
}

#[test]
fn a_damaged_program_is_an_error() {
    assert!(Policy::new(b"", "{}").is_err());
    assert!(Policy::new(&[7; 100], "{}").is_err());
    let source = Source {
        name: "policy.rego".to_owned(),
        text: "package mcp\nallow := true".to_owned(),
    };
    let program = compile(&[source], &Map::new()).unwrap().program;
    for length in 0..program.len() {
        assert!(Policy::new(&program[..length], "{}").is_err(), "{length}");
    }
}

#[test]
fn what_an_input_keeps_is_never_that_of_another_question() {
    let (one, two) = (["a b".to_owned()], ["a".to_owned(), "b".to_owned()]);
    let caller = |subject, issuer, scopes, claims| {
        Some(Caller {
            subject,
            issuer,
            scopes,
            claims,
        })
    };
    let of = |caller, target| question(caller, "{}", target);
    let mut other = of(None, "{}");
    (other.method, other.transport) = ("tools/list", "stdio");
    (other.protocol_version, other.resource) = ("2025-11-25", "");
    let questions = [
        of(None, "{}"),
        of(caller("u", "i", &one, "{}"), "{}"),
        of(caller("ui", "", &one, "{}"), "{}"),
        of(caller("u", "i", &two, "{}"), "{}"),
        of(caller("u", "i", &[], "{}"), "{}"),
        of(caller("u", "i", &one, r#"{"a":1}"#), "{}"),
        of(None, r#"{"kind":"tool"}"#),
        question(None, r#"{"a":1}"#, "{}"),
        other,
    ];
    let mut inputs = Inputs::new();
    for first in &questions {
        for second in &questions {
            inputs.of(first).unwrap();
            let fresh = Inputs::new().of(second).unwrap();
            assert_eq!(inputs.of(second).unwrap(), fresh);
        }
    }
    // What cannot be read is not kept.
    inputs.of(&of(None, "{")).unwrap_err();
    inputs.of(&of(None, "{")).unwrap_err();
    assert_eq!(
        inputs.of(&of(None, "{}")).unwrap()["target"],
        input(json!({}))
    );
}
