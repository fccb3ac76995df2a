//! `mcp serve`: how long a stream lasts, and how its end reaches both sides, in both WASI builds.
//! The servers are plain HTTP handlers: the host passes on what it does not know.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use crate::support::{Request, Server, fixture};

fn everywhere(arguments: &[&str], claim: impl Fn(&Server)) {
    for handler in ["ticks-0_2", "ticks-0_3"] {
        claim(&Server::mcp(&fixture(handler), arguments));
    }
}

fn request(method: &str, path: &str) -> Request {
    let mut request = Request::post("");
    request.method = method.into();
    request.path = path.into();
    request
}

#[test]
fn a_stream_lasts_as_long_as_it_is_sent() {
    everywhere(&["--timeout", "1"], |server| {
        let response = server.send(&request("GET", "/mcp?6-500"));
        assert!(response.complete);
        assert_eq!(
            response.text(),
            ": 1\n\n: 2\n\n: 3\n\n: 4\n\n: 5\n\n: 6\n\n"
        );
        // It came when it was sent: the rest follows for 2.5 s.
        let [(_, first), .., (_, last)] = response.arrivals[..] else {
            panic!("all came together");
        };
        assert!(last - first >= Duration::from_secs(2), "{first:?} {last:?}");
    });
}

#[test]
fn a_stream_that_stands_still_is_ended() {
    everywhere(&["--timeout", "1"], |server| {
        let response = server.send(&request("GET", "/mcp?3-20000"));
        assert_eq!(response.text(), ": 1\n\n");
    });
}

#[test]
fn a_client_that_leaves_ends_the_stream() {
    everywhere(&["--timeout", "20"], |server| {
        let mut socket = TcpStream::connect(server.address()).unwrap();
        let head = format!(
            "GET /mcp?1000-100 HTTP/1.1\r\nHost: {}\r\n\r\n",
            server.address()
        );
        socket.write_all(head.as_bytes()).unwrap();
        let mut read = Vec::new();
        while !read.ends_with(b": 2\n\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte).unwrap();
            read.extend(byte);
        }
        drop(socket);
        server.wait_for("nobody reads", Duration::from_secs(5));
    });
}

#[test]
fn each_method_reaches_the_component() {
    everywhere(&[], |server| {
        for (method, name) in [
            ("GET", "Get"),
            ("POST", "Post"),
            ("DELETE", "Delete"),
            ("OPTIONS", "Options"),
        ] {
            let response = server.send(&request(method, "/mcp"));
            assert_eq!(response.status, 200);
            assert!(response.text().contains(name), "{}", response.text());
        }
    });
}
