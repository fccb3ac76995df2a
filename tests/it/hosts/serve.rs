//! `mcp serve`: what goes wrong in one request stays there, in both WASI builds.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    path::PathBuf,
    process::{Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use crate::support::{
    self, Request, Response, Server, compose, fixture, mcp,
    rpc::{call, modern, text},
};
use serde_json::{Value, json};

const WASI_BUILDS: [&str; 2] = ["0.2", "0.3"];

/// A server of the features `echo` and `misbehave`.
fn component(wasi: &str) -> PathBuf {
    static COMPOSED: OnceLock<tempfile::TempDir> = OnceLock::new();
    let dir = COMPOSED.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let features = [fixture("echo"), fixture("misbehave")];
        for wasi in WASI_BUILDS {
            compose(dir.path(), wasi, &features);
        }
        dir
    });
    dir.path().join(format!("server-{wasi}.wasm"))
}

fn serve(wasi: &str, arguments: &[&str]) -> Server {
    Server::mcp(&component(wasi), arguments)
}

fn echo(server: &Server, message: &str) -> Response {
    server.send(&call("echo", json!({ "message": message })))
}

fn assert_well(server: &Server) {
    let response = echo(server, "well");
    assert_eq!(text(&response.message()), "well");
}

fn assert_error(response: &Response, status: u16, message: &str) {
    let error = response.json();
    assert_eq!(response.status, status, "{error}");
    assert_eq!(response.header("content-type"), Some("application/json"));
    let expected = json!({
        "jsonrpc": "2.0",
        "id": 1,
        "error": { "code": -32603, "message": message },
    });
    assert_eq!(error, expected);
}

/// Sends all of them at the same time.
fn at_once(server: &Server, requests: Vec<Request>) -> Vec<Response> {
    std::thread::scope(|scope| {
        let senders: Vec<_> = requests
            .iter()
            .map(|request| {
                std::thread::Builder::new()
                    .stack_size(256 << 10)
                    .spawn_scoped(scope, move || server.send(request))
                    .expect("a thread")
            })
            .collect();
        senders
            .into_iter()
            .map(|sender| sender.join().expect("an answer"))
            .collect()
    })
}

#[test]
fn a_trap_ends_its_request_only() {
    for wasi in WASI_BUILDS {
        let server = serve(wasi, &[]);
        for _ in 0..3 {
            for trap in [
                call("trap", json!({})),
                call("deep", json!({ "levels": 2_000 })),
            ] {
                let message = "the server component trapped while handling this request";
                assert_error(&server.send(&trap), 500, message);
                assert_well(&server);
            }
        }
        let shallow = server.send(&call("deep", json!({ "levels": 200 })));
        assert_eq!(text(&shallow.message()), "200 levels deep");
        for trap in [
            "wasm `unreachable` instruction executed",
            // The stack of 64 KB is at the start of the memory, so what overflows it is outside.
            "out of bounds memory access",
        ] {
            assert_said(&server, &format!("wasm trap: {trap}\n"));
        }
    }
}

#[test]
fn a_tool_that_never_returns_is_ended() {
    for wasi in WASI_BUILDS {
        let server = serve(wasi, &["--timeout", "2"]);
        std::thread::scope(|scope| {
            let loops: Vec<_> = (0..3)
                .map(|_| scope.spawn(|| server.send(&call("spin", json!({})))))
                .collect();
            std::thread::sleep(Duration::from_millis(300));
            assert_well(&server);
            let looping = loops.iter().all(|looping| !looping.is_finished());
            assert!(looping, "it answered once the loops had ended");
            for response in loops
                .into_iter()
                .map(|looping| looping.join().expect("an answer"))
            {
                assert_error(&response, 504, "the request took longer than 2 s");
            }
        });
        assert_idle(&server);
    }
}

/// It takes no processor time any more: what was ended has ended.
fn assert_idle(server: &Server) {
    let ticks = || -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.pid()));
        let Ok(stat) = stat else { return 0 };
        let fields = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace();
        fields
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum()
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let before = ticks();
        std::thread::sleep(Duration::from_millis(500));
        // A tick is 10 ms; one guest that loops would take 50 of them.
        if ticks() - before < 15 {
            return;
        }
        assert!(Instant::now() < deadline, "a guest still computes");
    }
}

#[test]
fn a_tool_that_waits_too_long_is_ended() {
    for wasi in WASI_BUILDS {
        let server = serve(wasi, &["--timeout", "1"]);
        let response = server.send(&call("sleep", json!({ "ms": 60_000 })));
        assert_error(&response, 504, "the request took longer than 1 s");
        assert_well(&server);
    }
}

#[test]
fn tools_that_block_do_not_keep_others_waiting() {
    for wasi in WASI_BUILDS {
        let server = serve(wasi, &[]);
        let sleepers = (0..100)
            .map(|_| call("sleep", json!({ "ms": 1500 })))
            .collect();
        std::thread::scope(|scope| {
            let slept = scope.spawn(|| at_once(&server, sleepers));
            std::thread::sleep(Duration::from_millis(500));
            assert_well(&server);
            assert!(!slept.is_finished(), "it answered once all had slept");
            for response in slept.join().expect("answers") {
                assert_eq!(text(&response.message()), "slept 1500 ms");
            }
        });
    }
}

#[test]
fn a_thousand_calls_at_once_are_answered() {
    for wasi in WASI_BUILDS {
        let server = serve(wasi, &[]);
        let calls = (0..1000)
            .map(|n| call("echo", json!({ "message": n.to_string() })))
            .collect();
        for (n, response) in at_once(&server, calls).iter().enumerate() {
            assert_eq!(text(&response.message()), n.to_string());
        }
    }
}

#[test]
fn an_answer_that_is_too_large_is_an_error() {
    for wasi in WASI_BUILDS {
        let server = serve(wasi, &[]);
        let size = 20_000_000;
        let response = server.send(&call("big", json!({ "bytes": size })));
        assert_eq!(
            response.message()["error"]["code"],
            -32603,
            "{}",
            response.status
        );
        let size = 10_000_000;
        let response = server.send(&call("big", json!({ "bytes": size })));
        assert_eq!(text(&response.message()).len(), size);
    }
}

#[test]
fn a_tool_gets_no_more_memory_than_there_is_for_it() {
    for wasi in WASI_BUILDS {
        let server = serve(wasi, &[]);
        let response = server.send(&call("eat", json!({ "bytes": 2_000_000_000 })));
        assert_error(
            &response,
            500,
            "the server component trapped while handling this request",
        );
        assert_well(&server);
    }
}

#[test]
fn bodies_of_any_size_are_read_whole() {
    for wasi in WASI_BUILDS {
        let server = serve(wasi, &[]);
        for size in [0, 4095, 4096, 4097, 1 << 20] {
            let empty = call("echo", json!({ "message": "" })).body.len();
            // The body, not the message, has this size where it can.
            let message = "x".repeat(usize::saturating_sub(size, empty));
            assert_eq!(text(&echo(&server, &message).message()), message);
        }
        let nothing = server.send(&Request::post(""));
        assert_eq!(nothing.status, 400);
        let response = echo(&server, &"x".repeat(5 << 20));
        assert_eq!(response.status, 413, "{}", response.text());
        assert_well(&server);
    }
}

#[test]
fn only_this_machine_is_answered_on_loopback() {
    let server = serve("0.2", &[]);
    let ping = || modern("tools/list", json!({}));
    let port = server.address().port();
    for host in ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"] {
        for host in [host.to_string(), format!("{host}:{port}")] {
            assert_eq!(
                server.send(&ping().set("Host", &host)).status,
                200,
                "{host}"
            );
        }
    }
    for host in [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "10.0.0.1",
    ] {
        let response = server.send(&ping().set("Host", host));
        assert_eq!(response.status, 403, "{host}");
        let error = response.json();
        assert!(
            error["error"]["message"]
                .as_str()
                .is_some_and(|m| m.contains(host)),
            "{error}"
        );
        assert_eq!(error.get("id"), None);
    }
    let twice = server.send(
        &ping()
            .header("Host", "localhost")
            .header("Host", "localhost"),
    );
    assert_eq!(twice.status, 400);
}

#[test]
fn other_paths_lead_to_the_right_one() {
    let server = serve("0.2", &[]);
    let at = |path: &str| {
        let mut request = modern("tools/list", json!({}));
        request.path = path.into();
        server.send(&request)
    };
    for path in ["/mcp2", "/sse", "/.well-known/oauth-protected-resource"] {
        let response = at(path);
        assert_eq!(response.status, 404, "{path}");
        let message = format!("`{path}` is not found; the MCP endpoint is `/mcp`");
        assert_eq!(response.json()["error"]["message"], message);
    }
    let response = at("/mcp/");
    assert_eq!(response.json()["result"]["ttlMs"], 0, "it is not cached");
    assert_eq!(response.header("keep-alive"), Some("timeout=300"));
}

#[test]
fn it_says_where_it_is_and_ends_when_told() {
    for signal in ["INT", "TERM"] {
        let mut server = serve("0.2", &[]);
        let url = format!("http://{}/mcp", server.address());
        for line in [
            format!("Serving server-0.2 at {url}\n"),
            format!(
                "Add it to a client, for example: claude mcp add --transport http server-0.2 {url}\n"
            ),
        ] {
            assert_said(&server, &line);
        }
        let sleeping = call("sleep", json!({ "ms": 700 }));
        std::thread::scope(|scope| {
            let slept = scope.spawn(|| server.send(&sleeping));
            std::thread::sleep(Duration::from_millis(300));
            interrupt(&server, signal);
            assert_eq!(
                text(&slept.join().expect("an answer").message()),
                "slept 700 ms"
            );
        });
        assert!(server.wait(Duration::from_secs(5)).success());
    }
}

#[test]
fn a_loop_does_not_keep_it_from_ending() {
    for wasi in WASI_BUILDS {
        let mut server = serve(wasi, &[]);
        std::thread::scope(|scope| {
            let looping = scope.spawn(|| call("spin", json!({})).try_send(server.address()));
            std::thread::sleep(Duration::from_millis(300));
            interrupt(&server, "INT");
            assert!(looping.join().expect("no panic").is_err());
        });
        assert!(server.wait(Duration::from_secs(5)).success());
    }
}

fn interrupt(server: &Server, signal: &str) {
    let mut kill = Command::new("kill");
    kill.args(["-s", signal, &server.pid().to_string()]);
    support::expect_success(&mut kill);
}

/// It says so within a moment.
fn assert_said(server: &Server, line: &str) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !server.output().contains(line) {
        assert!(
            Instant::now() < deadline,
            "no `{line}` in {}",
            server.output()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_port_in_use_is_named_with_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = mcp()
        .arg("serve")
        .arg(component("0.2"))
        .args(["--listen", &address])
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        error.starts_with(&format!(
            "error: cannot listen on `{address}`; choose another port with `--listen`"
        )),
        "{error}"
    );
}

#[test]
fn what_is_no_server_is_told_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    for (path, expected) in [
        (
            fixture("echo"),
            "is a feature, not a server: it exports `spin-mcp:server/tools@0.1.0`",
        ),
        (
            file("core.wasm", b"\0asm\x01\0\0\0"),
            "is a core module, not a server",
        ),
        (
            file("empty.wasm", b"\0asm\x0d\0\x01\0"),
            "is not an MCP server: it exports nothing",
        ),
        (
            file("text.wasm", b"hello"),
            "is not a WebAssembly component",
        ),
        (dir.path().join("none.wasm"), "cannot read `"),
    ] {
        let output = mcp()
            .arg("serve")
            .arg(&path)
            .args(["--listen", "127.0.0.1:0"])
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && error.contains(expected),
            "{}: {error}",
            path.display()
        );
    }
}

#[test]
fn stdio_answers_line_by_line_until_stdin_ends() {
    for wasi in WASI_BUILDS {
        let mut child = mcp()
            .arg("serve")
            .arg(component(wasi))
            .arg("--stdio")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        for message in ["one", "two"] {
            let body = call("echo", json!({ "message": message })).body;
            stdin.write_all(&body).unwrap();
            stdin.write_all(b"\n").unwrap();
        }
        drop(stdin);
        let mut stdout = String::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut stdout)
            .unwrap();
        let answers: Vec<Value> = stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let mut texts: Vec<_> = answers.iter().map(text).collect();
        texts.sort();
        assert_eq!(texts, ["one", "two"]);
        assert!(child.wait().unwrap().success());
    }
}

/// A server on stdio, whose calls have a second to compute.
fn on_stdio(
    wasi: &str,
) -> (
    std::process::Child,
    impl FnMut(u32, &str, Value),
    impl FnMut() -> Value,
) {
    let mut child = mcp()
        .arg("serve")
        .arg(component(wasi))
        .args(["--stdio", "--timeout", "1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let send = move |id: u32, method: &str, params: Value| {
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        stdin.write_all(format!("{message}\n").as_bytes()).unwrap();
    };
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let answer = move || serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    (child, send, answer)
}

#[test]
fn what_fails_on_stdio_fails_alone() {
    for wasi in WASI_BUILDS {
        let (mut child, mut send, mut answer) = on_stdio(wasi);
        let initialize = json!({"protocolVersion": "2025-06-18", "capabilities": {}});
        send(0, "initialize", initialize);
        assert_eq!(answer()["result"]["protocolVersion"], "2025-06-18");
        for (id, tool, problem) in [
            (1, "trap", "the server component trapped"),
            (2, "spin", "a tool computed for longer than 1 s"),
        ] {
            send(id, "tools/call", json!({"name": tool, "arguments": {}}));
            let failed = answer();
            assert_eq!(
                (&failed["id"], &failed["error"]["code"]),
                (&json!(id), &json!(-32603))
            );
            let message = failed["error"]["message"].as_str().unwrap();
            assert!(message.contains(problem), "{message}");
            let echo = json!({"name": "echo", "arguments": {"message": "still here"}});
            send(10 + id, "tools/call", echo);
            let well = answer();
            assert_eq!(well["id"], 10 + id, "the handshake was answered once");
            assert_eq!(text(&well), "still here");
        }
        drop(send);
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn a_busy_server_on_stdio_is_alive_and_ends_with_its_client() {
    for wasi in WASI_BUILDS {
        let (mut child, mut send, mut answer) = on_stdio(wasi);
        send(
            1,
            "tools/call",
            json!({"name": "sleep", "arguments": {"ms": 60_000}}),
        );
        std::thread::sleep(Duration::from_secs(2));
        send(2, "ping", json!({}));
        assert_eq!(answer(), json!({"jsonrpc": "2.0", "id": 2, "result": {}}));
        let since = Instant::now();
        drop(send);
        child.wait().unwrap();
        assert!(since.elapsed() < Duration::from_secs(15));
    }
}
