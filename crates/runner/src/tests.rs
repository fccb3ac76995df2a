//! Runs small servers, with time limits that suit a unit test.

use std::time::Instant;

use http_body_util::BodyExt as _;
use hyper::{Request, StatusCode, body::Bytes};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::sleep,
};

use super::*;

const SHORT: Duration = Duration::from_millis(200);

/// A looping guest, which only a limit ends.
const LOOP: &str = "(loop (br 0))";

/// A server of WASI 0.2 whose handler has this core function body.
pub(super) fn runner(body: &str, options: RunOptions) -> Runner {
    let component = wat::parse_str(format!(
        r#"(component
            (import "wasi:http/types@0.2.0" (instance $types
                (export "incoming-request" (type (sub resource)))
                (export "response-outparam" (type (sub resource)))))
            (alias export $types "incoming-request" (type $request))
            (alias export $types "response-outparam" (type $response))
            (core module $module (func (export "handle") (param i32 i32) {body}))
            (core instance $core (instantiate $module))
            (func $handle (param "request" (own $request)) (param "response-out" (own $response))
                (canon lift (core func $core "handle")))
            (instance $handler (export "handle" (func $handle)))
            (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))"#
    ));
    Runner::compile("a.wasm", &component.unwrap(), options).unwrap()
}

async fn answer(runner: &Runner) -> (StatusCode, String) {
    let request = Request::post(PATH).body(Bytes::from_static(b"{}")).unwrap();
    let response = runner.request(request).await;
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.into()).unwrap())
}

#[tokio::test]
async fn a_guest_that_fails_is_an_error_with_a_reason() {
    let options = RunOptions {
        timeout: SHORT,
        ..RunOptions::default()
    };
    for (body, status, message) in [
        ("unreachable", 500, "trapped while handling this request"),
        ("", 500, "did not answer this request"),
        (LOOP, 504, "took longer than"),
    ] {
        let (found, text) = answer(&runner(body, options.clone())).await;
        assert_eq!(found.as_u16(), status, "{text}");
        assert!(text.contains(message), "{text}");
    }
}

#[tokio::test]
async fn a_client_without_a_request_is_disconnected() {
    let options = RunOptions {
        head_timeout: SHORT,
        ..RunOptions::default()
    };
    let runner = runner("", options);
    let listener = listen(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let client = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"POST /mcp HT").await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
    };
    let started = Instant::now();
    runner.serve(listener, client).await.unwrap();
    assert!(started.elapsed() >= SHORT);
}

#[tokio::test]
async fn shutdown_does_not_wait_for_a_looping_guest() {
    let options = RunOptions {
        shutdown_grace: SHORT,
        ..RunOptions::default()
    };
    let timeout = options.timeout;
    let runner = runner(LOOP, options);
    let listener = listen(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}";
    stream.write_all(request).await.unwrap();
    let started = Instant::now();
    runner.serve(listener, sleep(SHORT)).await.unwrap();
    assert!(started.elapsed() >= 2 * SHORT);
    assert!(started.elapsed() < timeout);
}

/// The error for a server with this import and an empty instance as its export.
fn error(import: &str, export: &str) -> String {
    let component = wat::parse_str(format!(
        r#"(component
            (import "{import}" (instance (export "f" (func (param "x" u32)))))
            (component $nothing)
            (instance $nothing (instantiate $nothing))
            (export "{export}" (instance $nothing)))"#
    ));
    match Runner::compile("a.wasm", &component.unwrap(), RunOptions::default()) {
        Ok(_) => panic!("`{import}` is provided"),
        Err(error) => format!("{error:#}"),
    }
}

#[test]
fn a_missing_import_is_named() {
    let error = error("acme:shop/cart@1.0.0", "wasi:http/incoming-handler@0.2.0");
    assert!(error.contains("cannot run `a.wasm`"), "{error}");
    assert!(error.contains("`acme:shop/cart@1.0.0`"), "{error}");
}

#[test]
fn a_component_without_the_right_exports_is_refused() {
    let error = error("acme:shop/cart@1.0.0", "acme:shop/till@1.0.0");
    assert!(error.contains("is not an MCP server"), "{error}");
    assert!(error.contains("`acme:shop/till@1.0.0`"), "{error}");
}
