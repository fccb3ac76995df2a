//! The code of docs/tutorials/rust.md does what the page says.
//!
//! What follows `<!-- test: tools -->` becomes part of a tool that the template makes, what follows
//! `<!-- test: tests -->` part of its tests, what
//! follows `<!-- test: async -->` part of an async one, and `<!-- test: Cargo.toml -->` is for
//! the manifest of the first.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::template::{Template, share_target};
use crate::support::web::Web;
use crate::support::{Server, Stdio, expect_success, mcp, outside_of_cargo, root, rounds, rpc};
use serde_json::{Value, json};

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

fn indented(code: &str) -> String {
    let lines = code.lines().map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("    {line}\n"),
    });
    lines.collect()
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
    let (head, tests) = text.rsplit_once("#[cfg(test)]").expect("it has tests");
    let head = head.replace("[add]", &format!("[add, {tools}]"));
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

fn give_store(app: &Path) {
    let manifest = app.join("spin.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let store = "source = \"mcp.wasm\"\nkey_value_stores = [\"default\"]\n";
    fs::write(&manifest, text.replace("source = \"mcp.wasm\"\n", store)).unwrap();
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
    let tools = "trip, count, book, temperature, remember, recall, support, visits";
    let template = Template::named("mcp-tool");
    let code = format!(
        "{}\n#[cfg(test)]\nmod page {{\n    use super::*;\n\n{}}}\n",
        blocks("tools"),
        indented(&blocks("tests"))
    );
    let code = code.replace(API, &format!("http://{}", stations.address()));
    let dir = app(template, "documented", tools, &code);
    let app = dir.path();
    let manifest = app.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(
        &manifest,
        text.replacen("[dependencies]\n", &blocks("Cargo.toml"), 1),
    )
    .unwrap();
    give_store(app);
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
        assert_eq!(counted, ok(r#"{"words":3,"texts":2}"#));
        let counted = call(&server, "count", json!({"texts": r#"["one two"]"#}));
        assert_eq!(counted, ok(r#"{"words":2,"texts":1}"#));

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
        let session = rpc::session(&server, json!({}));
        for visits in ["1", "2"] {
            let visit = rpc::legacy(Some(&session), "tools/call", json!({"name": "visits"}));
            assert_eq!(rpc::text(&server.send(&visit).message()), visits);
        }
        let params = json!({"name": "book", "arguments": {"place": "Luigi's"}});
        let book = rpc::modern_with("tools/call", params, json!({"elicitation": {}}));
        let asked = &server.send(&book).message()["result"]["inputRequests"];
        assert!(asked.to_string().contains("A table at Luigi's?"), "{asked}");
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

/// A server of all that the library does, with clients of both eras, in both WASI builds.
#[test]
fn showcase_answers_and_asks() {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path();
    Template::named("mcp-tool").new_app("showcase", app);
    share_target(app);
    let server = root().join("tests/rust/src/lib.rs");
    fs::copy(server, app.join("src/lib.rs")).unwrap();
    let manifest = app.join("spin.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let more = "allow = [\"key-value\"]\nsettings = { currency = \"EUR\" }\n";
    fs::write(&manifest, text + more).unwrap();
    give_store(app);
    for wasi in ["0.2", "0.3"] {
        if wasi == "0.3" {
            set_wasi(app, "0.2", "0.3");
        }
        built(app);
        let server = Server::mcp(&app.join("mcp.wasm"), &[]);
        lists_and_answers(&server);
        rounds::asks_clients(&server);
        continues_a_task(&server);
    }
}

fn result(server: &Server, method: &str, params: Value) -> Value {
    let answer = server.send(&rpc::modern(method, params)).message();
    assert!(answer["result"].is_object(), "{method}: {answer}");
    answer["result"].clone()
}

fn lists_and_answers(server: &Server) {
    let listed = result(server, "tools/list", json!({}));
    let tools = listed["tools"].as_array().unwrap();
    let tool = |name: &str| tools.iter().find(|tool| tool["name"] == name).unwrap();
    let shapes = tool("shapes");
    assert_eq!(shapes["title"], "Shapes");
    assert_eq!(shapes["description"], "Takes all kinds of values.");
    assert_eq!(shapes["annotations"], json!({"readOnlyHint": true}));
    let icon =
        json!({"src": "https://example.com/i.png", "mimeType": "image/png", "sizes": ["48x48"]});
    assert_eq!(shapes["icons"], json!([icon]));
    assert_eq!(shapes["_meta"], json!({"example.com/level": 3}));
    let page = "ui://shop/chart.html";
    let ui = json!({"resourceUri": page, "visibility": ["app"]});
    let meta = json!({"ui": ui, "example.com/level": 4});
    assert_eq!(tool("chart")["_meta"], meta);
    let resources = result(server, "resources/list", json!({}));
    let mut listed = resources["resources"].as_array().unwrap().iter();
    let chart = listed.find(|resource| resource["uri"] == page).unwrap();
    assert_eq!(chart["mimeType"], "text/html;profile=mcp-app");
    assert_eq!(chart["_meta"], json!({"ui": {"prefersBorder": true}}));
    let stock = tool("stock");
    let hints = json!({"readOnlyHint": true, "openWorldHint": false});
    assert_eq!(stock["annotations"], hints);
    let item = json!({"type": "string", "description": "Such as `tea`."});
    assert_eq!(stock["inputSchema"]["properties"]["item"], item);
    assert_eq!(
        stock["outputSchema"]["required"],
        json!(["item", "price", "left"])
    );

    let called = |tool: &str, arguments: Value| {
        let params = json!({"name": tool, "arguments": arguments});
        result(server, "tools/call", params)
    };
    let tea = json!({"item": "tea", "price": 4.5, "left": 7});
    assert_eq!(
        called("stock", json!({"item": "tea"}))["structuredContent"],
        tea
    );
    let gone = called("stock", json!({"item": "salt"}));
    assert_eq!(gone["isError"], true);
    assert_eq!(gone["content"][0]["text"], "there is no salt");
    let given = json!({
        "color": "red",
        "pair": [1, "a"],
        "tree": {"name": "root", "children": [{"name": "leaf", "children": []}]},
        "scores": {"a": 1.5},
        "size": null,
    });
    assert_eq!(called("shapes", given.clone())["structuredContent"], given);
    let mut wrong = given;
    wrong["tree"]["children"][0]["name"] = json!(7);
    let why =
        "invalid arguments: tree.children[0].name: invalid type: integer `7`, expected a string";
    assert_eq!(called("shapes", wrong)["content"][0]["text"], why);
    let media = called("media", json!({}));
    let kinds: Vec<_> = media["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| &of["type"])
        .collect();
    assert_eq!(
        kinds,
        ["text", "image", "audio", "resource", "resource_link"]
    );
    let exact = called("exact", json!({}));
    assert_eq!(exact["structuredContent"], json!({"is": 1}));
    assert_eq!(exact["_meta"]["example.com/m"], true);
    assert_eq!(called("failing", json!({"how": "7"}))["content"], json!([]));
    let failed = called("failing", json!({"how": "tool"}));
    assert_eq!(failed["content"][0]["text"], "it is too late");
    let refused = server
        .send(&rpc::call("failing", json!({"how": "protocol"})))
        .message();
    let error = json!({"code": -32001, "message": "no", "data": {"why": "test"}});
    assert_eq!(refused["error"], error);
    let forbidden = server.send(&rpc::call("secret", json!({}))).message();
    assert_eq!(forbidden["error"]["code"], -32011);
    let whole = &called("whole", json!({}))["structuredContent"];
    assert_eq!(whole["currency"], "EUR");
    assert_eq!(
        (&whole["caller"], &whole["session"]),
        (&json!(null), &json!(false))
    );

    let read =
        |uri: &str| result(server, "resources/read", json!({"uri": uri}))["contents"][0].take();
    assert_eq!(
        read("files://a/b/c?numbered=true&lines=3")["blob"],
        "YXxiL2N8M3x0cnVl"
    );
    assert_eq!(read("notes://caf%C3%A9/x")["text"], "# x");
    assert_eq!(read("shop://items/tea")["text"], "tea: 4.5");
    let catalog = read("shop://catalog");
    assert_eq!(catalog["mimeType"], "application/json");
    let listed = result(server, "resources/list", json!({}));
    let uris: Vec<_> = listed["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| &of["uri"])
        .collect();
    assert_eq!(
        uris,
        [
            "shop://catalog",
            "shop://items/tea",
            "shop://items/book",
            "notes://café/x",
            "ui://shop/chart.html"
        ]
    );
    let prompt = json!({"name": "recommend", "arguments": {"item": "tea"}});
    let prompt = result(server, "prompts/get", prompt);
    let text = "Recommend something that goes with tea, short.";
    assert_eq!(prompt["messages"][0]["content"]["text"], text);
    assert_eq!(prompt["messages"][1]["role"], "assistant");
    let complete = |argument: &str, tone: &str| {
        let reference = json!({"type": "ref/prompt", "name": "recommend"});
        let params = json!({
            "ref": reference,
            "argument": {"name": argument, "value": ""},
            "context": {"arguments": {"tone": tone}},
        });
        result(server, "completion/complete", params)["completion"]["values"].take()
    };
    assert_eq!(complete("item", "short"), json!(["tea", "book"]));
    assert_eq!(complete("item", "long"), json!(["book"]));
    assert_eq!(complete("tone", ""), json!(["short", "long"]));
}

/// Two steps, a question, and the result.
fn continues_a_task(server: &Server) {
    let extension = json!({"io.modelcontextprotocol/tasks": {}});
    let can = json!({"elicitation": {}, "extensions": extension});
    let send = |method: &str, params: Value| {
        let answer = server
            .send(&rpc::modern_with(method, params, can.clone()))
            .message();
        assert!(answer["result"].is_object(), "{method}: {answer}");
        answer["result"].clone()
    };
    let task = send("tools/call", json!({"name": "job", "arguments": {}}));
    let id = &task["taskId"];
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < Duration::from_secs(30), "it does not end");
        thread::sleep(Duration::from_millis(120));
        let now = send("tasks/get", json!({"taskId": id}));
        match now["status"].as_str().unwrap() {
            "working" => {}
            "input_required" => {
                let asked = now["inputRequests"].as_object().unwrap();
                let accepted = json!({"action": "accept", "content": {"value": true}});
                let answers: serde_json::Map<_, _> = asked
                    .keys()
                    .map(|key| (key.clone(), accepted.clone()))
                    .collect();
                send(
                    "tasks/update",
                    json!({"taskId": id, "inputResponses": answers}),
                );
            }
            "completed" => {
                let done = json!({"steps": 2, "went_on": true});
                assert_eq!(now["result"]["structuredContent"], done, "{now}");
                return;
            }
            status => panic!("{status}: {now}"),
        }
    }
}
