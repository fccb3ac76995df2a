//! Authorization: keys and tokens of `mcp auth`, and what servers answer, in both WASI builds.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::support::{
    self, Request, Response, Server, fixture, mcp,
    rpc::{call, modern, text},
};

const WASI_BUILDS: [&str; 2] = ["0.2", "0.3"];
const RESOURCE: &str = "https://mcp.example.com/mcp";
const METADATA: &str = "/.well-known/oauth-protected-resource/mcp";

/// Composes the server of an app with this table `auth`.
fn compose(dir: &Path, wasi: &str, rest: &str) -> Output {
    let echo = fixture("echo");
    let manifest = format!(
        "spin_manifest_version = 2\n\n[application]\nname = \"authorized\"\n\n\
         [component.mcp]\nsource = \"mcp.wasm\"\n\n\
         [component.mcp.tool.mcp]\nwasi = \"{wasi}\"\n\n\
         [component.mcp.tool.mcp.features.echo]\nsource = \"{}\"\n\n\
         [component.mcp.tool.mcp.auth]\n{rest}",
        echo.display()
    );
    fs::write(dir.join("spin.toml"), manifest).unwrap();
    mcp().current_dir(dir).arg("compose").output().unwrap()
}

fn composed(dir: &Path, wasi: &str, rest: &str) {
    let output = compose(dir, wasi, rest);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn auth(dir: &Path, arguments: &[&str]) -> String {
    let output = support::expect_success(mcp().current_dir(dir).arg("auth").args(arguments));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// An API key, and the line for `spin.toml`.
fn api_key(dir: &Path, more: &[&str]) -> (String, String) {
    let mut made = mcp();
    made.current_dir(dir).args(["auth", "key", "ci"]).args(more);
    let made = support::expect_success(&mut made);
    let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let said = String::from_utf8(made.stderr).unwrap();
    assert!(!said.contains(&key), "the key is shown twice");
    let line = said.lines().find(|line| line.starts_with("ci = "));
    (key, line.expect("there is a line").to_owned())
}

fn token(dir: &Path, more: &[&str]) -> String {
    let arguments = ["token", "--key", "dev.jwk", "--subject", "ada"];
    auth(dir, &[&arguments, more].concat())
}

/// A server that trusts a key for development, behind which `echo` needs more than a list.
fn protected(dir: &Path, wasi: &str) {
    token(dir, &["--new"]);
    let rest = format!(
        "resource = \"{RESOURCE}\"\nscopes = [\"mcp:read\"]\n\
         needs = {{ tools = {{ echo = [\"mcp:write\"] }} }}\n\n\
         [[component.mcp.tool.mcp.auth.issuers]]\n\
         issuer = \"https://issuer.invalid\"\njwks = \"dev.jwks.json\"\n"
    );
    composed(dir, wasi, &rest);
}

fn with(request: Request, token: &str) -> Request {
    request.header("Authorization", &format!("Bearer {token}"))
}

fn echo() -> Request {
    call("echo", json!({"message": "hi"}))
}

fn challenge(response: &Response) -> &str {
    response.header("www-authenticate").unwrap_or_default()
}

#[test]
fn a_token_opens_what_its_scopes_name() {
    for wasi in WASI_BUILDS {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        protected(dir, wasi);
        let server = Server::mcp(&dir.join("mcp.wasm"), &[]);

        let refused = server.send(&echo());
        let place = format!("https://mcp.example.com{METADATA}");
        assert_eq!(refused.status, 401);
        assert!(
            challenge(&refused).starts_with("Bearer "),
            "{}",
            challenge(&refused)
        );
        assert!(challenge(&refused).contains(&format!("resource_metadata=\"{place}\"")));
        assert!(
            !challenge(&refused).contains("error="),
            "{}",
            challenge(&refused)
        );

        let mut metadata = Request::post("");
        metadata.method = "GET".into();
        metadata.path = METADATA.into();
        let metadata = server.send(&metadata).json();
        assert_eq!(metadata["resource"], RESOURCE);
        assert_eq!(
            metadata["authorization_servers"],
            json!(["https://issuer.invalid"])
        );

        let reader = token(dir, &["--scope", "mcp:read"]);
        let listed = server.send(&with(modern("tools/list", json!({})), &reader));
        assert_eq!(listed.status, 200, "{}", listed.text());
        let missing = server.send(&with(echo(), &reader));
        assert_eq!(missing.status, 403, "{}", missing.text());
        assert!(challenge(&missing).contains("error=\"insufficient_scope\""));
        assert!(
            challenge(&missing).contains("mcp:write"),
            "{}",
            challenge(&missing)
        );

        let writer = token(dir, &["--scope", "mcp:read", "--scope", "mcp:write"]);
        let answer = server.send(&with(echo(), &writer));
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(text(&answer.message()), "hi");

        for (wrong, why) in [
            (token(dir, &["--expires-in", "-3600"]), "expired"),
            (
                token(dir, &["--audience", "https://other.example.com"]),
                "another server",
            ),
            (
                token(dir, &["--issuer", "https://other.example.com"]),
                "issuer",
            ),
            (format!("{writer}x"), ""),
        ] {
            let refused = server.send(&with(echo(), &wrong));
            assert_eq!(refused.status, 401, "{why}: {}", refused.text());
            let challenge = challenge(&refused);
            assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
            assert!(challenge.contains(why), "{challenge}");
        }
    }
}

#[test]
fn an_api_key_needs_no_authorization_server() {
    for wasi in WASI_BUILDS {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let (key, line) = api_key(dir, &["--scope", "mcp:read"]);
        let rest = format!(
            "resource = \"{RESOURCE}\"\nscopes = [\"mcp:read\"]\n\n\
             [component.mcp.tool.mcp.auth.api_keys]\n{line}\n"
        );
        composed(dir, wasi, &rest);
        let server = Server::mcp(&dir.join("mcp.wasm"), &[]);
        let refused = server.send(&echo());
        assert_eq!((refused.status, challenge(&refused)), (401, "Bearer"));
        let answer = server.send(&with(echo(), &key));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let mut other = key.clone();
        other.replace_range(6..7, if &key[6..7] == "A" { "B" } else { "A" });
        assert_eq!(server.send(&with(echo(), &other)).status, 401);

        let url = format!("http://{}/mcp", server.address());
        let checked = support::expect_success(
            mcp()
                .current_dir(dir)
                .args(["auth", "check", &url, "--token", &key]),
        );
        let checked = String::from_utf8(checked.stdout).unwrap();
        assert!(checked.contains("there is no login"), "{checked}");

        let mut call = mcp();
        call.current_dir(dir)
            .args(["call", "echo", r#"{"message": "hi"}"#]);
        // An empty token is none.
        let refused = call.env("MCP_TOKEN", "").output().unwrap();
        let refused = String::from_utf8(refused.stderr).unwrap();
        assert!(refused.contains("needs credentials"), "{refused}");
        let shown = support::expect_success(mcp().current_dir(dir).arg("inspect"));
        let shown = String::from_utf8(shown.stdout).unwrap();
        assert!(
            shown.contains("authenticator auth of the framework (sha256"),
            "{shown}"
        );
        let answered = support::expect_success(call.args(["--token", &key]));
        assert_eq!(String::from_utf8(answered.stdout).unwrap().trim(), "hi");
    }
}

#[test]
fn check_says_why_a_token_is_refused_and_what_it_may_call() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    protected(dir, "0.2");
    let check = |token: &str| -> (bool, Value) {
        let mut command = mcp();
        command
            .current_dir(dir)
            .args(["auth", "check", "--offline", "--json", "--token", token]);
        let output = command.output().unwrap();
        (
            output.status.success(),
            serde_json::from_slice(&output.stdout).unwrap(),
        )
    };
    let (passed, report) = check(&token(dir, &["--scope", "mcp:read"]));
    assert!(passed, "{report}");
    let pinned = json!({
        "check": "keys of https://issuer.invalid", "outcome": "ok", "detail": "they are pinned",
    });
    assert!(
        report["checks"].as_array().unwrap().contains(&pinned),
        "{report}"
    );
    assert_eq!(
        report["tools"],
        json!([{"name": "echo", "missing": ["mcp:write"]}])
    );
    let (passed, report) = check(&token(dir, &["--audience", "https://other.example.com"]));
    assert!(!passed);
    let checks = report["checks"].as_array().unwrap();
    let last = checks.last().unwrap();
    assert_eq!(
        (&last["check"], &last["outcome"]),
        (&json!("token: audience"), &json!("failed"))
    );
    assert!(
        last["detail"]
            .as_str()
            .unwrap()
            .contains("other.example.com"),
        "{last}"
    );
    assert!(
        checks
            .iter()
            .any(|check| check["check"] == "token: signature" && check["outcome"] == "ok")
    );
}

#[test]
fn compose_adds_what_authorization_needs_to_the_manifest() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let rest = format!(
        "resource = \"{RESOURCE}\"\nissuer = \"https://auth.example.com/realms/one\" # ours\n"
    );
    composed(dir, "0.2", &rest);
    let manifest = fs::read_to_string(dir.join("spin.toml")).unwrap();
    for line in [
        "allowed_outbound_hosts = [\"https://auth.example.com\"]",
        "key_value_stores = [\"default\"]",
        "route = \"/.well-known/oauth-protected-resource/mcp\"",
        "route = \"/mcp\"",
        "issuer = \"https://auth.example.com/realms/one\" # ours",
    ] {
        assert!(manifest.contains(line), "no `{line}` in\n{manifest}");
    }
    let again = support::expect_success(mcp().current_dir(dir).arg("compose"));
    assert!(
        !String::from_utf8(again.stdout)
            .unwrap()
            .contains("spin.toml:")
    );
    assert_eq!(fs::read_to_string(dir.join("spin.toml")).unwrap(), manifest);
}

#[test]
fn compose_refuses_what_would_open_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let base = format!("resource = \"{RESOURCE}\"\nissuer = \"https://auth.example.com\"\n");
    let keyvalue = fixture("keyvalue");
    let keyvalue = format!(
        "\n[component.mcp.tool.mcp.features.kv]\nsource = \"{}\"\nallow = [\"key-value\"]\n",
        keyvalue.display()
    );
    for (rest, error) in [
        (
            format!("{base}needs = {{ tools = {{ ecko = [\"a\"] }} }}\n"),
            "which no tool has: did you mean `echo`?",
        ),
        (
            format!("{base}needs = {{ prompts = {{ \"*\" = [\"a\"] }} }}\n"),
            "which no prompt has: the server has none",
        ),
        (
            format!("{base}{keyvalue}"),
            "feature `kv` has the grant `key-value`, so it could replace the keys of",
        ),
        (
            format!(
                "resource = \"{RESOURCE}\"\nsource = \"{}\"\n",
                fixture("echo").display()
            ),
            "does not export `spin-mcp:server/authenticator@0.1.0`",
        ),
    ] {
        let output = compose(dir, "0.2", &rest);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(error), "{said}");
        assert!(
            !dir.join("mcp.wasm").exists(),
            "a failure left a server behind"
        );
    }
    let sealed =
        format!("{base}{keyvalue}\n[component.mcp.variables]\nmcp_state_key = \"{{{{ key }}}}\"\n");
    composed(dir, "0.2", &sealed);
}

#[test]
fn an_authenticator_is_shared_by_servers() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for wasi in WASI_BUILDS {
        let (company, orders) = (
            dir.join(format!("company-{wasi}")),
            dir.join(format!("orders-{wasi}")),
        );
        fs::create_dir_all(&company).unwrap();
        fs::create_dir_all(&orders).unwrap();
        protected(&company, wasi);
        let shared = orders.join("company-auth.wasm");
        support::expect_success(
            mcp()
                .current_dir(&company)
                .args(["compose", "--authenticator", "-o"])
                .arg(&shared),
        );
        composed(
            &orders,
            wasi,
            "resource = \"https://orders.example.com/mcp\"\nsource = \"company-auth.wasm\"\n",
        );
        let server = Server::mcp(&orders.join("mcp.wasm"), &[]);
        let ours = token(&company, &["--audience", "https://orders.example.com/mcp"]);
        let answer = server.send(&with(echo(), &ours));
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(
            server.send(&with(echo(), &token(&company, &[]))).status,
            401
        );
    }
}

/// Wasmtime has no variables, which could replace the keys.
#[test]
fn keys_of_an_app_open_a_server_on_wasmtime() {
    for wasi in WASI_BUILDS {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let (key, line) = api_key(dir, &[]);
        let keys =
            format!("resource = \"{RESOURCE}\"\n[component.mcp.tool.mcp.auth.api_keys]\n{line}\n");
        composed(dir, wasi, &keys);
        let recompose = || {
            let mut compose = mcp();
            compose.current_dir(dir);
            compose.args(["compose", "--runtime", "wasmtime"]);
            compose.output().unwrap()
        };
        assert!(recompose().status.success());
        let server = Server::wasmtime(&dir.join("mcp.wasm"), &["-S", "cli"]);
        assert_eq!(server.send(&echo()).status, 401);
        assert_eq!(server.send(&with(echo(), &key)).status, 200);

        let issuer = "issuer = \"https://issuer.invalid\"\njwks = { variable = \"mcp_auth_jwks\" }";
        let variable = format!(
            "resource = \"{RESOURCE}\"\n[[component.mcp.tool.mcp.auth.issuers]]\n{issuer}\n"
        );
        compose(dir, wasi, &variable);
        let manifest = fs::read_to_string(dir.join("spin.toml")).unwrap();
        let declared = "[variables]\njwks = { required = true }\n\n\
                        [component.mcp.variables]\nmcp_auth_jwks = \"{{ jwks }}\"\n\n[component.mcp.tool.mcp]";
        let manifest = manifest.replacen("[component.mcp.tool.mcp]", declared, 1);
        fs::write(dir.join("spin.toml"), manifest).unwrap();
        let refused = String::from_utf8(recompose().stderr).unwrap();
        assert!(refused.contains("`mcp_auth_jwks`"), "{refused}");
        assert!(refused.contains("`--runtime wasmtime`"), "{refused}");
    }
}

const POLICY: &str = "package mcp

default allow := false

allow if input.method != \"tools/call\"

allow if input.params.arguments.message in words

words contains word if some word in data.words

words contains word if some word in data.server.words

reason := \"this word is not for you\" if input.method == \"tools/call\"
";

const POLICY_TEST: &str = "package mcp_test

import data.mcp

call(word) := {
	\"method\": \"tools/call\",
	\"params\": {\"name\": \"echo\", \"arguments\": {\"message\": word}},
	\"target\": {\"kind\": \"tool\", \"name\": \"echo\"},
}

test_hi if mcp.allow with input as call(\"hi\")

test_no if not mcp.allow with input as call(\"no\")
";

#[test]
fn a_policy_decides_by_arguments_and_is_shared() {
    for wasi in WASI_BUILDS {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let (key, line) = api_key(dir, &[]);
        let with_policy = |policy: &str| {
            let rest = format!(
                "resource = \"{RESOURCE}\"\n[component.mcp.tool.mcp.auth.api_keys]\n{line}\n\
                 [component.mcp.tool.mcp.auth.policy]\n{policy}\n"
            );
            composed(dir, wasi, &rest);
            Server::mcp(&dir.join("mcp.wasm"), &[])
        };
        let says = |server: &Server, word: &str| {
            let request = with(call("echo", json!({"message": word})), &key);
            let answer = server.send(&request);
            (answer.status, answer.message()["error"].clone())
        };

        fs::write(dir.join("policy.rego"), POLICY).unwrap();
        fs::write(dir.join("policy_test.rego"), POLICY_TEST).unwrap();
        let server = with_policy("file = \"policy.rego\"\ndata = { words = [\"hi\"] }");
        assert_eq!(says(&server, "hi"), (200, Value::Null));
        let refused = json!({"code": -32011, "message": "this word is not for you"});
        assert_eq!(says(&server, "no"), (403, refused.clone()));

        let test = || {
            mcp()
                .current_dir(dir)
                .args(["auth", "test"])
                .output()
                .unwrap()
        };
        let passed = test();
        let told = String::from_utf8_lossy(&passed.stdout).into_owned();
        assert!(passed.status.success(), "{told}");
        assert!(
            told.contains("test_hi") && told.contains("test_no"),
            "{told}"
        );
        let wrong = POLICY_TEST.replace("if not mcp.allow", "if mcp.allow");
        fs::write(dir.join("policy_test.rego"), wrong).unwrap();
        assert!(!test().status.success());

        support::expect_success(mcp().current_dir(dir).args([
            "compose",
            "--authorizer",
            "-o",
            "company.wasm",
        ]));
        let server = with_policy("source = \"company.wasm\"\ndata = { words = [\"yes\"] }");
        assert_eq!(says(&server, "hi"), (200, Value::Null), "the policy's own");
        assert_eq!(says(&server, "yes"), (200, Value::Null), "the server's");
        assert_eq!(says(&server, "no"), (403, refused));
    }
}
