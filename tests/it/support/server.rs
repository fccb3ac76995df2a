//! A server as a process of its own, ended when the test lets go of it.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak, mpsc};
use std::time::{Duration, Instant};

use super::http::{Request, Response};

/// How long a server may take to compile its component, which may hold a language's engine, and
/// to listen.
const PATIENCE: Duration = Duration::from_secs(180);

pub struct Server {
    child: Child,
    /// It leads a process group of its own, because it has children.
    leads_group: bool,
    address: SocketAddr,
    output: Arc<Mutex<String>>,
}

impl Server {
    /// `mcp serve` with these further arguments.
    pub fn mcp(component: &Path, arguments: &[&str]) -> Self {
        let mut command = super::mcp();
        command
            .arg("serve")
            .arg(component)
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments);
        Self::start(command)
    }

    /// `wasmtime serve` with no permission beyond what it gives by itself and these grants, but
    /// with room for more than 1,000 core instances: of those, a server has about ten.
    pub fn wasmtime(component: &Path, grants: &[&str]) -> Self {
        let mut command = super::wasmtime();
        command
            .args(["serve", "--addr", "127.0.0.1:0"])
            .args(["-O", "pooling-total-core-instances=10000"])
            .args(grants)
            .arg(component);
        Self::start(command)
    }

    /// `spin up` on what `--from` takes: an app's manifest or a component.
    pub fn spin(spin: &Path, from: &Path, state: &Path) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.expect("a free port");
        let mut command = Command::new(spin);
        command
            .args(["up", "--listen", &address.to_string(), "--from"])
            .arg(from);
        command.arg("--state-dir").arg(state);
        Self::group(command, address, PATIENCE)
    }

    /// A command whose children serve at `address`, once it has been that long at most.
    pub fn group(mut command: Command, address: SocketAddr, patience: Duration) -> Self {
        command.process_group(0);
        let (mut server, _) = Self::launch(command);
        server.leads_group = true;
        server.address = address;
        server.listening(patience);
        server
    }

    /// Starts a command, and waits until it listens at the address that it prints.
    pub fn start(command: Command) -> Self {
        let (mut server, said) = Self::launch(command);
        server.address = said
            .recv_timeout(PATIENCE)
            .expect("it says where it listens");
        server.listening(PATIENCE);
        server
    }

    /// Starts a command; the addresses in what it writes arrive in the channel.
    fn launch(mut command: Command) -> (Self, mpsc::Receiver<SocketAddr>) {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        let output = Arc::new(Mutex::new(String::new()));
        let (found, said) = mpsc::channel();
        read(child.stdout.take().expect("piped"), &output, found.clone());
        read(child.stderr.take().expect("piped"), &output, found);
        let unknown = SocketAddr::from(([0; 4], 0));
        (
            Self {
                child,
                leads_group: false,
                address: unknown,
                output,
            },
            said,
        )
    }

    fn listening(&mut self, patience: Duration) {
        let deadline = Instant::now() + patience;
        while TcpStream::connect(self.address).is_err() {
            let ended = self.child.try_wait().expect("its own child");
            assert!(ended.is_none(), "it ended before it listened: {ended:?}");
            assert!(Instant::now() < deadline, "it does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn send(&self, request: &Request) -> Response {
        request.send(self.address)
    }

    /// What it has written so far.
    pub fn output(&self) -> String {
        self.output.lock().expect("no reader panicked").clone()
    }

    /// Waits until it has written this.
    pub fn wait_for(&self, text: &str, patience: Duration) {
        let deadline = Instant::now() + patience;
        while !self.output().contains(text) {
            assert!(Instant::now() < deadline, "it has not written `{text}`");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for its end.
    pub fn wait(&mut self, patience: Duration) -> std::process::ExitStatus {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().expect("its own child") {
                return status;
            }
            assert!(Instant::now() < deadline, "it has not ended");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// One server for all tests that run at a time; it ends with the last of them.
pub struct Shared(Mutex<Weak<Server>>);

impl Shared {
    pub const fn new() -> Self {
        Self(Mutex::new(Weak::new()))
    }

    /// The server, which is started if no test holds it.
    pub fn get(&self, start: impl FnOnce() -> Server) -> Arc<Server> {
        let mut shared = self.0.lock().expect("the server started");
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(start());
            *shared = Arc::downgrade(&server);
            server
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.leads_group {
            let group = format!("-{}", self.child.id());
            let _ = Command::new("kill").args(["--", &group]).status();
        } else {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!(
                "--- output of the server at {}\n{}",
                self.address,
                self.output()
            );
        }
    }
}

/// Keeps what a stream says, and sends the first address in it.
fn read(
    stream: impl Read + Send + 'static,
    output: &Arc<Mutex<String>>,
    found: mpsc::Sender<SocketAddr>,
) {
    let output = Arc::clone(output);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let address = line.split_once("http://").map(|(_, rest)| rest);
            if let Some(address) =
                address.and_then(|rest| rest.split(['/', ' ']).next()?.parse().ok())
            {
                let _ = found.send(address);
            }
            let mut output = output.lock().expect("no reader panicked");
            output.push_str(&line);
            output.push('\n');
        }
    });
}
