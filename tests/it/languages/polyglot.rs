//! `examples/polyglot`: features in Rust, Python and TypeScript in one server.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::template::{Template, share_target};
use crate::support::{
    Server, expect_success, mcp, needs, outside_of_cargo, python, root, rpc, typescript, wasmtime,
};
use ignore::WalkBuilder;
use serde_json::{Value, json};

/// The features, as `spin add` made them.
const FEATURES: [(&str, &str); 3] = [
    ("distance", "mcp-tool"),
    ("guide", "mcp-resource-python"),
    ("plan", "mcp-prompt-ts"),
];
/// What the author of the example wrote; the rest is what the templates write.
const OWN: [&str; 8] = [
    "README.md",
    "distance/Cargo.lock",
    "distance/src/lib.rs",
    "guide/app.py",
    "guide/test_app.py",
    "plan/test/app.test.ts",
    "plan/src/app.ts",
    "spin.toml",
];

fn example() -> PathBuf {
    root().join("examples/polyglot")
}

/// The files of an app that `.gitignore` does not name, by their paths in it.
fn sources(app: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut walk = WalkBuilder::new(app);
    walk.hidden(false).parents(false).require_git(false);
    // The SDK is a link in the repository.
    walk.follow_links(true);
    let files = walk.build().map(Result::unwrap);
    let files = files.filter(|entry| entry.path().is_file());
    let read = |path: &Path| {
        let name = path.strip_prefix(app).unwrap();
        (name.to_owned(), fs::read(path).unwrap())
    };
    files.map(|entry| read(entry.path())).collect()
}

/// `BLESS=1` brings the example up to date with the templates.
#[test]
fn is_what_the_templates_make() {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path();
    Template::named("mcp-server").new_app("polyglot", app);
    for (name, template) in FEATURES {
        Template::named(template).add(name, &app.join("spin.toml"));
    }
    let is_own = |file: &Path| OWN.iter().any(|own| file == Path::new(own));
    let mut made = sources(app);
    made.retain(|file, _| !is_own(file));
    if std::env::var_os("BLESS").is_some() {
        for (file, text) in &made {
            fs::create_dir_all(example().join(file).parent().unwrap()).unwrap();
            fs::write(example().join(file), text).unwrap();
        }
    }
    let mut kept = sources(&example());
    for own in OWN {
        assert!(kept.remove(Path::new(own)).is_some(), "there is no `{own}`");
    }
    for file in made.keys().chain(kept.keys()) {
        assert!(
            made.get(file) == kept.get(file),
            "`examples/polyglot/{}` is not what its template makes: run this test with `BLESS=1`, \
             or delete it",
            file.display()
        );
    }
}

/// Tested, type-checked and built as its README says; then the same feature components serve in
/// both WASI builds, on two hosts.
#[test]
fn is_built_once_and_serves_in_both_wasi_builds() {
    needs!("typescript");
    needs!("componentize-py");
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path();
    for (file, text) in sources(&example()) {
        fs::create_dir_all(app.join(&file).parent().unwrap()).unwrap();
        fs::write(app.join(file), text).unwrap();
    }
    // What the first build would install, and a folder that stays warm.
    share_target(&app.join("distance"));
    python::install(&app.join("guide"));
    typescript::install(&app.join("plan"));

    pass_their_tests(app);
    let built = build(app);
    let made = ": 3 features, 1 tool, 1 resource, 1 resource template, 1 prompt, ";
    assert!(built.contains(made), "{built}");
    let mypy = expect_success(
        Command::new(app.join("guide/.venv/bin/mypy")).current_dir(app.join("guide")),
    );
    let told = String::from_utf8(mypy.stdout).unwrap();
    assert!(told.starts_with("Success"), "{told}");
    let composed = digests(app);
    serves(app, "0.2");

    let manifest = app.join("spin.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let newer = text.replace("wasi = \"0.2\"", "wasi = \"0.3\"");
    fs::write(&manifest, newer).unwrap();
    expect_success(mcp().arg("compose").current_dir(app));
    assert_eq!(digests(app), composed, "by name and SHA-256");
    serves(app, "0.3");
}

fn pass_their_tests(app: &Path) {
    let tests = [
        ("distance", "cargo fmt --check", ""),
        ("distance", "cargo test", "2 passed; 0 failed"),
        ("guide", ".venv/bin/python -B -m pytest -q", "2 passed"),
        ("plan", "npm test", "# pass 2\n"),
    ];
    for (feature, command, told) in tests {
        let mut words = command.split(' ');
        let dir = app.join(feature);
        let program = match words.next().unwrap() {
            "cargo" => PathBuf::from(env!("CARGO")),
            venv if venv.starts_with('.') => dir.join(venv),
            program => PathBuf::from(program),
        };
        let mut tests = Command::new(program);
        let output = expect_success(outside_of_cargo(tests.args(words).current_dir(dir)));
        let output = [output.stdout, output.stderr].concat();
        let output = String::from_utf8(output).unwrap();
        assert!(
            output.contains(told),
            "`{command}` in `{feature}`: {output}"
        );
    }
}

/// What the command says.
fn build(app: &Path) -> String {
    let output = expect_success(mcp().arg("build").current_dir(app));
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

/// The SHA-256 of each feature, by its name, as the composed server records them.
fn digests(app: &Path) -> Vec<(String, String)> {
    let output = expect_success(
        mcp()
            .args(["inspect", "mcp.wasm", "--json"])
            .current_dir(app),
    );
    let server: Value = serde_json::from_slice(&output.stdout).unwrap();
    let features = server["features"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let features = features.map(|feature| (text(&feature["name"]), text(&feature["sha256"])));
    features.collect()
}

/// Every tool, resource and prompt, on `mcp serve`, `wasmtime serve` and the stdin of `wasmtime
/// run`.
fn serves(app: &Path, wasi: &str) {
    let server = app.join("mcp.wasm");
    let mut serve = wasmtime();
    serve.arg("serve");
    // As `mcp check` says: Rust's hash maps begin with `wasi:random/insecure-seed`.
    serve.args(["-S", "cli", "--addr", "127.0.0.1:0"]);
    serve.arg(&server);
    for host in [Server::mcp(&server, &[]), Server::start(serve)] {
        for (method, params, at, expected) in claims() {
            let answer = host.send(&rpc::modern(method, params)).json();
            assert_eq!(answer.pointer(at), Some(&expected), "WASI {wasi}: {answer}");
        }
    }

    let lines = claims().into_iter().enumerate().map(|(id, claim)| {
        let (method, params, ..) = claim;
        let request = rpc::modern(method, params).body;
        let mut message: Value = serde_json::from_slice(&request).unwrap();
        message["id"] = json!(id);
        format!("{message}\n")
    });
    let input = app.join("input");
    fs::write(&input, lines.collect::<String>()).unwrap();
    let mut run = wasmtime();
    run.args(["run", "-S", "http"]).arg(&server);
    let output = expect_success(run.stdin(fs::File::open(&input).unwrap()));
    let answers = output.stdout.split(|byte| *byte == b'\n');
    let answers = answers.filter(|line| !line.is_empty());
    let answers = answers.map(|line| serde_json::from_slice(line).unwrap());
    let answers: BTreeMap<_, Value> = answers
        .map(|answer: Value| (answer["id"].as_u64(), answer))
        .collect();
    for (id, (_, _, at, expected)) in (0..).zip(claims()) {
        let answer = &answers[&Some(id)];
        assert_eq!(answer.pointer(at), Some(&expected), "WASI {wasi}: {answer}");
    }
}

/// A request, and what its answer has where.
type Claim = (&'static str, Value, &'static str, Value);

fn claims() -> Vec<Claim> {
    let [lisbon, vienna] = [(38.72, -9.14), (48.21, 16.37)]
        .map(|(latitude, longitude)| json!({"latitude": latitude, "longitude": longitude}));
    let distance =
        |to: Value| json!({"name": "distance", "arguments": {"from": lisbon.clone(), "to": to}});
    let uri = |path: &str| json!({"uri": format!("guide://cities/{path}")});
    let trip = |from: &str| {
        let arguments = json!({"from": from, "to": "Vienna", "days": "1"});
        json!({"name": "trip", "arguments": arguments})
    };
    let complete = |reference: Value, argument: &str, value: &str| json!({"ref": reference, "argument": {"name": argument, "value": value}});
    let planned = "Plan a trip from Lisbon to Vienna that lasts 1 day.\n\
                   Read the resources guide://cities/Lisbon and\n\
                   guide://cities/Vienna, and tell how far it is with the tool `distance`.\n\
                   Plan one sight a day.";
    let quito =
        r#"{"latitude": -0.18, "longitude": -78.47, "see": ["La Compañía", "Mitad del Mundo"]}"#;
    let text = "/result/content/0/text";
    let contents = "/result/contents/0/text";
    let values = "/result/completion/values";
    let guide = json!({"type": "ref/resource", "uri": "guide://cities/{name}"});
    vec![
        (
            "server/discover",
            json!({}),
            "/result/_meta/io.modelcontextprotocol~1serverInfo/title",
            json!("City trips"),
        ),
        (
            "tools/list",
            json!({}),
            "/result/tools/0/description",
            json!("Tells how far one place is from another, as the crow flies."),
        ),
        ("tools/call", distance(vienna), text, json!("2298 km")),
        (
            "tools/call",
            distance(json!({"latitude": "north"})),
            text,
            json!("invalid arguments: to.latitude: invalid type: string \"north\", expected f64"),
        ),
        (
            "resources/list",
            json!({}),
            "/result/resources/0/uri",
            json!("guide://cities/"),
        ),
        (
            "resources/templates/list",
            json!({}),
            "/result/resourceTemplates/0/uriTemplate",
            json!("guide://cities/{name}"),
        ),
        (
            "resources/read",
            uri(""),
            contents,
            json!("Lisbon\nQuito\nVienna"),
        ),
        ("resources/read", uri("Quito"), contents, json!(quito)),
        (
            "resources/read",
            uri("Atlantis"),
            "/error/message",
            json!("unknown resource `guide://cities/Atlantis`"),
        ),
        (
            "completion/complete",
            complete(guide, "name", "V"),
            values,
            json!(["Vienna"]),
        ),
        (
            "prompts/list",
            json!({}),
            "/result/prompts/0/description",
            json!("Plans a trip to a city of the guide."),
        ),
        (
            "prompts/get",
            trip("Lisbon"),
            "/result/messages/0/content/text",
            json!(planned),
        ),
        (
            "prompts/get",
            trip("Vienna"),
            "/error/message",
            json!("Vienna is where the trip starts"),
        ),
        (
            "completion/complete",
            complete(json!({"type": "ref/prompt", "name": "trip"}), "pace", ""),
            values,
            json!(["slow", "busy"]),
        ),
    ]
}
