//! Builds the components of the framework, which the plugin carries inside itself.
//!
//! `SPIN_MCP_FRAMEWORK` names a folder that already holds the built components, so that a
//! machine without the wasm target can build the plugin. An empty value embeds empty files: what
//! only checks the code needs no components. The package of crates.io contains them in `packed`,
//! which `scripts/dist.py` writes.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

const TARGET: &str = "wasm32-wasip2";
const WASI: [&str; 2] = ["0.2", "0.3"];

/// SHA-2 in loops: an authenticator is 16 KB smaller.
const SMALL_HASHES: &str =
    r#"target.wasm32-wasip2.rustflags = ["--cfg", "sha2_backend_soft=\"compact\""]"#;

/// One run of cargo.
struct Build {
    /// Without the `spin-mcp-` in front.
    packages: &'static [&'static str],
    feature: Option<&'static str>,
    /// Whether there is one build for both versions of WASI, which is made beside that of WASI 0.2.
    once: bool,
}

/// What is built for each version of WASI. Packages that take the same features of dependencies
/// are built together.
///
/// The small server is worth a build of its own: 372 KB instead of the 726 of the whole one, which
/// a server of one tool would carry for nothing. The whole server is the transport before middleware,
/// too, and the router is that of a saved sequence: a server of one tool behind one middleware is 2 %
/// (WASI 0.2) and 5 % (WASI 0.3) larger than with builds of their own.
///
/// The authenticator that does not fetch keys imports no HTTP. To refuse it to the other one would
/// take a component, and with it a memory.
const BUILDS: [Build; 12] = [
    Build {
        packages: &["server"],
        feature: None,
        once: false,
    },
    Build {
        packages: &["server"],
        feature: Some("whole"),
        once: false,
    },
    Build {
        packages: &["server"],
        feature: Some("auth"),
        once: false,
    },
    Build {
        packages: &["server"],
        feature: Some("router"),
        once: false,
    },
    Build {
        packages: &["context"],
        feature: None,
        once: false,
    },
    Build {
        packages: &["authenticator"],
        feature: None,
        once: false,
    },
    Build {
        packages: &["authenticator"],
        feature: Some("fetch"),
        once: false,
    },
    Build {
        packages: &["audit", "filter", "rate-limit", "validate"],
        feature: None,
        once: false,
    },
    Build {
        packages: &["policy"],
        feature: None,
        once: true,
    },
    Build {
        packages: &["adapter"],
        feature: None,
        once: true,
    },
    Build {
        packages: &["openapi-feature"],
        feature: None,
        once: true,
    },
    Build {
        packages: &["docs"],
        feature: None,
        once: true,
    },
];

fn main() {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let root = manifest.join("../..");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    println!("cargo::rerun-if-env-changed=SPIN_MCP_FRAMEWORK");
    let mut ready = env::var_os("SPIN_MCP_FRAMEWORK").map(PathBuf::from);
    if root.join("framework/server").is_dir() {
        for path in [
            "framework",
            "docs",
            "README.md",
            "sdk/rust",
            "Cargo.toml",
            "Cargo.lock",
        ] {
            println!("cargo::rerun-if-changed={}", root.join(path).display());
        }
    } else {
        println!("cargo::rerun-if-changed=packed");
        ready = ready.or(Some(manifest.join("packed")));
    }
    thread::scope(|scope| {
        for wasi in WASI {
            let (root, out, ready) = (&root, &out, ready.as_deref());
            scope.spawn(move || components(root, out, ready, wasi));
        }
    });
}

/// Builds the components of one WASI build, or takes them from the folder `ready`.
fn components(root: &Path, out: &Path, ready: Option<&Path>, wasi: &str) {
    // Not the workspace's own target folder: cargo holds its lock while this runs. Each WASI build
    // has one, since they take other features of the same dependencies.
    let target = out.join(format!("framework-{wasi}"));
    for Build {
        packages,
        feature,
        once,
    } in BUILDS
    {
        if once && wasi != WASI[0] {
            continue;
        }
        if ready.is_none() {
            let wasi = (!once).then(|| format!("wasi-{}", wasi.replace('.', "-")));
            let features: Vec<_> = wasi.as_deref().into_iter().chain(feature).collect();
            build(root, &target, packages, &features.join(","));
        }
        for package in packages {
            let file = match feature {
                _ if once => format!("{package}.wasm"),
                Some(feature) => format!("{package}-{wasi}-{feature}.wasm"),
                None => format!("{package}-{wasi}.wasm"),
            };
            let wasm = match ready {
                Some(dir) if dir.as_os_str().is_empty() => {
                    fs::write(out.join(&file), []).expect("OUT_DIR can be written");
                    continue;
                }
                Some(dir) => dir.join(&file),
                None => target
                    .join(TARGET)
                    .join("component")
                    .join(format!("spin_mcp_{}.wasm", package.replace('-', "_"))),
            };
            fs::copy(&wasm, out.join(file))
                .unwrap_or_else(|error| panic!("cannot copy {}: {error}", wasm.display()));
        }
    }
}

/// Builds packages in one run of cargo.
fn build(root: &Path, target: &Path, packages: &[&str], features: &str) {
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo sets it"));
    cargo
        .current_dir(root)
        .args(["build", "--quiet", "--profile", "component"])
        .args(["--target", TARGET, "--features", features])
        .args(["--config", SMALL_HASHES])
        .arg("--target-dir")
        .arg(target);
    for package in packages {
        cargo.args(["--package", &format!("spin-mcp-{package}")]);
    }
    // What cargo and clippy set for this build must not leak into that one.
    for variable in [
        "CARGO_ENCODED_RUSTFLAGS",
        "RUSTFLAGS",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "CARGO_TARGET_DIR",
    ] {
        cargo.env_remove(variable);
    }
    let status = cargo.status().expect("cargo can be started");
    assert!(
        status.success(),
        "cannot build {packages:?} for {TARGET}; if the target is missing, run scripts/wasm-target.sh"
    );
}
