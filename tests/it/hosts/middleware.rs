//! Middleware in composed servers, in both WASI builds: what spin-mcp ships, the template, and what
//! does everything wrong.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{
    App, Request, Server, Shared, Stdio, Stream, fixture, middleware, rpc,
    rpc::{call, modern, text},
};
use serde_json::{Value, json};
use spin_mcp_component::{Size, World};

const WASI_BUILDS: [&str; 2] = ["0.2", "0.3"];

/// A table of the fixture's, by this name, in a chain of this WASI build.
fn fixture_table(wasi: &str, name: &str, settings: &str) -> String {
    let component = match wasi {
        "0.2" => fixture("middleware"),
        _ => fixture("middleware-async"),
    };
    let keys = format!("source = {component:?}\nsettings = {settings}");
    middleware(name, &keys)
}

/// Settings with which it does these things.
fn deeds(deeds: &[&str]) -> String {
    format!("{{ deeds = [{}] }}", deeds.join(", "))
}

/// Serves features behind a chain, in each WASI build in turn.
fn everywhere(features: &[&str], chain: impl Fn(&str) -> String, claim: impl Fn(&Server)) {
    for wasi in WASI_BUILDS {
        println!("WASI {wasi}");
        let dir = tempfile::tempdir().unwrap();
        let chain = chain(wasi);
        let app = App {
            wasi,
            features,
            chain: &chain,
        };
        claim(&Server::mcp(&app.composed(dir.path()), &["--timeout", "3"]));
    }
}

fn result(server: &Server, method: &str, params: Value) -> Value {
    let mut answer = server.send(&modern(method, params)).message();
    assert!(answer["result"].is_object(), "{method}: {answer}");
    answer["result"].take()
}

fn error(server: &Server, request: &Request) -> Value {
    let mut answer = server.send(request).message();
    assert!(answer["error"].is_object(), "{answer}");
    answer["error"].take()
}

fn names(list: &Value) -> Vec<&str> {
    let entries = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    entries
        .iter()
        .map(|entry| entry["name"].as_str().unwrap())
        .collect()
}

const FILTER: &str = r#"
[[component.mcp.tool.mcp.middleware]]
name = "filter"
[component.mcp.tool.mcp.middleware.settings.tools]
allow = ["test_simple_text", "test_error*", "echo", "test_image_content", "test_header_parameters"]
deny = ["*_handling"]
rename = { echo = "say", test_header_parameters = "region", test_image_content = "test_header_parameters" }
prefix = "x_"
[component.mcp.tool.mcp.middleware.settings.prompts]
allow = ["test_prompt_with_arguments"]
rename = { test_prompt_with_arguments = "prompt" }
[component.mcp.tool.mcp.middleware.settings.resources]
deny = ["test://template/1/*", "test://static-binary"]
"#;

#[test]
fn filter_shows_what_it_is_told_to() {
    everywhere(
        &["echo", "conformance"],
        |_| FILTER.to_owned(),
        |server| {
            let listed = result(server, "tools/list", json!({}));
            assert_eq!(
                names(&listed["tools"]),
                [
                    "x_say",
                    "x_test_simple_text",
                    "x_test_header_parameters",
                    "x_region"
                ]
            );
            // Headers repeat arguments of the tools that clients see by these names.
            let in_europe = |tool: &str| call(tool, json!({"region": "eu"}));
            for (request, code) in [
                (in_europe("x_region").header("Mcp-Param-Region", "eu"), None),
                (
                    in_europe("x_region").header("Mcp-Param-Region", "us"),
                    Some(-32020),
                ),
                (in_europe("x_region"), Some(-32020)),
                (in_europe("x_test_header_parameters"), None),
            ] {
                let answer = server.send(&request);
                assert_eq!(answer.status, if code.is_some() { 400 } else { 200 });
                assert_eq!(answer.message()["error"]["code"].as_i64(), code);
            }
            let said = server
                .send(&call("x_say", json!({"message": "hello"})))
                .message();
            assert_eq!(text(&said), "hello");
            for hidden in [
                "echo",
                "say",
                "x_echo",
                "test_simple_text",
                "test_error_handling",
                "x_test_error_handling",
            ] {
                let refused = error(server, &call(hidden, json!({})));
                assert_eq!(refused["code"], -32602);
                assert_eq!(refused["message"], format!("unknown tool `{hidden}`"));
            }
            let session = rpc::session(server, json!({}));
            let said = rpc::legacy(
                Some(&session),
                "tools/call",
                json!({"name": "x_say", "arguments": {"message": "hello"}}),
            );
            assert_eq!(text(&server.send(&said).message()), "hello");

            let listed = result(server, "prompts/list", json!({}));
            assert_eq!(names(&listed["prompts"]), ["prompt"]);
            let arguments = json!({"arg1": "a", "arg2": "b"});
            result(
                server,
                "prompts/get",
                json!({"name": "prompt", "arguments": arguments}),
            );
            let refused = error(
                server,
                &modern("prompts/get", json!({"name": "test_simple_prompt"})),
            );
            assert_eq!(refused["message"], "unknown prompt `test_simple_prompt`");
            let complete = |name: &str| json!({"ref": {"type": "ref/prompt", "name": name}, "argument": {"name": "arg1", "value": ""}});
            let completed = result(server, "completion/complete", complete("prompt"));
            assert_ne!(completed["completion"]["values"], json!([]), "{completed}");
            error(
                server,
                &modern(
                    "completion/complete",
                    complete("test_prompt_with_arguments"),
                ),
            );

            let listed = result(server, "resources/list", json!({}));
            assert!(!listed.to_string().contains("static-binary"), "{listed}");
            result(
                server,
                "resources/read",
                json!({"uri": "test://template/2/data"}),
            );
            for hidden in [
                "test://template/1/data",
                "test://template/%31/data",
                "test://static-binary",
            ] {
                let refused = error(server, &modern("resources/read", json!({"uri": hidden})));
                assert_eq!(refused["code"], -32602);
                assert_eq!(refused["data"]["uri"], hidden);
            }
        },
    );
}

#[test]
fn names_that_clash_behind_a_filter_are_an_error_of_compose() {
    let dir = tempfile::tempdir().unwrap();
    for (settings, problem) in [
        (
            r#"{ tools = { rename = { test_simple_text = "echo" } } }"#,
            "tool `test_simple_text` is renamed to `echo`, which is the name of another tool",
        ),
        (
            r#"{ tools = { denied = [] } }"#,
            "the settings of `filter`: unknown key `tools.denied`; the keys here are `allow`, `deny`, `rename`, `prefix`",
        ),
    ] {
        for wasi in WASI_BUILDS {
            let chain = middleware("filter", &format!("settings = {settings}"));
            let app = App {
                wasi,
                features: &["echo", "conformance"],
                chain: &chain,
            };
            let output = app.compose(dir.path());
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(
                !output.status.success() && stderr.contains(problem),
                "{stderr}"
            );
            assert!(!dir.path().join("mcp.wasm").exists());
        }
    }
}

#[test]
fn validate_keeps_what_does_not_fit_from_both_sides() {
    everywhere(
        &["echo"],
        |_| middleware("validate", ""),
        |server| {
            let said = server
                .send(&call("echo", json!({"message": "hello"})))
                .message();
            assert_eq!(text(&said), "hello");
            for (arguments, problem) in [
                (json!({}), "`message` is missing"),
                (json!({"message": 1}), "message: expected a string, not 1"),
                (
                    json!({"message": "a", "b": 1}),
                    "b: there is no such member; there are `message`",
                ),
            ] {
                let answer = server.send(&call("echo", arguments)).message();
                assert_eq!(answer["result"]["isError"], true, "{answer}");
                assert_eq!(text(&answer), format!("invalid arguments: {problem}"));
            }
            assert_eq!(
                error(server, &call("none", json!({})))["message"],
                "unknown tool `none`"
            );
        },
    );
    // A middleware that lists another schema than the feature does.
    let promise = |wasi: &str| {
        let tools = r#"[{ name = "echo", inputSchema = { type = "object" }, outputSchema = { type = "object" } }]"#;
        let settings = deeds(&[&format!(
            r#"{{ on = "tools/list", does = "answer", answer = {{ tools = {tools} }} }}"#
        )]);
        middleware("validate", "") + &fixture_table(wasi, "promise", &settings)
    };
    everywhere(&["echo"], promise, |server| {
        let broken = error(server, &call("echo", json!({"message": "a"})));
        assert_eq!(broken["code"], -32603);
        assert_eq!(
            broken["message"],
            "tool `echo` answered what its output schema does not allow: there is no structured content"
        );
    });
}

/// Four of one kind: each has settings, and a count, of its own.
#[test]
fn rate_limit_counts_across_instances() {
    let limits = |_: &str| {
        let table = |name: &str, allow: &str, settings: &str| {
            let keys = format!("source = \"rate-limit\"\nallow = [{allow}]\nsettings = {settings}");
            middleware(name, &keys)
        };
        let store = "\"key-value\"";
        [
            table(
                "sessions",
                store,
                r#"{ requests = 1, seconds = 2000000, per = "session", methods = ["ping"] }"#,
            ),
            table("calls", store, "{ requests = 3, seconds = 2000000 }"),
            table(
                "lists",
                store,
                r#"{ requests = 1, seconds = 2000000, methods = ["tools/list"] }"#,
            ),
            table("storeless", "", r#"{ methods = ["prompts/*"] }"#),
        ]
        .concat()
    };
    everywhere(&["echo"], limits, |server| {
        let echo = call("echo", json!({"message": "a"}));
        // A window may end between them, once.
        let outcomes = [0; 8].map(|_| server.send(&echo).message());
        let refused: Vec<&Value> = outcomes
            .iter()
            .filter_map(|answer| answer.get("error"))
            .collect();
        assert!((2..=5).contains(&refused.len()), "{outcomes:?}");
        assert_eq!(refused[0]["code"], 429);
        let message = refused[0]["message"].as_str().unwrap();
        assert!(
            message.starts_with("too many requests: 3 in 2000000 s are allowed"),
            "{message}"
        );
        let wait = refused[0]["data"]["retryAfterMs"].as_u64().unwrap();
        assert!((1..=2_000_000_000).contains(&wait), "{wait}");

        result(server, "tools/list", json!({}));
        let refused = error(server, &modern("tools/list", json!({})));
        let message = refused["message"].as_str().unwrap();
        assert!(message.starts_with("too many requests: 1 in"), "{message}");

        for _ in 0..2 {
            let session = rpc::session(server, json!({}));
            let ping = rpc::legacy(Some(&session), "ping", json!({}));
            let passed = server.send(&ping).message();
            assert_eq!(passed["result"], json!({}), "{passed}");
            assert_eq!(error(server, &ping)["code"], 429);
        }

        // A middleware that may not use the store; behind it, the list is empty.
        let refused = error(server, &modern("prompts/list", json!({})));
        assert_eq!(refused["code"], -32603, "{refused}");
    });
}

#[test]
fn rate_limit_has_the_store_count_where_it_may() {
    for (more, kind) in [("", ":rate:"), (", \"wasi:keyvalue/atomics\"", ":count:")] {
        let chain = |_: &str| {
            format!(
                "[[component.mcp.tool.mcp.middleware]]\nname = \"rate-limit\"\nallow = [\"key-value\"{more}]\n\
                 settings = {{ requests = 20, seconds = 2000000 }}\n\
                 [component.mcp.tool.mcp.features.keyvalue]\nsource = {:?}\nallow = [\"key-value\"]\n",
                fixture("keyvalue")
            )
        };
        everywhere(&[], chain, |server| {
            let listed = server.send(&call("list", json!({}))).message();
            assert!(text(&listed).contains(kind), "{listed}");
            let passed = AtomicU32::new(1);
            thread::scope(|scope| {
                for _ in 0..16 {
                    scope.spawn(|| {
                        for _ in 0..4 {
                            let answer = server.send(&call("list", json!({}))).message();
                            match answer["error"]["code"].as_i64() {
                                Some(code) => assert_eq!(code, 429, "{answer}"),
                                None => drop(passed.fetch_add(1, Ordering::Relaxed)),
                            }
                        }
                    });
                }
            });
            let passed = passed.into_inner();
            assert!(passed >= 20, "{passed}");
            assert!(passed == 20 || kind == ":rate:", "{passed}");
        });
    }
}

#[test]
fn what_not_every_host_has_is_for_those_who_name_it() {
    const OPTIONAL: [&str; 2] = ["wasi:keyvalue/atomics@", "wasi:otel/"];
    for wasi in WASI_BUILDS {
        for (more, expected) in [("", false), (", \"wasi:keyvalue\", \"wasi:otel\"", true)] {
            let tables = ["audit", "rate-limit"]
                .map(|name| middleware(name, &format!("allow = [\"key-value\"{more}]")));
            let app = App {
                wasi,
                features: &["echo"],
                chain: &tables.concat(),
            };
            let dir = tempfile::tempdir().unwrap();
            let output = app.compose(dir.path());
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{told}");
            // Nobody misses what is left out.
            assert!(!told.contains("what is refused"), "{told}");
            let server = fs::read(dir.path().join("mcp.wasm")).unwrap();
            for optional in OPTIONAL {
                let mut imports = World::read(&server).unwrap().imports.into_iter();
                let found = imports.any(|import| import.name.starts_with(optional));
                assert_eq!(found, expected, "{wasi} {optional}");
            }
            // Transport, context, two middleware, router and `echo`: refusals have none.
            assert_eq!(Size::of(&server).unwrap().memories, 6);
        }
    }
}

/// The lines of audit in what a server wrote.
fn lines(server: &Server) -> Vec<Value> {
    let output = server.output();
    let lines = output.lines().filter_map(|line| line.split_once(": {"));
    lines
        .map(|(_, line)| serde_json::from_str(&format!("{{{line}")).unwrap())
        .collect()
}

#[test]
fn audit_writes_a_line_for_each_request() {
    everywhere(
        &["echo", "misbehave"],
        |_| middleware("audit", ""),
        |server| {
            let traced = json!({
                "name": "echo",
                "arguments": {"message": "secret"},
                "_meta": {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"},
            });
            server.send(&modern("tools/call", traced));
            server.send(&call("echo", json!({})));
            server.send(&call("none", json!({})));
            let session = rpc::session(server, json!({}));
            server.send(&rpc::legacy(Some(&session), "ping", json!({})));
            server.wait_for("\"ping\"", Duration::from_secs(5));
            let mut lines = lines(server);
            // `mcp serve` itself asks that.
            lines.retain(|line| line["method"] != "server/discover");
            let told: Vec<String> = lines
                .iter()
                .map(|line| {
                    format!(
                        "{} {} {} {}",
                        line["method"], line["name"], line["outcome"], line["code"]
                    )
                })
                .collect();
            assert_eq!(
                told,
                [
                    r#""tools/call" "echo" "ok" null"#,
                    r#""tools/call" "echo" "tool_error" null"#,
                    r#""tools/call" "none" "error" -32602"#,
                    r#""initialize" null "ok" null"#,
                    r#""ping" null "ok" null"#,
                ]
            );
            assert_eq!(
                lines[0]["traceparent"],
                "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"
            );
            assert_eq!(lines[4]["session"].as_str().map(str::len), Some(16));
            assert!(!server.output().contains("secret") && !server.output().contains(&session));
        },
    );
}

/// `conformance` behind all that is shipped, and a middleware that does nothing.
fn behind_all(wasi: &str) -> PathBuf {
    static COMPOSED: OnceLock<tempfile::TempDir> = OnceLock::new();
    let dir = COMPOSED.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        for wasi in WASI_BUILDS {
            let chain = [
                middleware("audit", ""),
                fixture_table(wasi, "pass", "{}"),
                middleware("filter", ""),
                middleware("validate", ""),
                middleware(
                    "rate-limit",
                    "allow = [\"key-value\"]\nsettings = { requests = 1000 }",
                ),
            ]
            .concat();
            let app = App {
                wasi,
                features: &["conformance"],
                chain: &chain,
            };
            let of_edition = dir.path().join(wasi);
            std::fs::create_dir(&of_edition).unwrap();
            app.composed(&of_edition);
        }
        dir
    });
    dir.path().join(wasi).join("mcp.wasm")
}

/// Makes a claim of its servers, which tests that run at a time share.
fn through_all(claim: impl Fn(&Server, &str)) {
    static SERVERS: [Shared; 2] = [Shared::new(), Shared::new()];
    for (wasi, shared) in WASI_BUILDS.into_iter().zip(&SERVERS) {
        println!("WASI {wasi}");
        let server = shared.get(|| Server::mcp(&behind_all(wasi), &[]));
        claim(&server, wasi);
    }
}

#[test]
fn streams_go_on_through_a_chain() {
    through_all(|server, _| {
        let progress = json!({
            "name": "test_tool_with_progress",
            "arguments": {},
            "_meta": {"progressToken": "p"},
        });
        let session = rpc::session(server, json!({}));
        for request in [
            modern("tools/call", progress.clone()),
            rpc::legacy(Some(&session), "tools/call", progress),
        ] {
            let start = Instant::now();
            let stream = Stream::open(server, &request);
            for (expected, after) in [(0.0, 0), (50.0, 50), (100.0, 100)] {
                let message = stream.message();
                assert_eq!(message["method"], "notifications/progress", "{message}");
                assert_eq!(message["params"]["progress"], expected);
                assert!(start.elapsed() >= Duration::from_millis(after));
            }
            assert_eq!(text(&stream.message()), "reported progress three times");
        }
    });
}

#[test]
fn a_first_notification_does_not_wait_for_the_answer() {
    through_all(|server, wasi| {
        let params = json!({
            "name": "test_tool_with_progress",
            "arguments": {},
            "_meta": {"progressToken": "p"},
        });
        let response = server.send(&modern("tools/call", params));
        let gap = response.arrival("three times") - response.arrival("\"progress\":0");
        // A synchronous tool of the WASI 0.3 build keeps its instance busy.
        assert!(
            wasi == "0.3" || gap >= Duration::from_millis(20),
            "they came together: {:?}",
            response.arrivals
        );
    });
}

#[test]
fn clients_of_both_eras_are_asked_through_a_chain() {
    const TOOL: &str = "test_input_required_result_request_state";
    through_all(|server, _| {
        let elicits = json!({"elicitation": {}});
        let ask = |params: Value| {
            server
                .send(&rpc::modern_with("tools/call", params, elicits.clone()))
                .message()
        };
        let asked = ask(json!({"name": TOOL, "arguments": {}}));
        let result = &asked["result"];
        assert_eq!(result["resultType"], "input_required", "{asked}");
        let state = &result["requestState"];
        assert!(
            !state.as_str().unwrap().contains("asked"),
            "it is not sealed: {state}"
        );
        let accept = json!({"confirm": {"action": "accept", "content": {"ok": true}}});
        let answered = ask(
            json!({"name": TOOL, "arguments": {}, "inputResponses": accept, "requestState": state}),
        );
        assert_eq!(text(&answered), "state-ok");

        let session = rpc::session(server, elicits.clone());
        let request = rpc::legacy(
            Some(&session),
            "tools/call",
            json!({"name": "test_input_required_result_elicitation", "arguments": {}}),
        );
        let stream = Stream::open(server, &request);
        let asked = stream.message();
        assert_eq!(asked["method"], "elicitation/create", "{asked}");
        let name = json!({"result": {"action": "accept", "content": {"name": "Ada"}}});
        server.send(&rpc::reply(&session, &asked["id"], name));
        let answered = stream.message();
        assert!(text(&answered).contains("Ada"), "{answered}");
    });
}

#[test]
fn notifications_pass_all_links_in_order() {
    let chain = |wasi: &str| {
        fixture_table(wasi, "one", r#"{ tell = "one" }"#)
            + &fixture_table(wasi, "two", r#"{ tell = "two" }"#)
    };
    everywhere(&["echo"], chain, |server| {
        rpc::session(server, json!({}));
        server.wait_for("two: notifications/initialized", Duration::from_secs(5));
        let output = server.output();
        let told: Vec<&str> = output
            .lines()
            .filter_map(|line| line.split_once(": one: ").or(line.split_once(": two: ")))
            .map(|(_, method)| method)
            // `mcp serve` itself asks that.
            .filter(|method| *method != "server/discover")
            .collect();
        assert_eq!(
            told[..4],
            [
                "initialize",
                "initialize",
                "notifications/initialized",
                "notifications/initialized"
            ]
        );
        assert!(output.find("one: initialize") < output.find("two: initialize"));
    });
}

#[test]
fn middleware_answers_refuses_and_breaks_for_itself() {
    let hostile = deeds(&[
        r#"{ on = "tools/call", name = "refuse", does = "refuse", code = -32001, data = { a = 1 } }"#,
        // A code that a middleware must not choose.
        r#"{ on = "tools/call", name = "misuse", does = "refuse", code = -32050, data = { a = 1 } }"#,
        r#"{ on = "tools/call", name = "malformed", does = "malformed" }"#,
        r#"{ on = "tools/call", name = "text", does = "text" }"#,
        r#"{ on = "tools/call", name = "nothing", does = "nothing" }"#,
        r#"{ on = "tools/call", name = "much", does = "much" }"#,
        r#"{ on = "tools/call", name = "trap", does = "trap" }"#,
        r#"{ on = "tools/call", name = "loop", does = "loop" }"#,
        r#"{ on = "tools/call", name = "own", does = "answer", answer = { content = [{ type = "text", text = "mine" }] } }"#,
    ]);
    let chain = |wasi: &str| fixture_table(wasi, "hostile", &hostile);
    everywhere(&["echo"], chain, |server| {
        let refused = error(server, &call("refuse", json!({})));
        assert_eq!(
            refused,
            json!({"code": -32001, "message": "refused", "data": {"a": 1}})
        );
        for deed in [
            "misuse",
            "malformed",
            "text",
            "nothing",
            "much",
            "trap",
            "loop",
        ] {
            let broken = error(server, &call(deed, json!({})));
            assert_eq!(broken["code"], -32603, "{deed}: {broken}");
            let echo = call("echo", json!({"message": "hello"}));
            assert_eq!(text(&server.send(&echo).message()), "hello", "after {deed}");
        }
        let own = server.send(&call("own", json!({}))).message();
        assert_eq!(text(&own), "mine");
    });
}

/// The error of compose for a middleware that does this.
fn compose_error(wasi: &str, deed: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let chain = fixture_table(wasi, "hostile", &deeds(&[deed]));
    let app = App {
        wasi,
        features: &["echo"],
        chain: &chain,
    };
    let output = app.compose(dir.path());
    assert!(!output.status.success(), "{deed}");
    assert!(!dir.path().join("mcp.wasm").exists());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn compose_refuses_lists_that_middleware_broke() {
    for (deed, problem) in [
        (
            r#"{ on = "tools/list", does = "malformed" }"#,
            "its answer is not JSON",
        ),
        (
            r#"{ on = "prompts/list", does = "trap" }"#,
            "`prompts/list` failed",
        ),
        (
            r#"{ on = "tools/list", does = "answer", answer = { tools = [{ name = "a", inputSchema = {} }, { name = "a", inputSchema = {} }] } }"#,
            "there are two tools `a`",
        ),
        (
            r#"{ on = "tools/list", does = "answer", answer = { tools = [], nextCursor = "more" } }"#,
            "it gave an empty page with a cursor, so it might never end",
        ),
    ] {
        for wasi in WASI_BUILDS {
            let error = compose_error(wasi, deed);
            let named = "cannot use middleware `hostile`";
            assert!(error.contains(named) && error.contains(problem), "{error}");
        }
    }
}

#[test]
fn compose_does_not_wait_for_middleware_that_never_ends() {
    std::thread::scope(|scope| {
        let errors = WASI_BUILDS.map(|wasi| {
            scope.spawn(move || compose_error(wasi, r#"{ on = "tools/list", does = "loop" }"#))
        });
        for error in errors {
            let error = error.join().unwrap();
            assert!(error.contains("no answer within 10 s"), "{error}");
        }
    });
}

#[test]
fn features_have_settings_of_their_own() {
    // More than is written into the feature.
    let long = "ö".repeat(10_000);
    let tables = |_: &str| {
        let table = |name: &str, settings: &str| {
            let component = fixture("told");
            format!(
                "[component.mcp.tool.mcp.features.{name}]\nsource = {component:?}\n{settings}\n"
            )
        };
        let one =
            r#"settings = { tool = "one", list = [1, 0.5, true, "ü\"\\"], table = { a = {} } }"#;
        let two = r#"settings = { tool = "two" }"#;
        let three = format!("settings = {{ tool = \"three\", long = \"{long}\" }}");
        [
            table("first", one),
            table("second", two),
            table("third", &three),
            table("none", ""),
            middleware("audit", "settings = { arguments = true }"),
        ]
        .concat()
    };
    everywhere(&["echo"], tables, |server| {
        let listed = result(server, "tools/list", json!({}));
        assert_eq!(
            names(&listed["tools"]),
            ["one", "two", "three", "untold", "echo"]
        );
        let one = json!({"tool": "one", "list": [1, 0.5, true, "ü\"\\"], "table": {"a": {}}});
        for (tool, settings) in [
            ("one", one),
            ("two", json!({"tool": "two"})),
            ("three", json!({"tool": "three", "long": long})),
            ("untold", json!({})),
        ] {
            let told = server.send(&call(tool, json!({}))).message();
            let told: Value = serde_json::from_str(text(&told)).unwrap();
            assert_eq!(told, settings);
        }
    });
}

/// Where no part asks about requests, nothing of the framework answers such questions; the ends
/// of the chain know all the same who asks, and in which revision.
#[test]
fn middleware_that_asks_nothing_changes_nothing() {
    for wasi in WASI_BUILDS {
        let dir = tempfile::tempdir().unwrap();
        let [plain, chained] = [String::new(), middleware("filter", "")].map(|chain| {
            let dir = dir.path().join(format!("chain{}", chain.len()));
            fs::create_dir(&dir).unwrap();
            let features = &["echo", "prompts", "lists"];
            App {
                wasi,
                features,
                chain: &chain,
            }
            .composed(&dir)
        });
        let memories = |server| Size::of(&fs::read(server).unwrap()).unwrap().memories;
        // The router, apart from the transport, and the middleware.
        assert_eq!(memories(&chained), memories(&plain) + 2, "{wasi}");
        let [plain, chained] = [plain, chained].map(|server| Server::mcp(&server, &[]));

        let echo = json!({"name": "echo", "arguments": {"message": "a"}});
        let asked = [
            ("server/discover", json!({})),
            ("ping", json!({})),
            ("logging/setLevel", json!({"level": "info"})),
            ("subscriptions/listen", json!({"notifications": {}})),
            ("resources/subscribe", json!({"uri": "test://a"})),
            ("tasks/get", json!({"taskId": "a"})),
            ("tools/list", json!({})),
            ("prompts/list", json!({})),
            ("resources/list", json!({})),
            ("tools/call", echo),
            ("tools/call", json!({"name": "none"})),
            ("resources/read", json!({"uri": "test://none"})),
            ("none", json!({})),
        ];
        let same = |request: &Request| {
            let [expected, answer] = [&plain, &chained].map(|server| server.send(request));
            assert_eq!(answer.status, expected.status, "{}", answer.text());
            // `mcp serve` overwrites the times of caches, with spaces after the digit.
            let [expected, answer] = [expected, answer].map(|of| of.text().replace(' ', ""));
            assert_eq!(answer, expected);
        };
        for (method, params) in &asked {
            same(&modern(method, params.clone()));
            same(&rpc::legacy(None, method, params.clone()));
        }
        for version in ["2025-03-26", "2025-06-18", "2025-11-25", "2024-11-05"] {
            same(&rpc::initialize(version));
        }
        // There is nothing to listen to.
        let listen = json!({"notifications": {"toolsListChanged": true}});
        for server in [&plain, &chained] {
            let answer = server.send(&modern("subscriptions/listen", listen.clone()));
            assert_eq!(answer.events().len(), 2, "{wasi}: it ends at once");
        }
    }
}

/// Settings of a usual size are a part of the feature that reads them.
#[test]
fn settings_take_a_memory_only_if_they_are_long() {
    for wasi in WASI_BUILDS {
        let memories = [100, 20_000].map(|length| {
            let dir = tempfile::tempdir().unwrap();
            let table = format!(
                "[component.mcp.tool.mcp.features.told]\nsource = {:?}\nsettings = {{ long = \"{}\" }}\n",
                fixture("told"),
                "x".repeat(length)
            );
            let app = App {
                wasi,
                features: &[],
                chain: &table,
            };
            Size::of(&fs::read(app.composed(dir.path())).unwrap()).unwrap().memories
        });
        // The server and the feature.
        assert_eq!(memories, [2, 3], "{wasi}");
    }
}

#[test]
fn middleware_that_asks_makes_the_server_keep_state() {
    for wasi in WASI_BUILDS {
        let dir = tempfile::tempdir().unwrap();
        let table = middleware("confirm", &format!("source = {:?}", fixture("confirm")));
        let app = App {
            wasi,
            features: &["echo"],
            chain: &table,
        };
        let output = app.compose(dir.path());
        let note =
            "needs the key-value store `default`: middleware `confirm` asks clients for input";
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(note), "{stderr}");
        let server = Server::mcp(&dir.path().join("mcp.wasm"), &[]);
        let elicits = json!({"elicitation": {}});
        let echo = json!({"name": "echo", "arguments": {"message": "hello"}});

        let session = rpc::session(&server, elicits.clone());
        for (action, outcome) in [("accept", "hello"), ("decline", "the user refused")] {
            let stream = Stream::open(
                &server,
                &rpc::legacy(Some(&session), "tools/call", echo.clone()),
            );
            let asked = stream.message();
            assert_eq!(asked["params"]["message"], "Are you sure?", "{asked}");
            let reply = json!({"result": {"action": action, "content": {}}});
            server.send(&rpc::reply(&session, &asked["id"], reply));
            let answer = stream.message();
            let told = answer["error"]["message"].as_str();
            assert_eq!(told.unwrap_or_else(|| text(&answer)), outcome);
        }

        let ask = |params: Value| {
            let request = rpc::modern_with("tools/call", params, elicits.clone());
            server.send(&request).message()
        };
        let asked = ask(echo.clone());
        let mut again = echo.clone();
        again["inputResponses"] = json!({"sure": {"action": "accept", "content": {}}});
        // A client that was not asked has no state that says so.
        assert_eq!(ask(again.clone())["error"]["message"], "the user refused");
        again["requestState"] = asked["result"]["requestState"].clone();
        assert_eq!(text(&ask(again)), "hello");
    }
}

#[test]
fn stdio_has_the_chain_too() {
    for wasi in WASI_BUILDS {
        let mut stdio = Stdio::legacy(&behind_all(wasi), json!({}));
        stdio.call(1, "test_simple_text");
        assert_eq!(
            text(&stdio.answer(1)),
            "This is a simple text response for testing."
        );
        stdio.request(2, "tools/call", json!({"name": "none"}));
        assert_eq!(stdio.answer(2)["error"]["code"], -32602);
    }
}
