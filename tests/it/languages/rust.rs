//! The code of docs/tutorials/rust.md does what the page says.
//!
//! What follows `<!-- test: tools -->` becomes part of a tool that the template makes, what
//! follows `<!-- test: async -->` part of an async one, and `<!-- test: Cargo.toml -->` is for
//! the manifest of the first.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::template::{Template, share_target};
use crate::support::web::Web;
use crate::support::{Server, Stdio, expect_success, mcp, outside_of_cargo, root, rpc};
use serde_json::json;

/// The host that the page's tools ask.
const API: &str = "https://api.example.com";

/// The substitute for it, and how long it takes for an answer.
fn stations(wait: Duration) -> Web {
    Web::serve(move |_, path, _| {
        thread::sleep(wait);
        let (status, json) = match path {
            "/stations/7" => (200, r#"{"celsius": 21.5}"#),
            "/stations/8" => (200, r#"{"celsius": 4}"#),
            _ => (404, "{}"),
        };
        (status, json.to_owned())
    })
}

/// What the page has after this marker, one block after the other.
fn blocks(marker: &str) -> String {
    let page = fs::read_to_string(root().join("docs/tutorials/rust.md")).unwrap();
    let marker = format!("<!-- test: {marker} -->\n```");
    let blocks = page.split(&marker).skip(1).map(|rest| {
        let (_, block) = rest.split_once('\n').unwrap();
        block.split_once("```").expect("a block ends").0
    });
    let blocks: Vec<_> = blocks.collect();
    assert!(!blocks.is_empty(), "nothing follows {marker}");
    blocks.join("\n")
}

/// An app of this template, with these tools of the page as well.
fn app(template: Template, name: &str, tools: &str, code: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    template.new_app(name, dir.path());
    // The table of the feature is the last one.
    let manifest = dir.path().join("spin.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let allow = "allow = [\"http\", \"key-value\", \"variables\"]";
    fs::write(&manifest, format!("{text}{allow}\n")).unwrap();
    share_target(dir.path());
    let lib = dir.path().join("src/lib.rs");
    let text = fs::read_to_string(&lib).unwrap();
    let (head, tests) = text.split_once("#[cfg(test)]").expect("it has tests");
    let head = head.replace("tools![add]", &format!("tools![add, {tools}]"));
    fs::write(&lib, format!("{head}{code}\n#[cfg(test)]{tests}")).unwrap();
    dir
}

fn formatted_and_tested(app: &Path) {
    for arguments in [["fmt", "--check"], ["test", "--quiet"]] {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(arguments).current_dir(app);
        expect_success(outside_of_cargo(&mut cargo));
    }
}

fn build(app: &Path) -> Output {
    mcp().current_dir(app).arg("build").output().unwrap()
}

fn built(app: &Path) {
    expect_success(mcp().current_dir(app).arg("build"));
}

fn set_wasi(app: &Path, from: &str, to: &str) {
    let manifest = app.join("spin.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let (from, to) = (format!("wasi = \"{from}\""), format!("wasi = \"{to}\""));
    assert!(text.contains(&from), "{text}");
    fs::write(&manifest, text.replace(&from, &to)).unwrap();
}

/// Whether the tool did not fail, and what it answered.
fn call(server: &Server, tool: &str, arguments: serde_json::Value) -> (bool, String) {
    let answer = server.send(&rpc::call(tool, arguments)).message();
    let failed = answer["result"]["isError"] == json!(true);
    (!failed, rpc::text(&answer).to_owned())
}

fn ok(text: &str) -> (bool, String) {
    (true, text.to_owned())
}

fn failed(text: &str) -> (bool, String) {
    (false, text.to_owned())
}

#[test]
fn tools_of_the_page_work_in_both_editions() {
    let stations = stations(Duration::ZERO);
    let tools = "trip, count, temperature, remember, recall, support";
    let template = Template::named("mcp-tool");
    let code = blocks("tools").replace(API, &format!("http://{}", stations.address()));
    let dir = app(template, "documented", tools, &code);
    let app = dir.path();
    let manifest = app.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(
        &manifest,
        text.replacen("[dependencies]\n", &blocks("Cargo.toml"), 1),
    )
    .unwrap();
    formatted_and_tested(app);

    for wasi in ["0.2", "0.3"] {
        if wasi == "0.3" {
            set_wasi(app, "0.2", "0.3");
        }
        built(app);
        let component = app.join("mcp.wasm");
        let host = stations.address().to_string();
        let server = Server::mcp(
            &component,
            &["--allow-host", &host, "--variable", "support=a@b.c"],
        );

        let trip = |arguments| call(&server, "trip", arguments);
        assert_eq!(trip(json!({"distance": 20})), ok("80 minutes"));
        assert_eq!(
            trip(json!({"distance": 20, "by": "train"})),
            ok("15 minutes")
        );
        assert_eq!(
            trip(json!({"distance": -1})),
            failed("a trip of -1 km does not exist")
        );
        assert_eq!(
            trip(json!({"distance": "20", "by": null})),
            failed("invalid arguments: distance: invalid type: string \"20\", expected f64")
        );
        assert_eq!(trip(json!({"distance": 20, "by": null})), ok("80 minutes"));
        let why = r#"invalid arguments: distance: invalid type: string "far", expected f64"#;
        assert_eq!(trip(json!({"distance": "far"})), failed(why));

        let counted = call(&server, "count", json!({"texts": ["one two", "three"]}));
        assert_eq!(counted, ok("3"));
        let counted = call(&server, "count", json!({"texts": r#"["one two"]"#}));
        assert_eq!(counted, ok("2"));

        let temperature = |station| call(&server, "temperature", json!({"station": station}));
        assert_eq!(temperature(7), ok("21.5 °C"));
        let rounded = json!({"station": 7.0});
        assert_eq!(call(&server, "temperature", rounded), ok("21.5 °C"));
        assert_eq!(temperature(9), failed("station 9: 404 Not Found"));

        let recall = || call(&server, "recall", json!({"key": "k"}));
        assert_eq!(
            recall(),
            failed("there is no note `k`; `remember` makes one")
        );
        let remembered = call(&server, "remember", json!({"key": "k", "note": "wörd"}));
        assert_eq!(remembered, ok("remembered `k`"));
        assert_eq!(recall(), ok("wörd"));
        call(&server, "remember", json!({"key": "k", "note": ""}));
        let answer = server.send(&rpc::call("recall", json!({"key": "k"})));
        assert_eq!(answer.message()["result"]["content"], json!([]));

        assert_eq!(call(&server, "support", json!({})), ok("a@b.c"));
        drop(server);

        let server = Server::mcp(&component, &[]);
        let refused = "cannot ask the weather service: ErrorCode::HttpRequestDenied";
        let temperature = call(&server, "temperature", json!({"station": 7}));
        assert_eq!(temperature, failed(refused));
        let unset = "this server has no support; the variable `support` is not set";
        assert_eq!(call(&server, "support", json!({})), failed(unset));
    }
}

/// An async tool waits beside others of its kind, and beside one that is not async.
#[test]
fn async_tools_wait_side_by_side() {
    let wait = Duration::from_secs(1);
    let stations = stations(wait);
    let template = Template::named("mcp-tool").with("async=yes");
    let code = blocks("async").replace(API, &format!("http://{}", stations.address()));
    let dir = app(template, "waiting", "compare", &code);
    let app = dir.path();
    let manifest = app.join("spin.toml");
    Template::named("mcp-tool").add("sums", &manifest);
    share_target(&app.join("sums"));
    formatted_and_tested(app);
    built(app);

    let host = stations.address().to_string();
    let allowed = ["--allow-host", &host];
    let server = Server::mcp(&app.join("mcp.wasm"), &allowed);
    let compare = || call(&server, "compare", json!({"first": 7, "second": 8}));
    let began = Instant::now();
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..8).map(|_| scope.spawn(compare)).collect();
        let add = call(&server, "add", json!({"a": 1, "b": 2}));
        let sums = call(&server, "sums_add", json!({"a": 3, "b": 4}));
        assert_eq!((add, sums), (ok("3"), ok("7")));
        assert!(
            waiting.iter().all(|call| !call.is_finished()),
            "nobody waited"
        );
        for call in waiting {
            assert_eq!(call.join().unwrap(), ok("21.5 °C, 4 °C"));
        }
    });
    let one_after_the_other = 8 * wait;
    assert!(began.elapsed() < one_after_the_other);
    let missing = call(&server, "compare", json!({"first": 7, "second": 9}));
    assert_eq!(missing, failed("station 9: 404 Not Found"));
    drop(server);

    let mut client = Stdio::mcp_with(&app.join("mcp.wasm"), &allowed);
    let calls = [
        ("compare", json!({"first": 7, "second": 8})),
        ("add", json!({"a": 1, "b": 2})),
    ];
    for (id, (name, arguments)) in (1..).zip(calls) {
        let params = json!({"name": name, "arguments": arguments});
        client.modern(id, "tools/call", params, json!({}));
    }
    client.answer(2);
    client.cancel(1);
    let (status, messages) = client.close();
    assert!(status.success());
    assert!(messages.is_empty(), "{messages:?}");

    let server = Server::mcp(&app.join("mcp.wasm"), &[]);
    let refused = "cannot ask the weather service: ErrorCode::HttpRequestDenied";
    let compare = call(&server, "compare", json!({"first": 7, "second": 8}));
    assert_eq!(compare, failed(refused));

    set_wasi(app, "0.3", "0.2");
    let output = build(app);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{told}");
    let advice = "which hosts of WASI 0.2 cannot run; compose with `--wasi 0.3` (`wasi = \"0.3\"` in spin.toml)";
    assert!(
        told.contains("feature `waiting`") && told.contains(advice),
        "{told}"
    );
}
