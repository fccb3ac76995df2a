//! `mcp check` against the hosts themselves: what it says fits really runs there, and what it
//! says does not, does not. Wasmtime always; Spin where there is one.

use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support;
use crate::support::probe::{self, PROBES, Probe};
use crate::support::{compose, compose_for, expect_success, fixture, mcp, wasmtime};
use serde_json::Value;

/// What `mcp check` says of a component and a target.
fn verdict(component: &Path, target: &str) -> Value {
    let output = mcp()
        .args(["check", "--json", "--target", target])
        .arg(component)
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(report["fits"].as_bool(), Some(output.status.success()));
    report["targets"][0].clone()
}

fn fits(verdict: &Value) -> bool {
    verdict["fits"].as_bool().unwrap()
}

/// The flags that a verdict says `wasmtime serve` needs.
fn flags(verdict: &Value) -> Vec<String> {
    let findings = verdict["findings"].as_array().unwrap().iter();
    let mut remedies = findings.filter_map(|finding| finding["remedy"].as_str());
    let command = remedies.find(|remedy| remedy.starts_with("run `wasmtime serve"));
    let words = command.unwrap_or_default().split([' ', '`']);
    let flags = words.filter(|word| ["-S", "cli", "config", "keyvalue"].contains(word));
    flags.map(str::to_owned).collect()
}

/// Whether a command comes to say this before it ends. It is ended then, with its children.
fn comes_to_say(mut command: Command, said: &str) -> bool {
    command
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let streams: [Box<dyn Read + Send>; 2] = [
        Box::new(child.stdout.take().unwrap()),
        Box::new(child.stderr.take().unwrap()),
    ];
    let (sender, lines) = std::sync::mpsc::channel();
    for stream in streams {
        let sender = sender.clone();
        std::thread::spawn(move || {
            let lines = BufReader::new(stream).lines().map_while(Result::ok);
            lines.for_each(|line| drop(sender.send(line)));
        });
    }
    drop(sender);
    let found = lines.iter().any(|line| line.contains(said));
    if found {
        let group = format!("-{}", child.id());
        expect_success(Command::new("kill").args(["--", &group]));
    }
    child.wait().unwrap();
    found
}

fn wasmtime_serves(component: &Path, flags: &[impl AsRef<str>]) -> bool {
    let mut command = wasmtime();
    command.args(["serve", "--addr", "127.0.0.1:0"]);
    command.args(flags.iter().map(AsRef::as_ref)).arg(component);
    comes_to_say(command, "Serving HTTP")
}

/// Writes a server that imports what these probes do.
fn server(dir: &Path, probes: &[&Probe]) -> PathBuf {
    let name = probes.first().map_or("none", |probe| probe.interface);
    let path = dir
        .join(name.replace(['/', ':', '@'], "-"))
        .with_extension("wasm");
    std::fs::write(&path, probe::server(probes, "")).unwrap();
    path
}

#[test]
fn wasmtime_has_the_interfaces_that_check_says() {
    const ALL: [&str; 6] = ["-S", "cli", "-S", "config", "-S", "keyvalue"];
    let dir = tempfile::tempdir().unwrap();
    let (mut plain, mut flagged, mut refused) = (vec![], vec![], 0);
    for probe in PROBES {
        let component = server(dir.path(), &[probe]);
        let verdict = verdict(&component, "wasmtime");
        match (fits(&verdict), flags(&verdict).is_empty()) {
            (true, true) => plain.push(probe),
            (true, false) => {
                flagged.push(probe);
                let serves = wasmtime_serves(&component, &[] as &[&str]);
                assert!(!serves, "`{}` needs no flag", probe.interface);
            }
            (false, _) => {
                refused += 1;
                let serves = wasmtime_serves(&component, &ALL);
                assert!(!serves, "Wasmtime has `{}`", probe.interface);
            }
        }
    }
    assert!(plain.len() > 15 && flagged.len() > 10 && refused > 15);
    let component = server(dir.path(), &plain);
    assert!(wasmtime_serves(&component, &[] as &[&str]));
    let component = server(dir.path(), &flagged);
    assert!(wasmtime_serves(
        &component,
        &flags(&verdict(&component, "wasmtime"))
    ));
}

#[test]
fn servers_that_fit_wasmtime_run_there() {
    let dir = tempfile::tempdir().unwrap();
    let echo = [fixture("echo")];
    let stateful = ["conformance", "changes"].map(fixture);
    for wasi in ["0.2", "0.3"] {
        for (runtime, features, expected, flags_needed) in [
            ("spin", &echo[..], true, false),
            ("spin", &stateful[..], false, false),
            ("wasmtime", &stateful[..], true, true),
        ] {
            let component = compose_for(runtime, dir.path(), wasi, features);
            let verdict = verdict(&component, "wasmtime");
            assert_eq!(fits(&verdict), expected, "{verdict}");
            let flags = flags(&verdict);
            assert_eq!(!flags.is_empty(), flags_needed, "{verdict}");
            assert_eq!(wasmtime_serves(&component, &flags), expected, "{verdict}");
            if flags_needed {
                assert!(!wasmtime_serves(&component, &[] as &[&str]));
            }
        }
    }
}

/// Runs components on Spin, and names it as a target.
struct Spin {
    binary: PathBuf,
    target: String,
}

impl Spin {
    fn find() -> Option<Spin> {
        let binary = support::spin("")?;
        let version = expect_success(Command::new(&binary).arg("--version"));
        let version = String::from_utf8(version.stdout).unwrap();
        let version = version.split_whitespace().nth(1).unwrap();
        let minor: Vec<_> = version.split('.').take(2).collect();
        let target = format!("spin@{}", minor.join("."));
        Some(Spin { binary, target })
    }

    fn serves(&self, component: &Path) -> bool {
        let mut command = Command::new(&self.binary);
        let state = component.with_extension("state");
        command
            .args(["up", "--listen", "127.0.0.1:0", "--from"])
            .arg(component);
        command.arg("--state-dir").arg(state);
        comes_to_say(command, "Serving http")
    }

    /// Checks the component, and that Spin agrees.
    fn agrees(&self, component: &Path) -> bool {
        let verdict = verdict(component, &self.target);
        assert_eq!(self.serves(component), fits(&verdict), "{verdict}");
        fits(&verdict)
    }
}

#[test]
fn spin_has_the_interfaces_that_check_says() {
    let Some(spin) = Spin::find() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let (mut fitting, mut refused) = (vec![], 0);
    // A Spin that was built without databases is Spin, too.
    let optional = ["mqtt", "mysql", "postgres"];
    let sure = |probe: &&Probe| !optional.iter().any(|name| probe.interface.contains(name));
    for probe in PROBES.iter().filter(sure) {
        let component = server(dir.path(), &[probe]);
        match fits(&verdict(&component, &spin.target)) {
            true => fitting.push(probe),
            false => {
                refused += 1;
                assert!(!spin.agrees(&component));
            }
        }
    }
    assert!(
        fitting.len() > 30 && refused > 3,
        "{} {refused}",
        fitting.len()
    );
    assert!(spin.agrees(&server(dir.path(), &fitting)));
}

#[test]
fn spin_has_the_limits_that_check_says() {
    let Some(spin) = Spin::find() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    for (content, most) in [("(memory 1)", 32), ("(table 1 funcref)", 64), ("", 199)] {
        for (number, fits) in [(most, true), (most + 1, false)] {
            let path = dir.path().join("limits.wasm");
            std::fs::write(&path, probe::server(&[], &probe::modules(number, content))).unwrap();
            assert_eq!(spin.agrees(&path), fits, "{number} times `{content}`");
        }
    }
}

#[test]
fn servers_that_fit_spin_run_there() {
    let Some(spin) = Spin::find() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    for wasi in ["0.2", "0.3"] {
        let component = compose(dir.path(), wasi, &[fixture("echo")]);
        assert_eq!(
            spin.agrees(&component),
            wasi == "0.2" || spin.target != "spin@4.0"
        );
    }
}
