//! A web service on loopback, for tools that send requests to one.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

/// The answer to a request: a status and a body.
type Answer = (u16, String);

pub struct Web {
    address: SocketAddr,
}

impl Web {
    /// Answers each request from its method, path and body, on a connection and a
    /// thread of its own, until the process ends.
    pub fn serve(
        answer: impl Fn(&str, &str, &str) -> Answer + Send + Sync + Clone + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let answer = answer.clone();
                // It does not matter that a client goes away early.
                thread::spawn(move || drop(respond(&connection, answer)));
            }
        });
        Self { address }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn respond(
    mut connection: &TcpStream,
    answer: impl Fn(&str, &str, &str) -> Answer,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        match header.trim().split_once(':') {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().map_err(std::io::Error::other)?;
            }
            Some(_) => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8(body).map_err(std::io::Error::other)?;
    let (status, text) = answer(method, path, &body);
    let length = text.len();
    let head = format!("HTTP/1.1 {status} Answer\r\nConnection: close\r\nContent-Length: {length}");
    connection.write_all(format!("{head}\r\n\r\n{text}").as_bytes())
}
