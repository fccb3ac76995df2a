use serde_json::json;

use super::*;

fn compiled(text: &str) -> Result<Compiled> {
    let source = Source {
        name: "policy.rego".to_owned(),
        text: text.to_owned(),
    };
    compile(&[source], &Map::new())
}

#[test]
fn errors_name_the_place_and_the_next_step() {
    let no_allow = "the policy has no rule `allow`; begin with `default allow := false`";
    for (text, expected) in [
        (
            "",
            "policy.rego:1:1: expecting `package` Missing package declaration.",
        ),
        (
            "package mcp\nallow if { input.x = }\n",
            "policy.rego:2:20: expecting `}` while parsing set",
        ),
        (
            "package mcp\nallow if \"\n",
            "policy.rego:2:11: invalid character in string",
        ),
        (
            "package mcp\nallow { input.x }\n",
            "policy.rego:2:7: `if` keyword is required before rule body; write `allow if { … }`, as Rego v1 does",
        ),
        (
            "package mcp\nallow if x == 1\n",
            "policy.rego:2:10: use of undefined variable `x` is unsafe",
        ),
        (
            "package mcp\nallow if time.now_ns() > 3\n",
            "policy.rego:2:21: a policy cannot call `time.now_ns`: `input.now` is the time, in seconds since 1970",
        ),
        (
            "package mcp\nallow if regex.match(`a`, input.method)\n",
            "policy.rego:2:10: a policy cannot call `regex.match`: compare with `startswith`, `endswith`, `contains` or \
             `split`",
        ),
        (
            "package mcp\nallow if http.send({}).ok\n",
            "policy.rego:2:19: a policy cannot call `http.send`: put what it needs to know into `data`, or into the \
             claims of callers",
        ),
        (
            "package mcp\nallow if is_admin(input)\n",
            "policy.rego:2:10: a policy cannot call `is_admin`: define it, or correct its name",
        ),
        (
            "package mcp\nallow if y with input as {}\ny if true\n",
            "policy.rego:2:10: `with` works only in tests; use a function with an argument",
        ),
        (
            "package mcp\nallow if y\ny if allow\n",
            "rule `allow` needs itself: allow → y → allow",
        ),
        (
            "package mcp\nallow if f(1)\nf(x) if f(x)\n",
            "rule `f` needs itself: f → f",
        ),
        (
            "package authz\nallow if true\n",
            "policy.rego: the package is `authz`; a policy has `package mcp`",
        ),
        ("package mcp\nallowed if true\n", no_allow),
        ("package mcp.lib\nallow if true\n", no_allow),
    ] {
        let error = compiled(text).unwrap_err();
        assert_eq!(format!("{error:#}"), expected, "{text}");
    }
}

#[test]
fn what_has_no_effect_is_a_warning() {
    let text = "package mcp\nallow if count(missing) == 0\nmissing contains 1 if false\ndeny if true\nf(x) := 1\n";
    let expected = [
        "the policy has no `default allow := false`, so a request that no rule allows is logged as an error of the policy",
        "policy.rego:4: rule `deny` has no effect: neither `allow` nor `scopes`, `reason` or `visible` use it",
        "policy.rego:5: rule `f` has no effect: neither `allow` nor `scopes`, `reason` or `visible` use it",
    ];
    assert_eq!(compiled(text).unwrap().warnings, expected);
    let text = "package mcp\ndefault allow := false\nscopes contains \"a\"\nvisible := true\nreason := \"no\"\n";
    assert_eq!(compiled(text).unwrap().warnings, [""; 0]);
}

#[test]
fn the_program_has_limits_and_no_texts_of_the_policy() {
    let text = "package mcp\ndefault allow := false # the secret of the author\n";
    let first = compiled(text).unwrap().program;
    assert_eq!(first, compiled(text).unwrap().program);
    let text = String::from_utf8_lossy(&first);
    assert!(text.contains("policy.rego") && !text.contains("secret"));

    let long = format!(
        "package mcp\ndefault allow := false\n{}",
        "# \n".repeat(MAX_POLICY / 3)
    );
    let error = compiled(&long).unwrap_err().to_string();
    assert!(
        error.ends_with("at most 262144 are allowed; move tables into `data`"),
        "{error}"
    );
    let source = Source {
        name: "policy.rego".to_owned(),
        text: "package mcp\ndefault allow := false\n".to_owned(),
    };
    for (data, expected) in [
        (
            json!({ "a": "x".repeat(MAX_DATA) }),
            "`data` of the policy has 1048584 bytes of JSON; it can have 1048576",
        ),
        (
            json!({ "mcp": {} }),
            "`data` of the policy has the key `mcp`, which is where the policy itself is; rename the key",
        ),
    ] {
        let error = compile(std::slice::from_ref(&source), data.as_object().unwrap());
        assert_eq!(error.unwrap_err().to_string(), expected);
    }
}
