//! Nodes that serve one server and share its store. A node that is dropped is dead at once.

use std::{
    any::Any,
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::Command,
    sync::Arc,
    time::Duration,
};

use spin_mcp_runner::{RunOptions, Runner, Stores, listen};
use tokio::runtime::Runtime;

use super::{Server, tools};

/// How long a node may take to listen.
const PATIENCE: Duration = Duration::from_secs(180);

pub struct Node {
    pub address: SocketAddr,
    _alive: Box<dyn Any>,
}

/// The runtime of a node: without it, nothing of the node goes on.
struct Killed(Option<Runtime>);

impl Drop for Killed {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Nodes of `mcp serve`, within this process.
pub fn of_mcp(component: &Path, count: usize, stores: &Arc<Stores>) -> Vec<Node> {
    let start = |_| {
        let options = RunOptions {
            stores: stores.clone(),
            ..RunOptions::default()
        };
        let runner = Runner::load(component, options).expect("a server");
        let runtime = Runtime::new().expect("a runtime");
        let address = "127.0.0.1:0".parse().expect("an address");
        let listener = runtime.block_on(async { listen(address) });
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address");
        runtime.spawn(async move { runner.serve(listener, std::future::pending()).await });
        Node {
            address,
            _alive: Box::new(Killed(Some(runtime))),
        }
    };
    (0..count).map(start).collect()
}

/// Nodes of Spin, whose store is this Redis.
pub fn of_spin(spin: &Path, component: &Path, count: usize, redis: &Node, dir: &Path) -> Vec<Node> {
    let manifest = format!(
        "spin_manifest_version = 2\n[application]\nname = \"fleet\"\nversion = \"0.1.0\"\n\
         [[trigger.http]]\nroute = \"/mcp\"\ncomponent = \"mcp\"\n\
         [component.mcp]\nsource = {component:?}\nkey_value_stores = [\"default\"]\n"
    );
    let store = format!(
        "[key_value_store.default]\ntype = \"redis\"\nurl = \"redis://{}\"\n",
        redis.address
    );
    let (app, config) = (dir.join("spin.toml"), dir.join("runtime.toml"));
    fs::write(&app, manifest).expect("a folder");
    fs::write(&config, store).expect("a folder");
    let start = |_| {
        let address = free();
        let mut command = Command::new(spin);
        command
            .args(["up", "--listen", &address.to_string(), "--from"])
            .arg(&app)
            .arg("--runtime-config-file")
            .arg(&config);
        let server = Server::group(command, address, PATIENCE);
        Node {
            address,
            _alive: Box::new(server),
        }
    };
    (0..count).map(start).collect()
}

/// A Redis without the command that lists all keys. None: there is none.
pub fn redis(part: &str) -> Option<Node> {
    let redis = tools::redis(part)?;
    let address = free();
    let mut command = Command::new(redis);
    command.args(["--port", &address.port().to_string()]).args([
        "--save",
        "",
        "--rename-command",
        "KEYS",
        "",
    ]);
    let server = Server::group(command, address, PATIENCE);
    Some(Node {
        address,
        _alive: Box::new(server),
    })
}

fn free() -> SocketAddr {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    free.expect("a free port")
}
