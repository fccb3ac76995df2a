//! A server that keeps state: of the features `conformance` and `changes`, in both WASI builds.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::{Server, Shared, expect_success, fixture, mcp};

pub const WASI_BUILDS: [&str; 2] = ["0.2", "0.3"];

/// The component; the lists of `changes` are dynamic.
pub fn component(wasi: &str) -> PathBuf {
    static COMPOSED: OnceLock<tempfile::TempDir> = OnceLock::new();
    let dir = COMPOSED.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for wasi in WASI_BUILDS {
            let mut command = mcp();
            command
                .args(["compose", "--dynamic", "changes", "--wasi", wasi, "-o"])
                .arg(dir.path().join(format!("server-{wasi}.wasm")))
                .args([fixture("conformance"), fixture("changes")]);
            expect_success(&mut command);
        }
        dir
    });
    dir.path().join(format!("server-{wasi}.wasm"))
}

/// The server of this WASI build, which tests that run at a time share.
pub fn server(wasi: &str) -> Arc<Server> {
    static SERVERS: [Shared; 2] = [Shared::new(), Shared::new()];
    let at = WASI_BUILDS.iter().position(|edition| *edition == wasi);
    let shared = &SERVERS[at.expect("a WASI version")];
    shared.get(|| Server::mcp(&component(wasi), &[]))
}

/// Makes a claim of the servers of both WASI builds.
pub fn everywhere(claim: impl Fn(&Server)) {
    let servers = WASI_BUILDS.map(server);
    for (wasi, server) in WASI_BUILDS.into_iter().zip(servers) {
        println!("WASI {wasi}");
        claim(&server);
    }
}
