use serde_json::json;
use spin_mcp_runner::guest::{self, Guest as Host};
use wasmtime::{Engine, component::Component};

use super::*;
use bindings::{
    PolicyPre,
    exports::spin_mcp::server::authorizer::{Caller, Decision, Question},
};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../framework/wit",
        inline: "
            package spin-mcp:policy;
            world policy {
                export spin-mcp:server/authorizer@0.1.0;
            }",
        world: "spin-mcp:policy/policy",
        exports: { default: async },
    });
}

/// A policy as a component in Wasmtime.
struct Running {
    engine: Engine,
    pre: PolicyPre<Host>,
}

impl Running {
    fn new(text: &str, data: Value, server: &str) -> Running {
        let source = Source {
            name: "policy.rego".to_owned(),
            text: text.to_owned(),
        };
        let (component, _) = policy(&[source], data.as_object().unwrap()).unwrap();
        let engine = Engine::default();
        let component = Component::new(&engine, component).unwrap();
        let mut linker = guest::linker(&engine).unwrap();
        let server = server.to_owned();
        let mut settings = linker.instance("spin-mcp:server/settings@0.1.0").unwrap();
        settings
            .func_wrap("get", move |_, ()| Ok((server.clone(),)))
            .unwrap();
        let pre = linker.instantiate_pre(&component).unwrap();
        Running {
            engine,
            pre: PolicyPre::new(pre).unwrap(),
        }
    }
}

const POLICY: &str = r#"
package mcp
default allow := false
allow if input.transport == "stdio"                  # the process is the user's
allow if { input.method in {"initialize","ping","server/discover","tools/list","prompts/list","resources/list"} }
allow if { count(missing) == 0; not big_refund }
scopes contains s if { some s in missing }
missing := {s | some s in input.target.scopes; not s in input.caller.scopes}
big_refund if { input.params.name == "refund"; input.params.arguments.amount > 1000; not input.caller.claims.email in data.admins }
reason := "refunds above 1000 need an administrator" if big_refund
"#;

fn question(amount: u32, scopes: &[&str]) -> Question {
    Question {
        caller: Some(Caller {
            subject: "u-17".into(), issuer: "https://auth.example.com".into(),
            scopes: scopes.iter().map(|s| s.to_string()).collect(),
            claims: json!({"sub":"u-17","iss":"https://auth.example.com","aud":"https://mcp.example.com/mcp","exp":1796009877,"iat":1796000000,"email":"u@example.com","scope":"mcp:read"}).to_string(),
        }),
        method: "tools/call".into(),
        params: json!({"name":"refund","arguments":{"amount":amount}}).to_string(),
        target: json!({"kind":"tool","name":"refund","annotations":{"readOnlyHint":false},"scopes":["mcp:write"]}).to_string(),
        protocol_version: "2026-07-28".into(), transport: "http".into(), resource: "https://mcp.example.com/mcp".into(),
    }
}

#[test]
fn bench() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for (what, data) in [
        ("small", json!({"admins":["a@example.com"]})),
        (
            "100 KB",
            json!({"admins":(0..5000).map(|i| format!("user{i:05}@example.com")).collect::<Vec<_>>()}),
        ),
        (
            "1 MB",
            json!({"admins":(0..40000).map(|i| format!("user{i:05}@example.com")).collect::<Vec<_>>()}),
        ),
    ] {
        let running = Running::new(POLICY, data, "{}");
        runtime.block_on(async {
            let (mut inst, mut first, mut again) = (u128::MAX, u128::MAX, u128::MAX);
            for _ in 0..300 {
                let mut store = guest::sealed_store(&running.engine, "policy");
                store.set_epoch_deadline(1000000);
                let t = std::time::Instant::now();
                let policy = running.pre.instantiate_async(&mut store).await.unwrap();
                inst = inst.min(t.elapsed().as_nanos());
                let g = policy.spin_mcp_server_authorizer();
                let q = question(900, &["mcp:read"]);
                let t = std::time::Instant::now();
                let d = g.call_decide(&mut store, &q).await.unwrap();
                first = first.min(t.elapsed().as_nanos());
                assert!(matches!(&d, Decision::Needs(s) if s == &["mcp:write"]), "{d:?}");
                for _ in 0..3 {
                    let q = question(900, &["mcp:write"]);
                    let t = std::time::Instant::now();
                    let d = g.call_decide(&mut store, &q).await.unwrap();
                    again = again.min(t.elapsed().as_nanos());
                    assert!(matches!(&d, Decision::Allow), "{d:?}");
                }
                let d = g.call_decide(&mut store, &question(1900, &["mcp:write"])).await.unwrap();
                assert!(matches!(&d, Decision::Forbidden(s) if s == "refunds above 1000 need an administrator"), "{d:?}");
            }
            println!("{what}: instantiate {inst} first {first} again {again}");
        });
    }
}
