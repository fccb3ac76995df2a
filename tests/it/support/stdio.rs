//! A server as a child of the client, which speaks with it on stdin and stdout.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio as Pipe};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::rpc;

/// How long a server may take until its next message.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Stdio {
    child: Child,
    stdin: Option<ChildStdin>,
    messages: Receiver<Value>,
    /// Messages that came before the one that the test waited for.
    early: Vec<Value>,
}

impl Stdio {
    /// `mcp serve --stdio`.
    pub fn mcp(component: &Path) -> Self {
        Self::mcp_with(component, &[])
    }

    /// The same, with more options.
    pub fn mcp_with(component: &Path, options: &[&str]) -> Self {
        let mut command = super::mcp();
        command.arg("serve").arg(component).args(options);
        Self::start(command)
    }

    /// `mcp serve --docs --stdio` in a folder.
    pub fn docs(folder: &Path) -> Self {
        let mut command = super::mcp();
        command.args(["serve", "--docs"]).current_dir(folder);
        Self::start(command)
    }

    fn start(mut command: Command) -> Self {
        let mut child = command
            .arg("--stdio")
            .stdin(Pipe::piped())
            .stdout(Pipe::piped())
            .spawn()
            .expect("the command can be run");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (found, messages) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines() {
                let line = line.expect("lines in UTF-8");
                // No test expects a line that is not a message.
                let message = serde_json::from_str::<Value>(&line);
                let message = message
                    .ok()
                    .filter(|message| message["jsonrpc"] == "2.0")
                    .unwrap_or_else(|| json!({"no message": line}));
                if found.send(message).is_err() {
                    return;
                }
            }
        });
        Self {
            stdin: child.stdin.take(),
            child,
            messages,
            early: Vec::new(),
        }
    }

    /// The same, after the handshake of a client of 2025-11-25 with these capabilities.
    pub fn legacy(component: &Path, capabilities: Value) -> Self {
        let mut server = Self::mcp(component);
        server.request(0, "initialize", rpc::client(rpc::LEGACY, capabilities));
        let opened = server.answer(0);
        assert_eq!(opened["result"]["protocolVersion"], rpc::LEGACY, "{opened}");
        server.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        server
    }

    pub fn send(&mut self, message: &Value) {
        self.write(&format!("{message}\n"));
    }

    pub fn write(&mut self, bytes: &str) {
        let stdin = self.stdin.as_mut().expect("it was not closed");
        stdin.write_all(bytes.as_bytes()).expect("the server reads");
    }

    pub fn request(&mut self, id: u32, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
    }

    /// Calls a tool without arguments.
    pub fn call(&mut self, id: u32, tool: &str) {
        self.request(id, "tools/call", json!({"name": tool, "arguments": {}}));
    }

    /// A request of revision 2026-07-28.
    pub fn modern(&mut self, id: u32, method: &str, params: Value, capabilities: Value) {
        let body = rpc::modern_with(method, params, capabilities).body;
        let mut message: Value = serde_json::from_slice(&body).expect("its own JSON");
        message["id"] = json!(id);
        self.send(&message);
    }

    pub fn cancel(&mut self, id: u32) {
        let params = json!({"requestId": id, "reason": "not needed any more"});
        self.send(
            &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}),
        );
    }

    /// The first message that fits, of those that no test has seen.
    pub fn next(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.early.iter().position(&fits) {
            return self.early.remove(at);
        }
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.messages.recv_timeout(left) {
                Ok(message) if fits(&message) => return message,
                Ok(message) => self.early.push(message),
                Err(error) => panic!("it did not come ({error}); before: {:?}", self.early),
            }
        }
    }

    /// The answer to the request of this id.
    pub fn answer(&mut self, id: u32) -> Value {
        self.next(|message| message["id"] == id && message.get("method").is_none())
    }

    /// The next message of this method.
    pub fn message(&mut self, method: &str) -> Value {
        self.next(|message| message["method"] == method)
    }

    /// The messages that no test has seen, after this time.
    pub fn unseen(&mut self, wait: Duration) -> Vec<Value> {
        let until = Instant::now() + wait;
        while let Ok(message) = self
            .messages
            .recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            self.early.push(message);
        }
        std::mem::take(&mut self.early)
    }

    /// Ends stdin; returns how the server ended, and what it wrote meanwhile.
    pub fn close(mut self) -> (ExitStatus, Vec<Value>) {
        drop(self.stdin.take());
        let mut messages = std::mem::take(&mut self.early);
        loop {
            match self.messages.recv_timeout(PATIENCE) {
                Ok(message) => messages.push(message),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end"),
            }
        }
        let status = self.child.wait().expect("its own child");
        (status, messages)
    }
}

impl Drop for Stdio {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
