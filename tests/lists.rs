//! `mcp serve`: lists of features of both kinds, page by page, for clients of both eras and in
//! both editions.

mod support;

use std::{fmt::Write as _, path::Path};

use serde_json::{Value, json};
use support::{Request, Server, expect_success, fixture, mcp, rpc, stateful::EDITIONS};

/// So many that their pages are more than the server asks for at a time.
const DYNAMIC: usize = 17;
const PAGE: usize = 10;

/// An app of `conformance`, between the copies of `changes`.
fn compose(dir: &Path, wasi: &str) {
    let mut manifest = format!(
        r#"
            spin_manifest_version = 2
            [application]
            name = "lists"
            version = "0.1.0"
            [[trigger.http]]
            route = "/mcp"
            component = "mcp"
            [component.mcp]
            source = "mcp.wasm"
            key_value_stores = ["default"]
            [component.mcp.tool.mcp]
            wasi = "{wasi}"
            page-size = {PAGE}
        "#
    );
    for index in 0..=DYNAMIC {
        let (name, settings) = match index {
            5 => ("conformance".to_owned(), String::new()),
            _ => {
                let index = index - usize::from(index > 5);
                let settings = format!("dynamic = true\nprefix = \"f{index}_\"");
                (format!("f{index}"), settings)
            }
        };
        let source = fixture(if index == 5 { "conformance" } else { "changes" });
        writeln!(
            manifest,
            "[component.mcp.tool.mcp.features.{name}]\nsource = {source:?}\n{settings}"
        )
        .unwrap();
    }
    std::fs::write(dir.join("spin.toml"), manifest).unwrap();
    expect_success(mcp().args(["compose", "--from"]).arg(dir));
}

/// The pages of a list.
fn pages(server: &Server, kind: &str, request: impl Fn(Value) -> Request) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut params = json!({});
    loop {
        let answer = server.send(&request(params)).message();
        let result = &answer["result"];
        let page = result[kind].as_array();
        pages.push(page.unwrap_or_else(|| panic!("{answer}")).clone());
        assert!(pages.len() < 100, "there is no end of it");
        match result.get("nextCursor") {
            Some(cursor) => params = json!({ "cursor": cursor }),
            None => return pages,
        }
    }
}

fn names(pages: &[Vec<Value>]) -> Vec<&str> {
    let entries = pages.iter().flatten();
    entries
        .map(|entry| entry["name"].as_str().expect("a name"))
        .collect()
}

#[test]
fn cursors_lead_through_all_features() {
    for wasi in EDITIONS {
        let dir = tempfile::tempdir().unwrap();
        compose(dir.path(), wasi);
        let server = Server::mcp(&dir.path().join("mcp.wasm"), &[]);
        let session = rpc::session(&server, json!({}));
        let legacy = |method| {
            let session = &session;
            move |params| rpc::legacy(Some(session), method, params)
        };
        let modern = |method| move |params| rpc::modern(method, params);

        let today = pages(&server, "tools", modern("tools/list"));
        let before = pages(&server, "tools", legacy("tools/list"));
        assert_eq!(names(&today), names(&before));
        let sizes: Vec<usize> = today.iter().map(Vec::len).collect();
        println!("WASI {wasi}, pages of {sizes:?}");
        assert_eq!(sizes[..3], [PAGE; 3]);
        assert!(sizes.len() > 4, "the dynamic ones came at once: {sizes:?}");
        // The static ones come first, then the others in the order of the manifest.
        let tools = names(&today);
        let (fixed, dynamic) = tools.split_at(34);
        assert_eq!(fixed[0], "test_simple_text");
        let expected: Vec<String> = (0..DYNAMIC)
            .flat_map(|index| {
                ["tool", "prompt"].map(|kind| format!("f{index}_test_trigger_{kind}_change"))
            })
            .collect();
        assert_eq!(dynamic, expected);

        for (pages, version) in [
            (
                pages(&server, "prompts", modern("prompts/list")),
                rpc::MODERN,
            ),
            (
                pages(&server, "prompts", legacy("prompts/list")),
                rpc::LEGACY,
            ),
        ] {
            let prompts = names(&pages);
            let (fixed, dynamic) = prompts.split_at(5);
            assert_eq!(fixed[0], "test_simple_prompt");
            let own = |index| format!("f{index}_for-{version}");
            let expected: Vec<String> = (0..DYNAMIC).map(own).collect();
            assert_eq!(dynamic, expected);
        }

        let last = format!("f{}_test_trigger_tool_change", DYNAMIC - 1);
        let called = server.send(&rpc::call(&last, json!({}))).message();
        assert_eq!(rpc::text(&called), "changed");
        let hint = |cursor: Option<&str>| {
            let params = cursor.map_or(json!({}), |cursor| json!({ "cursor": cursor }));
            let listed = server.send(&rpc::modern("tools/list", params)).message();
            let result = &listed["result"];
            (result["ttlMs"].clone(), result["cacheScope"].clone())
        };
        println!("{:?}", hint(None));
        for cursor in ["", "~", "~AAAA", "~////", "unknown"] {
            let params = json!({ "cursor": cursor });
            for request in [
                modern("tools/list")(params.clone()),
                legacy("tools/list")(params),
            ] {
                let answer = server.send(&request).message();
                assert_eq!(answer["error"]["code"], -32602, "{cursor}: {answer}");
            }
        }
    }
}
