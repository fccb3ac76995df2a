//! The template `mcp-tool-python`, as a user meets it.

mod support;
#[path = "support/template.rs"]
mod template;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use spin_mcp::app::App;
use support::{Server, compose, expect_success, fixture, mcp, root, rpc};
use template::Template;

const CONTENT: &str = "templates/mcp-tool-python/content";
/// The largest feature component that the template may build, in bytes: Python itself.
const MAX_FEATURE: u64 = 20_000_000;

/// The virtual environment that a first build would make.
fn venv() -> PathBuf {
    let output = expect_success(&mut Command::new(root().join("scripts/componentize-py.sh")));
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

/// A program of the app's virtual environment.
fn python(app: &Path, program: &str) -> Command {
    let mut command = Command::new(app.join(".venv/bin").join(program));
    command.current_dir(app).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

#[test]
fn wit_is_a_copy_of_the_contract() {
    let copies = root().join(CONTENT).join("wit/deps/spin-mcp-server");
    for name in ["types.wit", "tools.wit"] {
        assert!(
            fs::read(copies.join(name)).unwrap()
                == fs::read(root().join("framework/wit").join(name)).unwrap(),
            "`{name}` differs from that in `framework/wit`: copy it"
        );
    }
    assert_eq!(fs::read_dir(copies).unwrap().count(), 2);
}

#[test]
fn added_features_follow_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = dir.path().join("spin.toml");
    Template::named("mcp-tool").new_app("my-server", dir.path());
    let template = Template::named("mcp-tool-python");
    template.add("text", &manifest);
    template.add("two-words", &manifest);

    let app = App::load(&manifest, None).unwrap();
    let names: Vec<_> = app.features.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["my-server", "text", "two-words"]);
    let added = &app.features[2];
    let folder = dir.path().join("two-words");
    assert_eq!(added.source, folder.join("two_words.wasm"));
    assert_eq!(
        added.build.as_deref(),
        Some("python3 build.py two_words.wasm")
    );
    assert_eq!(added.workdir, folder);
    assert_eq!(added.prefix.as_deref(), Some("two_words_"));
    assert!(folder.join("app.py").is_file());
    assert!(!folder.join("spin.toml").exists());
}

/// What the template's own module makes of hints that its example does not have.
#[test]
fn hints_become_schemas_and_checks() {
    let mut tests = Command::new(venv().join("bin/python"));
    tests
        .arg("-B")
        .arg(root().join("tests/python/test_mcp.py"))
        .env("PYTHONPATH", root().join(CONTENT));
    let output = expect_success(&mut tests);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("Ran 5 tests"), "{told}");
}

/// As `spin new` writes it, beside a feature in Rust: tested, type-checked, built, and called
/// in both editions.
#[test]
fn scaffolded_app_is_tested_built_and_called() {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path();
    Template::named("mcp-tool-python").new_app("my-server", app);
    std::os::unix::fs::symlink(venv(), app.join(".venv")).unwrap();
    fs::copy(fixture("echo"), app.join("echo.wasm")).unwrap();
    let manifest = app.join("spin.toml");
    let echo = "[component.mcp.tool.mcp.features.echo]\nsource = \"echo.wasm\"\n";
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, format!("{text}\n{echo}")).unwrap();

    let tests = expect_success(python(app, "python").args(["-m", "unittest"]));
    let told = String::from_utf8(tests.stderr).unwrap();
    assert!(told.contains("Ran 2 tests"), "{told}");

    let built = expect_success(mcp().arg("build").current_dir(app));
    let told = String::from_utf8(built.stdout).unwrap();
    assert!(told.contains(": 2 features, 2 tools, "), "{told}");
    let feature = app.join("my_server.wasm");
    let size = fs::metadata(&feature).unwrap().len();
    assert!(size <= MAX_FEATURE, "the feature has {size} bytes");

    let checked = expect_success(&mut python(app, "mypy"));
    let told = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(told, "Success: no issues found in 5 source files\n");

    let newer = compose(app, "0.3", &[feature, app.join("echo.wasm")]);
    for server in [app.join("mcp.wasm"), newer] {
        answers(&Server::mcp(&server, &[]));
        // It imports files and sockets, which plain `wasmtime serve` does not have.
        answers(&Server::wasmtime(&server, &[]));
    }
}

fn answers(server: &Server) {
    let list = server.send(&rpc::modern("tools/list", json!({}))).json();
    let tools = list["result"]["tools"].as_array().unwrap();
    assert_eq!(tools.len(), 2);
    assert_eq!(tools[1]["name"], "echo");
    let integer = |what: &str| json!({"type": "integer", "description": what});
    let schema = json!({
        "type": "object",
        "properties": {
            "a": integer("The first number."),
            "b": integer("The number to add to it."),
        },
        "required": ["a", "b"],
        "additionalProperties": false,
    });
    assert_eq!(
        tools[0],
        json!({"name": "add", "description": "Adds two whole numbers.", "inputSchema": schema})
    );

    let call = |tool: &str, arguments: Value| {
        let answer = server.send(&rpc::call(tool, arguments)).json();
        let failed = answer["result"]["isError"] == true;
        (failed, rpc::text(&answer).to_owned())
    };
    assert_eq!(call("add", json!({"a": 2, "b": 40})), (false, "42".into()));
    assert_eq!(
        call("echo", json!({"message": "hello"})),
        (false, "hello".into())
    );
    for (arguments, why) in [
        (json!({"a": 1}), "invalid arguments: missing field `b`"),
        (
            json!({"a": "1", "b": 2}),
            "invalid arguments: a: expected an integer, not `\"1\"`",
        ),
        (
            json!({"a": 1, "b": 2, "c": 3}),
            "invalid arguments: unknown field `c`, expected `a` or `b`",
        ),
        (
            json!({"a": i64::MAX, "b": 1}),
            "the sum of 9223372036854775807 and 1 does not fit in 64 bits",
        ),
    ] {
        assert_eq!(call("add", arguments), (true, why.into()));
    }
}
