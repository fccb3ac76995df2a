//! What composing writes, and what it leaves alone.

use std::fs;

use serde_json::json;

use crate::support::{self, fixture, fixture_with_list, mcp};

#[test]
fn the_same_features_give_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    for wasi in ["0.2", "0.3"] {
        let compose = |name: &str| {
            let output = dir.path().join(name).join("server.wasm");
            fs::create_dir_all(output.parent().unwrap()).unwrap();
            let mut command = mcp();
            command.args(["compose", "--wasi", wasi]).args([
                fixture("echo"),
                fixture("conformance"),
                fixture("lists"),
            ]);
            support::expect_success(command.arg("-o").arg(&output));
            fs::read(output).unwrap()
        };
        assert!(
            compose("one") == compose("two"),
            "two runs for WASI {wasi} differ"
        );
    }
}

#[test]
fn a_server_tells_machines_what_it_offers() {
    let dir = tempfile::tempdir().unwrap();
    let features = [fixture("library-async"), fixture("prompts")];
    let server = support::compose(dir.path(), "0.3", &features);
    let inspected = support::expect_success(mcp().args(["inspect", "--json"]).arg(&server));
    let told: serde_json::Value = serde_json::from_slice(&inspected.stdout).unwrap();
    assert_eq!(told["store"], "default");
    let [library, prompts] = &told["features"].as_array().unwrap()[..] else {
        panic!("not two features: {told}");
    };
    assert_eq!(library["state"], json!(["resource-updated"]));
    assert_eq!(library["resources"][0]["uri"], "book:///");
    let template = &library["resourceTemplates"][0];
    assert_eq!(template["uriTemplate"], "book:///{title}");
    assert_eq!(
        (&prompts["state"], &prompts["resources"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(
        prompts["prompts"][1],
        json!({
            "name": "part",
            "description": "Says goodbye to somebody",
            "arguments": ["name"],
        })
    );
}

#[test]
fn a_failure_keeps_the_server_that_was_there() {
    let dir = tempfile::tempdir().unwrap();
    let server = dir.path().join("server.wasm");
    fs::write(&server, "the server that was there").unwrap();
    let feature = dir.path().join("bad.wasm");
    fs::write(&feature, fixture_with_list("bad-name")).unwrap();
    let output = mcp()
        .arg("compose")
        .arg(&feature)
        .arg("-o")
        .arg(&server)
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert_eq!(
        fs::read_to_string(&server).unwrap(),
        "the server that was there"
    );
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        2,
        "something was left behind"
    );
}

#[test]
fn an_app_is_composed_as_its_manifest_says() {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(fixture("echo"), dir.path().join("echo.wasm")).unwrap();
    fs::copy(fixture("lists"), dir.path().join("lists.wasm")).unwrap();
    let compose = |arguments: &[&str]| {
        let mut command = mcp();
        support::expect_success(
            command
                .current_dir(dir.path())
                .arg("compose")
                .args(arguments),
        )
        .stdout
    };
    let first = String::from_utf8(compose(&["echo.wasm", "lists.wasm"])).unwrap();
    assert!(
        first.contains("spin.toml: routed `/mcp` to component `mcp`"),
        "{first}"
    );
    let written = fs::read_to_string(dir.path().join("spin.toml")).unwrap();
    let server = fs::read(dir.path().join("mcp.wasm")).unwrap();
    let again = String::from_utf8(compose(&[])).unwrap();
    assert!(!again.contains("spin.toml"), "{again}");
    assert_eq!(
        fs::read_to_string(dir.path().join("spin.toml")).unwrap(),
        written
    );
    assert!(
        fs::read(dir.path().join("mcp.wasm")).unwrap() == server,
        "the same app gave another server"
    );
    let says = |server: &[u8], ttl: &str| {
        let ttl = format!("\"ttlMs\":{ttl}");
        server.windows(ttl.len()).any(|part| part == ttl.as_bytes())
    };
    assert!(says(&server, "300000") && !says(&server, "0"));
    let build = |value: &str| {
        let mut command = mcp();
        let command = command.current_dir(dir.path()).arg("build");
        support::expect_success(command.env("SPIN_MCP_DEV", value));
        fs::read(dir.path().join("mcp.wasm")).unwrap()
    };
    let worked_on = build("1");
    assert!(says(&worked_on, "0") && !says(&worked_on, "300000"));
    assert!(
        build("") == server,
        "a build for others gave another server"
    );
}

#[test]
fn a_store_is_given_to_a_server_that_needs_one() {
    let dir = tempfile::tempdir().unwrap();
    let in_app = |verb: &str| {
        let mut command = mcp();
        command.current_dir(dir.path()).arg(verb);
        command
    };
    let manifest = dir.path().join("spin.toml");
    fs::copy(fixture("conformance"), dir.path().join("feature.wasm")).unwrap();
    let first = support::expect_success(in_app("compose").arg("feature.wasm"));
    let first = String::from_utf8(first.stdout).unwrap();
    assert!(
        first.contains("spin.toml: gave component `mcp` the key-value store `default`"),
        "{first}"
    );
    let written = fs::read_to_string(&manifest).unwrap();
    let given = "key_value_stores = [\"default\"]\n";
    assert!(written.contains(given), "{written}");

    let server = dir.path().join("mcp.wasm");
    for verb in ["compose", "build"] {
        fs::remove_file(&server).unwrap();
        support::expect_success(&mut in_app(verb));
        assert_eq!(fs::read_to_string(&manifest).unwrap(), written);
    }

    fs::remove_file(&server).unwrap();
    let other = written.replace(given, "key_value_stores = [\"other\"]\n");
    fs::write(&manifest, &other).unwrap();
    for verb in ["compose", "build"] {
        let output = in_app(verb).output().unwrap();
        assert!(!output.status.success());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            error.contains(
                "write `key_value_stores = [\"other\", \"default\"]` under `[component.mcp]`"
            ),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&manifest).unwrap(), other);
        assert!(!server.exists(), "a refused server was written");
    }
}
