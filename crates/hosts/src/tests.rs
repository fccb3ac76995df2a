//! Each finding, and its absence, for small components.

use super::*;
use spin_mcp_contract::grants::allows_origin;
use spin_mcp_contract::record::{FeatureRecord, IssuerRecord, Offers, Record};
use spin_mcp_contract::state::Need;
use spin_mcp_contract::{Grants, Keys};

const HANDLER: &str = "wasi:http/incoming-handler@0.2.4";
const HANDLER_0_3: &str = "wasi:http/handler@0.3.2";

/// A component with these imports, this export, and more WAT.
fn server(export: &str, imports: &[&str], more: &str) -> ServerFacts {
    let imports: String = imports
        .iter()
        .map(|import| format!("(import \"{import}\" (instance))\n"))
        .collect();
    let component = wat::parse_str(format!(
        "(component
            {imports}
            (component $nothing)
            (instance $nothing (instantiate $nothing))
            (export \"{export}\" (instance $nothing))
            {more})"
    ));
    ServerFacts::read("server.wasm", &component.unwrap()).unwrap()
}

/// Modules with this content.
fn modules(number: usize, content: &str) -> String {
    format!("(core module {content})\n").repeat(number)
}

/// The findings of one severity for a target, in one line each.
fn found(server: &ServerFacts, target: &str, severity: Severity) -> Vec<String> {
    let verdict = check(server, &target.parse().unwrap());
    let errors = |finding: &Finding| finding.severity == Severity::Error;
    assert_eq!(verdict.fits, !verdict.findings.iter().any(errors));
    let findings = verdict.findings.iter();
    findings
        .filter(|finding| finding.severity == severity)
        .map(|finding| format!("{}: {}", finding.message, finding.remedy))
        .collect()
}

fn errors(server: &ServerFacts, target: &str) -> Vec<String> {
    found(server, target, Severity::Error)
}

fn notes(server: &ServerFacts, target: &str) -> Vec<String> {
    found(server, target, Severity::Note)
}

#[track_caller]
fn assert_one(findings: &[String], parts: &[&str]) {
    let [finding] = findings else {
        panic!("expected one finding: {findings:#?}");
    };
    for part in parts {
        assert!(finding.contains(part), "{finding}");
    }
}

/// Adds a record of one feature that keeps state.
fn stateful(mut server: ServerFacts, store: Option<&str>, imports: &[&str]) -> ServerFacts {
    server.record = Some(Record {
        mcp: "0.1.0".into(),
        wasi: "0.2".into(),
        name: "server".into(),
        version: None,
        store: store.map(str::to_owned),
        sequence: false,
        features: vec![FeatureRecord {
            left_out: Vec::new(),
            name: "deploy".into(),
            source: None,
            sha256: String::new(),
            prefix: None,
            api: None,
            dynamic: false,
            state: vec![Need::Input],
            imports: imports.iter().map(|import| import.to_string()).collect(),
            initial_memory: None,
            grants: Grants::default(),
            offers: Offers::default(),
        }],
        middleware: vec![],
        auth: vec![],
        issuers: vec![],
        offers: None,
    });
    server
}

#[test]
fn exports_of_wasi_0_2_fit_every_host() {
    let server = server(HANDLER, &["wasi:io/streams@0.2.9"], "");
    for target in Target::ALL {
        assert_eq!(errors(&server, &target.to_string()), [""; 0], "{target}");
    }
    assert_one(&notes(&server, "spin@3"), &["needs Spin 3.1 or later"]);
    assert_one(
        &errors(&server, "spin@3.0"),
        &["which Spin accepts since 3.1", "later Spin"],
    );
    assert_eq!(notes(&server, "spin@3.1"), [""; 0]);
    assert_eq!(notes(&server, "spin@4"), [""; 0]);
    assert_eq!(notes(&server, "wasmtime"), [""; 0]);
}

#[test]
fn exports_of_wasi_0_3_need_new_hosts() {
    let server = server(HANDLER_0_3, &["wasi:http/types@0.3.2"], "");
    for (target, host) in [
        ("spin@3", "Spin accepts since 4.1"),
        ("spin@4.0", "Spin accepts since 4.1"),
        ("spinkube", "SpinKube's Spin accepts since 4.1"),
    ] {
        let exports = format!("the server exports `{HANDLER_0_3}`, which {host}");
        assert_one(&errors(&server, target), &[&exports, "`wasi = \"0.2\"`"]);
    }
    assert_eq!(errors(&server, "spin@4"), [""; 0]);
    assert_one(&notes(&server, "spin@4"), &["needs Spin 4.1 or later"]);
    assert_eq!(notes(&server, "spin@4.1"), [""; 0]);
    assert_one(&notes(&server, "wasmtime"), &["needs Wasmtime 48 or later"]);
    assert_eq!(errors(&server, "akamai-functions"), [""; 0]);
    assert!(notes(&server, "akamai-functions")[0].contains("since July 2026"));
}

#[test]
fn only_a_server_is_checked() {
    let error = |wat: &str| {
        let component = wat::parse_str(wat).unwrap();
        let error = ServerFacts::read("a.wasm", &component)
            .err()
            .expect("it is not a server");
        format!("{error:#}")
    };
    assert!(error("(component)").contains("it exports nothing"));
    assert!(error("(module)").contains("`a.wasm` is a core module, not a server"));
    let feature = "(component
        (component $n) (instance $n (instantiate $n))
        (export \"spin-mcp:server/tools@0.1.0\" (instance $n)))";
    assert!(error(feature).contains("`a.wasm` is a feature, not a server"));
}

#[test]
fn missing_imports_are_named_with_their_importers() {
    let atomics = "wasi:keyvalue/atomics@0.2.0-draft2";
    let sqlite = "spin:sqlite/sqlite@3.0.0";
    let own = "acme:shop/cart@1.0.0";
    let key_value = "spin:key-value/key-value@3.0.0";
    for (import, lacking, having) in [
        (
            atomics,
            vec!["fermyon-wasm-functions", "wasmtime"],
            vec!["spin@3.0", "spin@4", "spinkube"],
        ),
        (
            sqlite,
            vec!["spin@3.2", "fermyon-wasm-functions", "wasmtime"],
            vec!["spin@3", "spinkube"],
        ),
        (
            key_value,
            vec!["spin@3", "wasmtime"],
            vec!["spin@4", "spinkube", "fermyon-wasm-functions"],
        ),
        (
            own,
            vec![
                "spin@3",
                "spin@4",
                "spinkube",
                "fermyon-wasm-functions",
                "wasmtime",
            ],
            vec![],
        ),
    ] {
        let server = stateful(
            server("wasi:http/incoming-handler@0.2.0", &[import], ""),
            None,
            &[import],
        );
        for target in lacking {
            assert_one(
                &errors(&server, target),
                &[
                    &format!("the server imports `{import}`"),
                    "rebuild feature `deploy`",
                ],
            );
        }
        for target in having {
            assert_eq!(errors(&server, target), [""; 0], "{import} {target}");
        }
    }
    let newer = server("wasi:http/incoming-handler@0.2.0", &[sqlite], "");
    assert_one(&notes(&newer, "spin@3"), &["needs Spin 3.3 or later"]);
    assert_one(
        &notes(&newer, "spinkube"),
        &["needs Spin 3.3 or later", "v0.20"],
    );
}

#[test]
fn traces_need_a_flag_that_only_spin_has() {
    let imports = ["wasi:otel/tracing@0.2.0-rc.2", "wasi:otel/types@0.2.0-rc.2"];
    let server = stateful(
        server("wasi:http/incoming-handler@0.2.0", &imports, ""),
        None,
        &imports,
    );
    for target in ["spin@4", "spin@3.6"] {
        assert_eq!(errors(&server, target), [""; 0]);
        assert_one(&notes(&server, target), &["--experimental-wasi-otel"]);
    }
    assert_one(&errors(&server, "spin@3.5"), &["provides since 3.6"]);
    for target in ["fermyon-wasm-functions", "wasmtime"] {
        assert_one(&errors(&server, target), &["feature `deploy`"]);
    }
    assert_one(
        &errors(&server, "spinkube"),
        &["from `allow` of feature `deploy`"],
    );
}

#[test]
fn wasmtime_provides_some_interfaces_with_flags() {
    let imports = [
        "wasi:cli/environment@0.2.4",
        "wasi:filesystem/types@0.2.0",
        "wasi:keyvalue/store@0.2.0-draft",
    ];
    let demanding = server(HANDLER, &imports, "");
    assert_eq!(errors(&demanding, "wasmtime"), [""; 0]);
    assert_one(
        &notes(&demanding, "wasmtime"),
        &["`wasmtime serve -S cli -S keyvalue SERVER`"],
    );
    let modest = server(
        HANDLER,
        &["wasi:cli/stderr@0.2.4", "wasi:http/types@0.2.4"],
        "",
    );
    assert_eq!(notes(&modest, "wasmtime"), [""; 0]);
}

#[test]
fn a_store_must_exist_and_be_granted() {
    let store = "wasi:keyvalue/store@0.2.0-draft2";
    let with = |label| stateful(server(HANDLER, &[store], ""), Some(label), &[]);
    let mut default = with("default");
    assert_one(
        &notes(&default, "spin@4"),
        &[
            "needs the store `default`: feature `deploy` asks",
            "key_value_stores = [\"default\"]",
        ],
    );
    assert_one(
        &errors(&default, "wasmtime"),
        &[store, "`--runtime wasmtime`"],
    );
    default.stores = Some(vec!["other".into()]);
    assert_one(
        &errors(&default, "spin@4"),
        &["its component may not open it"],
    );
    default.stores = Some(vec!["default".into()]);
    assert_eq!(errors(&default, "spin@4"), [""; 0]);
    assert_eq!(notes(&default, "spin@4"), [""; 0]);
    assert!(
        notes(&default, "spinkube")
            .iter()
            .any(|note| note.contains("each replica"))
    );

    let mut other = with("sessions");
    other.stores = Some(vec!["sessions".into()]);
    assert_one(&notes(&other, "spin@4"), &["`[key_value_store.sessions]`"]);
    assert!(
        notes(&other, "akamai-functions")
            .iter()
            .any(|note| note.contains("only `default`"))
    );

    let none = stateful(server(HANDLER, &[], ""), None, &[]);
    assert_one(
        &notes(&none, "wasmtime"),
        &["needs a shared store and has none"],
    );
}

#[test]
fn limits_of_spin_are_checked() {
    let memories = |number| server(HANDLER, &[], &modules(number, "(memory 1)"));
    let tables = |number| server(HANDLER, &[], &modules(number, "(table 1 funcref)"));
    assert_eq!(errors(&memories(32), "spin@4"), [""; 0]);
    for target in ["spin@4", "spin@3", "spinkube", "fermyon-wasm-functions"] {
        assert_one(
            &errors(&memories(33), target),
            &["has 33 linear memories", "allows a component 32"],
        );
    }
    assert_eq!(errors(&memories(33), "wasmtime"), [""; 0]);

    assert_eq!(errors(&tables(20), "spin@3.3"), [""; 0]);
    assert_one(
        &errors(&tables(21), "spin@3.3"),
        &["has 21 tables", "allows a component 20"],
    );
    assert_eq!(errors(&tables(64), "spin@3"), [""; 0]);
    assert_one(&notes(&tables(64), "spin@3"), &["needs Spin 3.4 or later"]);
    assert_one(
        &errors(&tables(65), "spin@4"),
        &["has 65 tables", "allows a component 64"],
    );

    assert_eq!(
        errors(&server(HANDLER, &[], &modules(200, "")), "spin@4"),
        [""; 0]
    );
    assert_one(
        &errors(&server(HANDLER, &[], &modules(201, "")), "spin@4"),
        &["has 201 core modules"],
    );
}

#[test]
fn limits_of_fermyon_wasm_functions_are_checked() {
    let memory = |mib: usize| server(HANDLER, &[], &modules(2, &format!("(memory {})", mib * 8)));
    assert_eq!(errors(&memory(128), "fermyon-wasm-functions"), [""; 0]);
    assert_one(
        &errors(&memory(129), "fermyon-wasm-functions"),
        &["starts with 129 MiB of memory", "allows an execution 128"],
    );
    assert_eq!(errors(&memory(129), "spin@4"), [""; 0]);

    let mut large = server(HANDLER, &[], "");
    large.size.bytes = 50 << 20;
    assert_eq!(errors(&large, "fermyon-wasm-functions"), [""; 0]);
    large.size.bytes += 1;
    assert_one(
        &errors(&large, "fermyon-wasm-functions"),
        &["has 51 MiB", "allows an app 50"],
    );
    assert_eq!(errors(&large, "spin@4"), [""; 0]);
    assert_one(
        &notes(&large, "fermyon-wasm-functions"),
        &["limits a request to 30 s", "task"],
    );
}

#[test]
fn much_memory_is_slow_on_spin() {
    for (kib, remedy) in [
        (256, None),
        (320, Some("`cargo::rustc-link-arg=-zstack-size=65536`")),
        (4096, Some("`wasi = \"0.3\"`")),
    ] {
        for (handler, is_reused) in [(HANDLER, false), (HANDLER_0_3, true)] {
            let mut server = stateful(server(handler, &[], ""), None, &[]);
            let record = server.record.as_mut().unwrap();
            record.features[0].initial_memory = Some(kib << 10);
            let notes = notes(&server, "spin@4.1");
            match remedy.filter(|_| !is_reused) {
                Some(remedy) => assert_one(&notes, &["`deploy` starts with", remedy]),
                None => assert_eq!(notes, [""; 0], "{kib} KiB, {handler}"),
            }
        }
    }
}

#[test]
fn keys_are_fetched_from_hosts_that_are_allowed() {
    let mut server = stateful(server(HANDLER, &[], ""), None, &[]);
    let issuer = |issuer: &str, keys| IssuerRecord {
        issuer: issuer.into(),
        algorithms: vec![],
        keys,
    };
    server.record.as_mut().unwrap().issuers = vec![
        issuer("https://auth.example.com/one", Keys::Fetched),
        issuer("https://pinned.example.com", Keys::Pinned),
    ];
    let line = "add `allowed_outbound_hosts = [\"https://auth.example.com\"]`";
    for target in ["spin@4", "spinkube", "fermyon-wasm-functions"] {
        server.outbound = None;
        let told = |findings: Vec<String>| findings.iter().filter(|one| one.contains(line)).count();
        assert_eq!(told(notes(&server, target)), 1, "{target}");
        server.outbound = Some(vec!["https://other.example.com".into()]);
        assert_one(&errors(&server, target), &[line, "may not call"]);
        server.outbound = Some(vec!["https://auth.example.com".into()]);
        assert_eq!(errors(&server, target), [""; 0], "{target}");
        server.unrouted = vec!["/.well-known/oauth-protected-resource/mcp".into()];
        assert_one(&errors(&server, target), &["no route leads there"]);
        server.unrouted.clear();
    }
    let record = server.record.as_mut().unwrap();
    record.features[0].api = Some("http://api.example.com:81/v1".into());
    let line = "add `allowed_outbound_hosts = [\"http://api.example.com:81\"]`";
    assert_one(&errors(&server, "spin@4"), &["calls the API at", line]);
}

#[test]
fn outbound_hosts_are_patterns() {
    let origin = "https://auth.example.com";
    for (pattern, expected) in [
        (origin, true),
        ("https://auth.example.com:443", true),
        ("https://auth.example.com/", true),
        ("*://auth.example.com:*", true),
        ("https://*.example.com", true),
        ("https://*:443", true),
        ("http://auth.example.com", false),
        ("https://auth.example.com:8443", false),
        ("https://example.com", false),
        ("https://*.example.org", false),
        ("auth.example.com", false),
    ] {
        assert_eq!(
            allows_origin(&[pattern.to_owned()], origin),
            expected,
            "{pattern}"
        );
    }
    assert!(allows_origin(
        &["http://127.0.0.1:4000".into()],
        "http://127.0.0.1:4000"
    ));
}
