//! A registry for OCI images on loopback, and a proxy before it that misbehaves.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::expect_success;

/// The account of a registry that requires a login, and its line in `htpasswd`.
pub const USER: &str = "ada";
pub const PASSWORD: &str = "secret";
const HASH: &str = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";

/// Debian's `docker-registry`, and a user with a home folder who uses it.
pub struct Registry {
    child: Child,
    address: SocketAddr,
    dir: tempfile::TempDir,
}

impl Registry {
    pub fn start() -> Self {
        Self::with("")
    }

    /// A registry that accepts only `USER`.
    pub fn private() -> Self {
        Self::with("auth:\n  htpasswd:\n    realm: test\n    path: DIR/htpasswd\n")
    }

    fn with(settings: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.expect("a free port");
        std::fs::write(dir.path().join("htpasswd"), format!("{USER}:{HASH}\n")).expect("a file");
        let shown = dir.path().display();
        let config = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  delete:\n    enabled: true\n  filesystem:\n    \
             rootdirectory: {shown}/images\nhttp:\n  addr: {address}\n{}",
            settings.replace("DIR", &shown.to_string())
        );
        std::fs::write(dir.path().join("config.yml"), config).expect("a file");
        let child = Command::new(super::provided("docker-registry").expect("the test has asked"))
            .arg("serve")
            .arg(dir.path().join("config.yml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the registry can be started");
        let registry = Self {
            child,
            address,
            dir,
        };
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "it does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        registry
    }

    /// `HOST:PORT/NAME`.
    pub fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The user's home, which is empty at first.
    pub fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// A command of the plugin, in the user's name.
    pub fn mcp(&self, dir: &Path, arguments: &[&str]) -> Command {
        let home = self.home();
        std::fs::create_dir_all(&home).expect("a folder");
        let mut command = super::mcp();
        command
            .current_dir(dir)
            .args(arguments)
            .env("HOME", &home)
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env_remove("DOCKER_CONFIG")
            .env_remove("REGISTRY_AUTH_FILE")
            .env_remove("XDG_RUNTIME_DIR");
        command
    }

    pub fn push(&self, name: &str, component: &Path) -> String {
        let file = component.to_str().expect("UTF-8");
        let image = self.image(name);
        let output = expect_success(&mut self.mcp(Path::new("."), &["push", &image, file]));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        text.lines().last().expect("a digest").to_owned()
    }

    /// Forgets what was pulled.
    pub fn clear_cache(&self) {
        let _ = std::fs::remove_dir_all(self.home().join("cache"));
    }

    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// A request of HTTP, and the body of the answer.
    pub fn http(&self, request: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        let length = body.len();
        let head = format!(
            "{request}\r\nHost: {}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n",
            self.address
        );
        stream.write_all(head.as_bytes()).expect("it reads");
        stream.write_all(body.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("text");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
        body.to_owned()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What an answer becomes on the way: the head of the request, the answer's head and its body.
pub type Fault = fn(&str, String, Vec<u8>) -> Option<(String, Vec<u8>)>;

/// A proxy before a registry. It ends with the test's process.
pub fn proxy(registry: &Registry, fault: Fault) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let upstream = registry.address();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || pass(stream, upstream, fault));
        }
    });
    address
}

fn pass(mut client: TcpStream, upstream: SocketAddr, fault: Fault) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut server = TcpStream::connect(upstream)?;
    server.write_all(
        head.replacen("\r\n", "\r\nConnection: close\r\n", 1)
            .as_bytes(),
    )?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.expect("a head") + 2;
    let body = answer.split_off(end + 2);
    answer.truncate(end);
    let answer = String::from_utf8(answer).expect("a head");
    if let Some((answer, body)) = fault(&head, answer, body) {
        client.write_all(answer.as_bytes())?;
        client.write_all(b"Connection: close\r\n\r\n")?;
        client.write_all(&body)?;
        client.shutdown(std::net::Shutdown::Write)?;
        // Unread bytes would reset the connection.
        let _ = client.read_to_end(&mut Vec::new());
    }
    Ok(())
}

/// What a command that failed wrote to stderr.
pub fn failure(command: &mut Command) -> String {
    let Output {
        status,
        stderr,
        stdout,
    } = command.output().expect("it can be run");
    assert!(
        !status.success(),
        "{command:?} succeeded: {}",
        String::from_utf8_lossy(&stdout)
    );
    String::from_utf8(stderr).expect("UTF-8")
}
