//! The templates in Python, as a user meets them, and the page of the language.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

use crate::support::example;
use crate::support::python::{has_its_types, install, passes_its_tests, venv};
use crate::support::template::Template;
use crate::support::web::Web;
use crate::support::{Server, Stdio, expect_success, fixture, mcp, needs, root, rounds, rpc};
use ignore::gitignore::GitignoreBuilder;
use serde_json::{Value as Json, json};
use spin_mcp_app::App;
use toml_edit::{DocumentMut, Item, Table, Value};

const TEMPLATES: [&str; 3] = [
    "mcp-tool-python",
    "mcp-resource-python",
    "mcp-prompt-python",
];
const MIDDLEWARE: &str = "mcp-middleware-python";
/// The largest feature component that the template may build, in bytes: Python itself.
const MAX_FEATURE: u64 = 22_000_000;
/// The most lines of the first file that a user sees.
const MAX_LINES: usize = 30;

fn content(template: &str) -> PathBuf {
    root().join("templates").join(template).join("content")
}

#[test]
fn wit_is_a_copy_of_the_contract() {
    let copies = content(MIDDLEWARE).join("wit/deps/spin-mcp-server");
    for copy in fs::read_dir(copies).unwrap().map(Result::unwrap) {
        let original = root().join("framework/wit").join(copy.file_name());
        let same = fs::read(copy.path()).unwrap() == fs::read(&original).unwrap();
        let (copy, original) = (copy.path(), original.display());
        assert!(
            same,
            "`{}` differs from `{original}`: copy it",
            copy.display()
        );
    }
}

/// Templates do not share files, so their common code must be equal in each of them.
#[test]
fn what_templates_share_is_the_same_in_each() {
    let shared = [".gitignore", "pyproject.toml", "requirements.txt"];
    for name in shared {
        let first = fs::read_to_string(content(TEMPLATES[0]).join(name)).unwrap();
        for template in TEMPLATES {
            let text = fs::read_to_string(content(template).join(name)).unwrap();
            assert_eq!(first, text, "`{name}` of `{template}`");
        }
    }
    let requirements =
        |template| fs::read_to_string(content(template).join("requirements.txt")).unwrap();
    assert_eq!(requirements(MIDDLEWARE), requirements(TEMPLATES[0]));
}

/// Spin renders every file of a template.
#[test]
fn the_sdk_has_nothing_that_spin_would_render() {
    let sdk = fs::canonicalize(content(TEMPLATES[0]).join("sdk")).unwrap();
    assert_eq!(sdk, root().join("sdk/python/src").canonicalize().unwrap());
    for file in files(&sdk) {
        if file.extension().is_some_and(|extension| extension == "pyc") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let rendered = ["{{", "{%"].into_iter().find(|mark| text.contains(mark));
        assert_eq!(rendered, None, "{}", file.display());
    }
}

#[test]
fn added_features_follow_in_order() {
    for template in TEMPLATES {
        let dir = tempfile::tempdir().unwrap();
        let manifest = dir.path().join("spin.toml");
        Template::named("mcp-tool").new_app("my-server", dir.path());
        let named = Template::named(template);
        named.add("text", &manifest);
        named.add("two-words", &manifest);

        let app = App::load(&manifest, None).unwrap();
        let names: Vec<_> = app.features.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["my-server", "text", "two-words"]);
        let added = &app.features[2];
        let folder = dir.path().join("two-words");
        assert_eq!(added.file(), Some(&folder.join("two_words.wasm")));
        assert_eq!(
            added.build.as_deref(),
            Some("python3 sdk/build.py two_words.wasm")
        );
        assert_eq!(added.workdir, folder);
        let prefix = (template != "mcp-resource-python").then_some("two_words_");
        assert_eq!(added.prefix.as_deref(), prefix);
        assert!(folder.join("app.py").is_file());
        assert!(!folder.join("spin.toml").exists());
    }
}

/// The SDK by itself, with the servers that the next test builds.
#[test]
fn sdk_is_tested_and_typed() {
    needs!("componentize-py");
    let sdk = root().join("sdk/python");
    let mut tests = Command::new(venv().join("bin/python"));
    tests.args(["-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"]);
    let output = expect_success(tests.current_dir(&sdk));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains(" passed"), "{told}");
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mypy-sdk");
    let mut types = Command::new(venv().join("bin/mypy"));
    expect_success(types.arg("--cache-dir").arg(cache).current_dir(&sdk));
}

/// Servers as authors have them, in one component: the official quickstart, one in the style of
/// FastMCP's documentation, and `cases`.
#[test]
fn servers_that_authors_have_run_unchanged() {
    needs!("componentize-py");
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path();
    Template::named("mcp-tool-python").new_app("my-server", app);
    install(app);
    let web = Web::serve(|_, path, _| match path {
        "/alerts/active/area/CA" => (200, ALERTS.into()),
        _ => (404, String::new()),
    });
    let service = format!("http://{}", web.address());
    for server in ["cases", "showcase", "weather"] {
        let file = format!("{server}.py");
        fs::copy(
            root().join("tests/python/servers").join(&file),
            app.join(&file),
        )
        .unwrap();
    }
    let api = "https://api.weather.gov";
    edit(&app.join("weather.py"), |text| text.replace(api, &service));
    let manifest = app.join("spin.toml");
    edit(&manifest, |text| {
        let stores = "source = \"mcp.wasm\"\nkey_value_stores = [\"default\"]\n";
        let text = text.replace(
            "build.py my_server.wasm",
            "build.py my_server.wasm --app cases",
        );
        text.replace("source = \"mcp.wasm\"\n", stores) + "allow = [\"http\", \"key-value\"]\n"
    });
    expect_success(mcp().arg("build").current_dir(app));
    let allowed = ["--allow-host", &web.address().to_string()];
    let server = Server::mcp(&app.join("mcp.wasm"), &allowed);
    plays_its_part(&server);
    edit(&manifest, |text| {
        text.replace("wasi = \"0.2\"", "wasi = \"0.3\"")
    });
    expect_success(mcp().arg("compose").current_dir(app));
    plays_its_part(&Server::mcp(&app.join("mcp.wasm"), &allowed));
}

const ALERTS: &str = r#"{"features": [{"properties": {"event": "Wind", "severity": null}}]}"#;

fn plays_its_part(server: &Server) {
    let result = |method: &str, params: Json| {
        let answer = server.send(&rpc::modern(method, params)).json();
        assert!(answer["result"].is_object(), "{method}: {answer}");
        answer["result"].clone()
    };
    let called = |tool: &str, arguments: Json| {
        result("tools/call", json!({"name": tool, "arguments": arguments}))
    };

    let listed = result("tools/list", json!({}));
    let tools = listed["tools"].as_array().unwrap();
    let shapes = tools.iter().find(|tool| tool["name"] == "shapes").unwrap();
    assert_eq!(shapes["title"], "Shapes");
    assert_eq!(shapes["annotations"], json!({"readOnlyHint": true}));
    let icon =
        json!({"src": "https://example.com/i.png", "mimeType": "image/png", "sizes": ["48x48"]});
    assert_eq!(shapes["icons"], json!([icon]));
    assert_eq!(
        shapes["_meta"],
        json!({"fastmcp": {"tags": ["test"]}, "example.com/level": 3})
    );

    let alert = json!({
        "event": "Wind",
        "area": "Unknown",
        "severity": "Unknown",
        "description": "No description available",
        "instructions": "No specific instructions provided",
    });
    let alerts = called("us_get_alerts", json!({"state": "ca"}));
    assert_eq!(alerts["structuredContent"], json!([alert]));
    let stock = called("stock", json!({"item": "tea"}));
    let tea = json!({"item": "tea", "price": 4.5, "left": 7});
    assert_eq!(stock["structuredContent"], tea);
    let waiting = &called("waiting", json!({}))["structuredContent"];
    assert_eq!(
        *waiting,
        json!({"names": ["a", "b", "c", "late", "thread", "3"], "together": [3, 3, 3]})
    );
    let empty = called("empty", json!({"what": "text"}));
    let text = r#"{"result": ""}"#;
    assert_eq!(empty["content"], json!([{"type": "text", "text": text}]));
    let media = called("media", json!({}));
    let kinds = media["content"].as_array().unwrap();
    let kinds: Vec<_> = kinds
        .iter()
        .map(|of| of["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["text", "image", "audio", "resource", "resource_link"]
    );
    let exact = called("exact", json!({}));
    assert_eq!(exact["structuredContent"], json!({"is": 1}));
    let read = result(
        "resources/read",
        json!({"uri": "files://a/b/c?lines=3&numbered=true"}),
    );
    assert_eq!(read["contents"][0]["blob"], "YXxiL2N8M3xUcnVl");
    let prompt = json!({"name": "recommend", "arguments": {"item": "tea"}});
    assert_eq!(
        result("prompts/get", prompt)["messages"][1]["role"],
        "assistant"
    );

    rounds::asks_clients(server);
}

/// What a build installs, in folders that moved and with other versions of Python.
#[test]
fn builds_install_what_they_lack() {
    for build in [
        root().join("sdk/python/src/build.py"),
        content("mcp-middleware-python").join("build.py"),
    ] {
        let mut tests = Command::new("python3");
        tests
            .arg("-B")
            .arg(root().join("tests/python/test_build.py"));
        let output = expect_success(tests.arg(build));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("Ran 4 tests"), "{told}");
    }
}

/// As `spin new` and `spin add` write them, beside a feature in Rust: tested, type-checked,
/// built, and called.
#[test]
fn scaffolded_app_is_tested_built_and_called() {
    needs!("componentize-py");
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path();
    let manifest = app.join("spin.toml");
    Template::named("mcp-tool-python").new_app("my-server", app);
    Template::named("mcp-resource-python").add("notes", &manifest);
    Template::named("mcp-prompt-python").add("writing", &manifest);
    fs::copy(fixture("echo"), app.join("echo.wasm")).unwrap();
    let echo = "\n[component.mcp.tool.mcp.features.echo]\nsource = \"echo.wasm\"\n";
    edit(&manifest, |text| text + echo);

    let features = [app, &app.join("notes"), &app.join("writing")];
    for feature in features {
        install(feature);
        passes_its_tests(feature, 2);
        let lines = fs::read_to_string(feature.join("app.py"))
            .unwrap()
            .lines()
            .count();
        assert!(
            lines <= MAX_LINES,
            "{} got long: {lines} lines",
            feature.display()
        );
    }
    let before = watched(app);
    let built = expect_success(mcp().arg("build").current_dir(app));
    assert_eq!(
        watched(app),
        before,
        "a build that `spin watch` answers with a build"
    );
    let told = String::from_utf8(built.stdout).unwrap();
    let made = "4 features, 2 tools, 1 resource, 1 resource template, 1 prompt, ";
    assert!(told.contains(made), "{told}");
    for feature in features {
        has_its_types(feature);
    }
    for component in ["my_server.wasm", "notes/notes.wasm", "writing/writing.wasm"] {
        let size = fs::metadata(app.join(component)).unwrap().len();
        assert!(size <= MAX_FEATURE, "`{component}` has {size} bytes");
    }

    let server = Server::mcp(&app.join("mcp.wasm"), &[]);
    answers(&server);
    example::reads_notes(&server, "notes");
    example::gets_summarize(&server, "writing_summarize");
}

/// The files of an app that `spin watch` watches, by the patterns and the crate that it does so
/// with. It also does so in what is ignored.
fn watched(app: &Path) -> BTreeSet<PathBuf> {
    let manifest = fs::read_to_string(app.join("spin.toml")).unwrap();
    let manifest: DocumentMut = manifest.parse().unwrap();
    let mut patterns = GitignoreBuilder::new(app);
    for pattern in manifest["component"]["mcp"]["build"]["watch"]
        .as_array()
        .unwrap()
    {
        patterns.add_line(None, pattern.as_str().unwrap()).unwrap();
    }
    let patterns = patterns.build().unwrap();
    let found = files(app).into_iter();
    found
        .filter(|file| patterns.matched(file, false).is_ignore())
        .collect()
}

fn answers(server: &Server) {
    let list = server.send(&rpc::modern("tools/list", json!({}))).json();
    let tools = list["result"]["tools"].as_array().unwrap();
    assert!(tools.iter().any(|tool| tool["name"] == "echo"));
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
    let result = json!({
        "type": "object",
        "properties": {"result": {"type": "integer"}},
        "required": ["result"],
        "x-fastmcp-wrap-result": true,
    });
    let described = json!({"name": "add", "description": "Adds two whole numbers.", "inputSchema": schema, "outputSchema": result});
    assert_eq!(tools[0], described);

    let call = |tool: &str, arguments: Json| call(server, tool, arguments);
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
            "invalid arguments: c: unknown field `c`, expected `a` or `b`",
        ),
        (
            json!({"a": i64::MAX, "b": 1}),
            "the sum of 9223372036854775807 and 1 does not fit in 64 bits",
        ),
    ] {
        assert_eq!(call("add", arguments), (true, why.into()));
    }
}

/// What `weather` asks, in the page.
const SERVICE: &str = "https://weather.example.com";

/// The blocks of docs/tutorials/python.md, all in one app.
#[test]
fn blocks_of_the_page_do_what_it_says() {
    needs!("componentize-py");
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path();
    Template::named("mcp-tool-python").new_app("my-server", app);
    install(app);
    let count = write_blocks(app);
    passes_its_tests(app, 2 + count);

    let web = Web::serve(|method, path, body| match path {
        "/San%20Jos%C3%A9" => (200, r#"{"sky": "clear"}"#.into()),
        "/echo?as=it%20is" => (200, format!("{method} {}", body.len())),
        _ => (404, String::new()),
    });
    let service = format!("http://{}", web.address());
    edit(&app.join("app.py"), |text| {
        text.replace(SERVICE, &service) + ASKS_ANYBODY
    });
    let manifest = app.join("spin.toml");
    let unallowed = "\n[component.mcp.tool.mcp.features.unallowed]\nsource = \"my_server.wasm\"\nprefix = \"unallowed_\"\n";
    edit(&manifest, |text| text + unallowed);
    expect_success(mcp().arg("build").current_dir(app));
    has_its_types(app);

    let host = web.address().to_string();
    let granted = ["--allow-host", &host, "--allow-host", "127.0.0.1:1"];
    let granted = [&granted[..], &["--variable", "salutation=Good day"]].concat();
    let older = Server::mcp(&app.join("mcp.wasm"), &granted);
    uses_the_host(&older, &service);
    lacks_the_host(&older, &service);
    edit(&manifest, |text| {
        text.replace(unallowed, "")
            .replace("wasi = \"0.2\"", "wasi = \"0.3\"")
    });
    expect_success(mcp().arg("compose").current_dir(app));
    uses_the_host(&Server::mcp(&app.join("mcp.wasm"), &granted), &service);
}

/// A tool that is async beside one that is not, in one server: calls wait side by side.
#[test]
fn async_tools_wait_side_by_side() {
    needs!("componentize-py");
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path();
    let template = Template::named("mcp-tool-python").with("async=yes");
    template.new_app("my-server", app);
    install(app);
    fs::copy(fixture("echo"), app.join("echo.wasm")).unwrap();
    let code = blocks("python async");
    edit(&app.join("app.py"), |text| append(text, &code) + MORE);
    passes_its_tests(app, 2);

    // Answers once two are waiting.
    let both = Arc::new(Barrier::new(2));
    let (told, heard) = mpsc::channel();
    let web = Web::serve(move |_, path, body| match path {
        "/" => (200, body.into()),
        "/linger" | "/left" => {
            told.send(path.to_owned()).expect("the test listens");
            (200, String::new())
        }
        _ => {
            both.wait();
            (200, r#"{"sky": "clear"}"#.into())
        }
    });
    let service = format!("http://{}", web.address());
    edit(&app.join("app.py"), |text| text.replace(SERVICE, &service));
    let echo =
        "allow = [\"http\"]\n\n[component.mcp.tool.mcp.features.echo]\nsource = \"echo.wasm\"\n";
    edit(&app.join("spin.toml"), |text| text + echo);
    expect_success(mcp().arg("build").current_dir(app));
    has_its_types(app);

    let host = web.address().to_string();
    // It imports files and sockets, which plain `wasmtime serve` does not have.
    answers(&Server::wasmtime(&app.join("mcp.wasm"), &[]));
    let server = Server::mcp(&app.join("mcp.wasm"), &["--allow-host", &host]);
    answers(&server);
    let skies = call(&server, "skies", json!({"cities": ["Quito", "Oslo"]}));
    let clear = r#"{"Quito": "clear", "Oslo": "clear"}"#;
    assert_eq!(skies, (false, clear.into()));
    let posted = call(
        &server,
        "post",
        json!({"url": service, "body": "é".repeat(50_000)}),
    );
    assert_eq!(posted, (false, "100000".into()));
    let refused = call(
        &server,
        "post",
        json!({"url": "http://127.0.0.1:2", "body": ""}),
    );
    let why = "requests to `http://127.0.0.1:2` are not allowed: in `spin.toml`, ";
    assert!(refused.0 && refused.1.starts_with(why), "{refused:?}");

    std::thread::scope(|scope| {
        let sky = |city| call(&server, "skies", json!({"cities": [city]}));
        let waiting = ["Quito", "Oslo"].map(|city| (city, scope.spawn(move || sky(city))));
        for (city, answer) in waiting {
            let clear = format!(r#"{{"{city}": "clear"}}"#);
            assert_eq!(answer.join().unwrap(), (false, clear));
        }
    });

    let mut client = Stdio::mcp_with(&app.join("mcp.wasm"), &["--allow-host", &host]);
    let linger = json!({"name": "linger", "arguments": {"url": format!("{service}/linger")}});
    client.modern(1, "tools/call", linger, json!({}));
    heard.recv_timeout(PATIENCE).expect("it lingers");
    client.cancel(1);
    while heard.recv_timeout(PATIENCE).expect("it leaves") != "/left" {}
    let add = json!({"name": "add", "arguments": {"a": 1, "b": 2}});
    client.modern(2, "tools/call", add, json!({}));
    assert_eq!(rpc::text(&client.answer(2)), "3");
    let (status, messages) = client.close();
    assert!(status.success());
    assert!(messages.is_empty(), "{messages:?}");
}

/// How long something may take to happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tools beside that of the page.
const MORE: &str = r#"
from fastmcp import Context
from wasi import http_async as http

@mcp.tool
async def post(url: str, body: str) -> int:
    return len((await http.fetch(url, "POST", body=body)).body)

@mcp.tool
async def linger(url: str, ctx: Context) -> None:
    while not ctx.is_cancelled:
        await http.fetch(url)
    await http.fetch(url.replace("linger", "left"))
"#;

/// The blocks of the page in this language.
fn blocks(language: &str) -> Vec<String> {
    let page = fs::read_to_string(root().join("docs/tutorials/python.md")).unwrap();
    let start = format!("```{language}\n");
    let blocks = page.split(&start).skip(1);
    let blocks = blocks.map(|rest| rest.split_once("```").expect("a block ends").0);
    blocks.map(str::to_owned).collect()
}

/// Writes the blocks where the page says they belong, and returns the number of tests.
fn write_blocks(app: &Path) -> usize {
    edit(&app.join("app.py"), |text| append(text, &blocks("python")));
    edit(&app.join("test_app.py"), |text| {
        append(text, &blocks("python test"))
    });
    edit(&app.join("spin.toml"), |text| {
        let mut manifest: DocumentMut = text.parse().unwrap();
        for block in blocks("toml") {
            let block: DocumentMut = block.parse().unwrap();
            merge(&mut manifest, &block);
        }
        manifest.to_string()
    });
    blocks("python test").len()
}

/// Adds code to a module: what it imports comes first.
fn append(module: String, blocks: &[String]) -> String {
    let imports = |line: &&str| line.starts_with("from ") || line.starts_with("import ");
    let (imported, code): (Vec<_>, Vec<_>) = blocks
        .iter()
        .flat_map(|block| block.lines().chain([""]))
        .partition(imports);
    let at = module.find("import ").expect("it imports something");
    let (before, after) = module.split_at(module[..at].rfind('\n').map_or(0, |at| at + 1));
    format!(
        "{before}{}\n{after}\n{}",
        imported.join("\n"),
        code.join("\n")
    )
}

/// Lists grow, tables gain keys.
fn merge(into: &mut Table, from: &Table) {
    for (key, item) in from {
        match (into.get_mut(key), item) {
            (Some(Item::Table(into)), Item::Table(from)) => merge(into, from),
            (Some(Item::Value(Value::Array(into))), Item::Value(Value::Array(from))) => {
                into.extend(from.iter().cloned());
            }
            (None, item) => drop(into.insert(key, item.clone())),
            (Some(known), item) => panic!("`{key}` is {known} and {item}"),
        }
    }
}

/// A tool beside those of the page, to ask what `spin.toml` does not allow.
const ASKS_ANYBODY: &str = r#"
from wasi import http

@mcp.tool
def ask(url: str, method: str = "GET", headers: dict[str, str] = {}, body: str = "") -> str:
    return http.fetch(url, method, headers, body, timeout=1).text()

@mcp.tool
def read(store: str, variable: str) -> list[str]:
    return [*key_value.Store(store).keys(), variables.get(variable)]
"#;

fn uses_the_host(server: &Server, service: &str) {
    let call = |tool: &str, arguments: Json| call(server, tool, arguments);
    let done = |text: &str| (false, text.to_owned());

    assert_eq!(call("weather", json!({"city": "San José"})), done("clear"));
    let unknown = (true, "the weather in Atlantis is not known".into());
    assert_eq!(call("weather", json!({"city": "Atlantis"})), unknown);
    let greeting = call("greeting", json!({"name": "Ada"}));
    assert_eq!(greeting, done("Good day, Ada!"));
    for count in ["1", "2"] {
        assert_eq!(call("visits", json!({"page": "home"})), done(count));
    }
    let read = call(
        "read",
        json!({"store": "default", "variable": "salutation"}),
    );
    assert_eq!(read, done(r#"["home", "Good day"]"#));

    let echo = format!("{service}/echo?as=it%20is#here");
    let long = "é".repeat(50_000);
    for (method, body, answer) in [("GET", "", "GET 0"), ("PUT", &*long, "PUT 100000")] {
        let asked = call("ask", json!({"url": echo, "method": method, "body": body}));
        assert_eq!(asked, done(answer));
    }
    for (arguments, why) in [
        (
            json!({"url": "ftp://127.0.0.1/"}),
            "`ftp://127.0.0.1/` is not the URL of a web service",
        ),
        (
            json!({"url": "http://127.0.0.1:1/"}),
            "no answer from `http://127.0.0.1:1`: connection refused",
        ),
        (
            json!({"url": "http://127.0.0.1:1/a b"}),
            "cannot send `GET http://127.0.0.1:1/a b`: it is not a valid request",
        ),
        (
            json!({"url": "http://127.0.0.1:1/", "headers": {"Host": "localhost"}}),
            "cannot send these headers: forbidden",
        ),
        (
            json!({"url": "http://127.0.0.1:2/"}),
            "requests to `http://127.0.0.1:2` are not allowed: in `spin.toml`, name it in \
             `allowed_outbound_hosts` of the component, and give the feature `allow = [\"http\"]`",
        ),
    ] {
        assert_eq!(call("ask", arguments), (true, why.into()));
    }
    let undeclared = call("read", json!({"store": "default", "variable": "nothing"}));
    let why = "there is no variable `nothing`: in `spin.toml`, declare it in `[variables]` and in \
               `[component.mcp.variables]`, and give the feature `allow = [\"variables\"]`";
    assert_eq!(undeclared, (true, why.into()));
}

/// The same component as a feature that may do nothing.
fn lacks_the_host(server: &Server, service: &str) {
    let asked = call(server, "unallowed_ask", json!({"url": service}));
    let why = format!("requests to `{service}` are not allowed: in `spin.toml`, ");
    assert!(asked.0 && asked.1.starts_with(&why), "{asked:?}");
    let (failed, why) = call(server, "unallowed_visits", json!({"page": "home"}));
    assert!(failed);
    assert_eq!(
        why,
        "the key-value store `default` is not allowed: in `spin.toml`, name it in \
         `key_value_stores` of the component, and give the feature `allow = [\"key-value\"]`"
    );
    let (failed, why) = call(server, "unallowed_greeting", json!({"name": "Ada"}));
    let start = "cannot read the variable `salutation`: ";
    assert!(
        failed && why.starts_with(start) && why.contains("allow"),
        "{why}"
    );
}

/// Calls a tool: whether it failed, and what it says.
fn call(server: &Server, tool: &str, arguments: Json) -> (bool, String) {
    let answer = server.send(&rpc::call(tool, arguments)).json();
    let failed = answer["result"]["isError"] == true;
    (failed, rpc::text(&answer).to_owned())
}

fn edit(file: &Path, change: impl FnOnce(String) -> String) {
    let text = fs::read_to_string(file).unwrap();
    fs::write(file, change(text)).unwrap();
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| match path.is_dir() {
        true => files(&path),
        false => vec![path],
    };
    entries.flat_map(below).collect()
}
