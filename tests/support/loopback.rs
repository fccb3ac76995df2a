//! A web API on this machine, for tools that ask one.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// Ends with the process of the test.
pub struct Loopback(SocketAddr);

type Answer = fn(&str) -> (u16, &'static str);

impl Loopback {
    /// Answers each path with a status and JSON, once it has waited that long.
    pub fn start(wait: Duration, answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                thread::spawn(move || serve(socket, wait, answer));
            }
        });
        Self(address)
    }

    pub fn host(&self) -> String {
        self.0.to_string()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.0)
    }
}

/// One request without a body, as no tool of the tests sends one.
fn serve(mut socket: TcpStream, wait: Duration, answer: Answer) -> Option<()> {
    let mut head = BufReader::new(socket.try_clone().ok()?).lines();
    let first = head.next()?.ok()?;
    let path = first.split(' ').nth(1)?;
    head.find(|line| line.as_ref().is_ok_and(String::is_empty))?
        .ok()?;
    thread::sleep(wait);
    let (status, json) = answer(path);
    let length = json.len();
    write!(
        socket,
        "HTTP/1.1 {status} \r\ncontent-type: application/json\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{json}"
    )
    .ok()
}
