//! `mcp serve`: lists of features of both kinds, page by page, for clients of both eras and in
//! both WASI builds.

use std::{fmt::Write as _, path::Path};

use crate::support::{Request, Server, Shared, expect_success, fixture, mcp, rpc};
use serde_json::{Value, json};

/// So many that their pages are more than the server asks for at a time.
const DYNAMIC: usize = 17;
const PAGE: usize = 10;
/// Of `conformance`.
const STATIC_TOOLS: usize = 34;
const STATIC_PROMPTS: usize = 5;

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
            page_size = {PAGE}
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

/// The results that are the pages of a list.
fn pages(server: &Server, request: impl Fn(Value) -> Request) -> Vec<Value> {
    let mut pages = Vec::new();
    let mut params = json!({});
    loop {
        let answer = server.send(&request(params)).message();
        pages.push(answer["result"].clone());
        assert!(pages.len() < 100, "there is no end of it");
        match answer["result"].get("nextCursor") {
            Some(cursor) => params = json!({ "cursor": cursor }),
            None => return pages,
        }
    }
}

/// The names in each page of a list of this kind.
fn names<'p>(kind: &str, pages: &'p [Value]) -> Vec<Vec<&'p str>> {
    let page = |page: &'p Value| {
        let entries = page[kind].as_array();
        let entries = entries.unwrap_or_else(|| panic!("no `{kind}` in {page}"));
        let names = entries.iter().map(|entry| entry["name"].as_str());
        names.map(|name| name.expect("a name")).collect()
    };
    pages.iter().map(page).collect()
}

/// Makes a claim of the servers of both WASI builds.
fn everywhere(claim: impl Fn(&Server)) {
    static SERVERS: [Shared; 2] = [Shared::new(), Shared::new()];
    let servers = [("0.2", &SERVERS[0]), ("0.3", &SERVERS[1])].map(|(wasi, shared)| {
        shared.get(|| {
            let dir = tempfile::tempdir().unwrap();
            compose(dir.path(), wasi);
            Server::mcp(&dir.path().join("mcp.wasm"), &[])
        })
    });
    for server in servers {
        claim(&server);
    }
}

#[test]
fn cursors_lead_through_the_tools_of_all_features() {
    everywhere(|server| {
        let session = rpc::session(server, json!({}));
        let legacy = |params| rpc::legacy(Some(&session), "tools/list", params);
        let (today, before) = (
            pages(server, |params| rpc::modern("tools/list", params)),
            pages(server, legacy),
        );
        let pages = names("tools", &today);
        assert_eq!(pages, names("tools", &before));
        let sizes: Vec<usize> = pages.iter().map(Vec::len).collect();
        assert_eq!(sizes[..3], [PAGE; 3]);
        assert!(sizes.len() > 4, "the dynamic ones came at once: {sizes:?}");
        // The static ones come first, then the others in the order of the manifest.
        let tools = pages.concat();
        let (fixed, dynamic) = tools.split_at(STATIC_TOOLS);
        assert!(fixed.contains(&"test_simple_text"));
        let own =
            |index| ["tool", "prompt"].map(|kind| format!("f{index}_test_trigger_{kind}_change"));
        let expected: Vec<String> = (0..DYNAMIC).flat_map(own).collect();
        assert_eq!(dynamic, expected);
        for tool in [tools[0], &expected[2 * DYNAMIC - 1]] {
            let answer = server.send(&rpc::call(tool, json!({}))).message();
            assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
        }

        for (page, (result, legacy)) in today.iter().zip(&before).enumerate() {
            assert_eq!(result["cacheScope"], "private", "all pages say the same");
            let ttl = if page < 3 { 300_000 } else { 1_000 };
            // `mcp serve` lets nothing be kept.
            assert!(
                [json!(ttl), json!(0)].contains(&result["ttlMs"]),
                "{result}"
            );
            assert_eq!(legacy.get("ttlMs"), None);
            assert_eq!(legacy.get("resultType"), None);
        }
    });
}

#[test]
fn what_a_dynamic_feature_lists_depends_on_who_asks() {
    everywhere(|server| {
        let session = rpc::session(server, json!({}));
        let legacy = |method: &str, params| rpc::legacy(Some(&session), method, params);
        for (version, request) in [
            (rpc::MODERN, &rpc::modern as &dyn Fn(&str, Value) -> Request),
            (rpc::LEGACY, &legacy),
        ] {
            let listed = pages(server, |params| request("prompts/list", params));
            let prompts = names("prompts", &listed).concat();
            let (fixed, dynamic) = prompts.split_at(STATIC_PROMPTS);
            assert!(fixed.contains(&"test_simple_prompt"));
            let own = |index| format!("f{index}_for-{version}");
            let expected: Vec<String> = (0..DYNAMIC).map(own).collect();
            assert_eq!(dynamic, expected);
            let answer = server.send(&request("prompts/get", json!({"name": expected[3]})));
            let said = &answer.message()["result"]["messages"][0]["content"]["text"];
            assert_eq!(said, &format!("This is `for-{version}`."));
            let other = format!(
                "f3_for-{}",
                if version == rpc::MODERN {
                    rpc::LEGACY
                } else {
                    rpc::MODERN
                }
            );
            let answer = server
                .send(&request("prompts/get", json!({ "name": other })))
                .message();
            assert_eq!(answer["error"]["code"], -32602, "{answer}");
        }
    });
}

#[test]
fn a_cursor_that_no_page_gave_is_refused() {
    everywhere(|server| {
        let session = rpc::session(server, json!({}));
        for cursor in ["", "~", "~AAAA", "~////", "~BQBub25l", "unknown"] {
            let params = json!({ "cursor": cursor });
            for request in [
                rpc::modern("tools/list", params.clone()),
                rpc::legacy(Some(&session), "tools/list", params),
            ] {
                let answer = server.send(&request).message();
                assert_eq!(answer["error"]["code"], -32602, "{cursor}: {answer}");
            }
        }
    });
}
