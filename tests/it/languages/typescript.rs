//! The templates in TypeScript, as a user meets them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::example;
use crate::support::template::Template;
use crate::support::typescript::{TEMPLATES, grant, passed, scaffold};
use crate::support::web::Web;
use crate::support::{Server, compose, expect_success, fixture, mcp, needs, provided, root, rpc};
use ignore::WalkBuilder;
use serde_json::{Value, json};
use spin_mcp_app::App;

/// The engines, with the largest feature component that a template may build, in bytes.
const ENGINES: [(&str, u64); 2] = [("starlingmonkey", 15_000_000), ("quickjs", 3_050_000)];
const MIDDLEWARE: &str = "mcp-middleware-ts";
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn wit_is_a_copy_of_the_contract() {
    for deps in [
        "sdk/typescript/src/wit/deps".to_owned(),
        format!("templates/{MIDDLEWARE}/content/wit/deps"),
    ] {
        for (package, originals) in [
            ("spin-mcp-server", "framework/wit"),
            ("wasi-config", "crates/runner/wit"),
            ("wasi-keyvalue", "crates/runner/wit"),
        ] {
            for copy in fs::read_dir(root().join(&deps).join(package)).unwrap() {
                let copy = copy.unwrap().path();
                let original = root().join(originals).join(copy.file_name().unwrap());
                assert!(
                    fs::read(&copy).unwrap() == fs::read(&original).unwrap(),
                    "`{}` differs from `{}`: copy it",
                    copy.display(),
                    original.display()
                );
            }
        }
    }
}

/// The files of a folder, by their paths in it.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = WalkBuilder::new(dir).build().map(Result::unwrap);
    let files = files.filter(|entry| entry.path().is_file());
    let read = |path: &Path| {
        let name = path.strip_prefix(dir).unwrap();
        (name.to_owned(), fs::read(path).unwrap())
    };
    files.map(|entry| read(entry.path())).collect()
}

/// Templates do not share files, so their common code must be equal in each of them.
#[test]
fn what_templates_share_is_the_same_in_each() {
    let read = |template: &str, file: &str| {
        let path = root().join("templates").join(template).join(file);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    for file in [
        "content/.gitignore",
        "content/.npmrc",
        "content/package-lock.json",
        "content/package.json",
        "content/spin.toml",
        "content/test/tsconfig.json",
        "content/tsconfig.json",
        "metadata/snippets/application-trigger.txt",
        "metadata/snippets/component.txt",
    ] {
        for template in TEMPLATES {
            let same = read(template, file) == read(TEMPLATES[0], file);
            assert!(same, "`{file}` of `{template}` differs from that of others");
        }
    }
    // It has no choice of engines.
    let dir = tempfile::tempdir().unwrap();
    let tool = Template::named(TEMPLATES[0]).with("engine=starlingmonkey");
    tool.new_app("my-server", dir.path());
    for file in [
        ".gitignore",
        ".npmrc",
        "package-lock.json",
        "package.json",
        "test/tsconfig.json",
    ] {
        let own = read(MIDDLEWARE, &format!("content/{file}"));
        let same = own == fs::read_to_string(dir.path().join(file)).unwrap();
        assert!(
            same,
            "`{file}` of `{MIDDLEWARE}` differs from that of features"
        );
    }
}

#[test]
fn versions_are_exact_and_come_from_any_registry() {
    for engine in ENGINES.map(|(engine, _)| format!("engine={engine}")) {
        let dir = tempfile::tempdir().unwrap();
        let template = Template::named("mcp-tool-ts").with(&engine);
        template.new_app("my-server", dir.path());
        let read = |file: &str| -> Value {
            serde_json::from_slice(&fs::read(dir.path().join(file)).unwrap()).unwrap()
        };
        let package = read("package.json");
        for kind in ["dependencies", "devDependencies"] {
            for (name, version) in package[kind].as_object().unwrap() {
                let exact = version
                    .as_str()
                    .unwrap()
                    .starts_with(|c: char| c.is_ascii_digit());
                assert!(exact, "`{name}`, {engine}: {version}");
            }
        }
        for (path, locked) in read("package-lock.json")["packages"].as_object().unwrap() {
            assert_eq!(locked["resolved"], Value::Null, "`{path}`, {engine}");
        }
    }
}

#[test]
fn added_features_follow_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = dir.path().join("spin.toml");
    Template::named("mcp-tool").new_app("my-server", dir.path());
    let template = Template::named("mcp-tool-ts");
    template.add("text", &manifest);
    template.add("two-words", &manifest);

    let app = App::load(&manifest, None).unwrap();
    let names: Vec<_> = app.features.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["my-server", "text", "two-words"]);
    let added = &app.features[2];
    let folder = dir.path().join("two-words");
    assert_eq!(added.file(), Some(&folder.join("two_words.wasm")));
    assert_eq!(
        added.build.as_deref(),
        Some("node spin-mcp/build.mjs two_words.wasm")
    );
    assert_eq!(added.workdir, folder);
    assert_eq!(added.prefix.as_deref(), Some("two_words_"));
    assert!(folder.join("src/app.ts").is_file());
    assert!(!folder.join("spin.toml").exists());
}

/// The package without WebAssembly: servers of the official SDK and its own, in both engines' ways.
#[test]
fn package_passes_its_tests() {
    needs!("typescript-sdk");
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files(&root().join("sdk/typescript")) {
        fs::create_dir_all(dir.path().join(&name).parent().unwrap()).unwrap();
        fs::write(dir.path().join(name), text).unwrap();
    }
    let packages = provided("typescript-sdk").unwrap();
    std::os::unix::fs::symlink(packages, dir.path().join("node_modules")).unwrap();
    for words in [
        &["node_modules/typescript/bin/tsc", "-p", "."][..],
        &["test/run.mjs"],
    ] {
        let mut node = Command::new("node");
        let tests = expect_success(node.args(words).current_dir(dir.path()));
        let told = String::from_utf8(tests.stdout).unwrap();
        assert!(words.len() > 1 || told.contains("# fail 0\n"), "{told}");
    }
}

/// A server of the official SDK, with no line changed: called, and asking in rounds and in
/// parallel, by clients of both eras and in both WASI builds.
#[test]
fn server_of_the_official_sdk_is_a_feature() {
    needs!("typescript-sdk");
    let dir = tempfile::tempdir().unwrap();
    let app = &scaffold("mcp-tool-ts", "starlingmonkey", "shop", dir.path());
    fs::remove_dir_all(app.join("test")).unwrap();
    fs::remove_dir_all(app.join("node_modules")).unwrap();
    let packages = provided("typescript-sdk").unwrap();
    fs::create_dir(app.join("node_modules")).unwrap();
    for entry in fs::read_dir(packages).unwrap() {
        let entry = entry.unwrap();
        let copy = app.join("node_modules").join(entry.file_name());
        std::os::unix::fs::symlink(entry.path(), copy).unwrap();
    }
    let lock = app.join("package-lock.json");
    fs::copy(lock, app.join("node_modules/.installed")).unwrap();
    for (file, to) in [
        ("shop.ts", "src/app.ts"),
        ("shop.tsconfig.json", "tsconfig.json"),
    ] {
        fs::copy(root().join("tests/typescript").join(file), app.join(to)).unwrap();
    }
    grant(app, "");
    let built = expect_success(mcp().arg("build").current_dir(app));
    let told = String::from_utf8(built.stderr).unwrap();
    assert!(told.contains("src/app.ts:14: `served` is gone"), "{told}");
    let told = String::from_utf8(built.stdout).unwrap();
    let lists = ": 1 feature, 4 tools, 2 resources, 1 resource template, 1 prompt, ";
    assert!(told.contains(lists), "{told}");

    let server = Server::mcp(&app.join("mcp.wasm"), &[]);
    shows_the_shop(&server);
    orders(&server);
    let newer = compose(app, "0.3", &[app.join("shop.wasm")]);
    let server = Server::mcp(&newer, &[]);
    shows_the_shop(&server);
    orders(&server);

    let client = app.join("client.mjs");
    fs::copy(root().join("tests/typescript/client.mjs"), &client).unwrap();
    let server = Server::mcp(&app.join("mcp.wasm"), &[]);
    let url = format!("http://{}/mcp", server.address());
    let ordered = expect_success(Command::new("node").arg(client).arg(url));
    let ordered: Value = serde_json::from_slice(&ordered.stdout).unwrap();
    let expected = json!({
        "asked": ["A note, on red paper?", "Order 2 tea for 9?", "Which paper?"],
        "progress": [1],
        "text": r#"{"item":"tea","count":2,"total":9} decline 1"#,
        "structured": {"item": "tea", "count": 2, "total": 9},
    });
    assert_eq!(ordered, expected);
}

fn shows_the_shop(server: &Server) {
    let result = |method: &str, params: Value| {
        let answer = server.send(&rpc::modern(method, params)).json();
        answer["result"].clone()
    };
    let call = |item: &str| {
        let params = json!({"name": "stock", "arguments": {"item": item}});
        result("tools/call", params)
    };
    assert_eq!(call("tea")["structuredContent"], json!({"price": 4.5}));
    assert_eq!(call("ham")["content"][0]["text"], "there is no ham");
    // Its pattern has a Unicode property.
    assert_eq!(call("t3a")["isError"], true);
    let tools = result("tools/list", json!({}));
    assert_eq!(tools["tools"][0]["annotations"]["readOnlyHint"], true);
    assert_eq!(tools["tools"][0]["title"], "Look up stock");
    let logo = result("tools/call", json!({"name": "logo", "arguments": {}}));
    assert_eq!(logo["content"][0]["data"], "iVBORw==");
    assert_eq!(logo["content"][1]["uri"], "shop://catalog");
    let page = "ui://shop/chart.html";
    let mut listed = tools["tools"].as_array().unwrap().iter();
    let chart = listed.find(|tool| tool["name"] == "chart").unwrap();
    assert_eq!(chart["_meta"]["ui"], json!({"resourceUri": page}));
    let read = result("resources/read", json!({"uri": page}));
    let mime_type = "text/html;profile=mcp-app";
    assert_eq!(read["contents"][0]["mimeType"], mime_type);
    let resources = result("resources/list", json!({}));
    let mut listed = resources["resources"].as_array().unwrap().iter();
    let chart = listed.find(|resource| resource["uri"] == page).unwrap();
    assert_eq!(chart["mimeType"], mime_type);
    assert_eq!(chart["_meta"], json!({"ui": {"prefersBorder": true}}));
    let server = result("server/discover", json!({}));
    let extension = &server["capabilities"]["extensions"]["io.modelcontextprotocol/ui"];
    assert_eq!(*extension, json!({}));
    let read = result("resources/read", json!({"uri": "shop://items/tea"}));
    assert_eq!(read["contents"][0]["text"], "tea: 4.5");
    let prompt = result(
        "prompts/get",
        json!({"name": "recommend", "arguments": {"item": "tea"}}),
    );
    assert_eq!(prompt["messages"][1]["role"], "assistant");
    let reference = json!({"type": "ref/resource", "uri": "shop://items/{name}"});
    let argument = json!({"name": "name", "value": "b"});
    let found = result(
        "completion/complete",
        json!({"ref": reference, "argument": argument}),
    );
    assert_eq!(found["completion"]["values"], json!(["book"]));
}

/// The rounds of a client of 2026-07-28; progress comes once.
fn orders(server: &Server) {
    let mut params = json!({
        "name": "order",
        "arguments": {"item": "tea", "count": 2},
        "_meta": {"progressToken": "p"},
    });
    let mut told = 0;
    for questions in [2, 1, 0] {
        let elicitation = json!({"elicitation": {"form": {}}});
        let request = rpc::modern_with("tools/call", params.clone(), elicitation);
        let answer = server.send(&request);
        told += answer.text().matches("notifications/progress").count();
        let result = answer.message()["result"].clone();
        let Some(asked) = result["inputRequests"].as_object() else {
            assert_eq!(questions, 0, "{result}");
            let text = r#"{"item":"tea","count":2,"total":9} decline 1"#;
            assert_eq!(result["content"][0]["text"], text);
            break;
        };
        assert_eq!(asked.len(), questions, "{result}");
        let reply = |question: &Value| match question["params"]["message"].as_str().unwrap() {
            "Order 2 tea for 9?" => json!({"action": "accept", "content": {"confirm": true}}),
            "Which paper?" => json!({"action": "accept", "content": {"paper": "red"}}),
            "A note, on red paper?" => json!({"action": "decline"}),
            other => panic!("{other}"),
        };
        let replies = asked
            .iter()
            .map(|(key, question)| (key.clone(), reply(question)));
        params["inputResponses"] = Value::Object(replies.collect());
        params["requestState"] = result["requestState"].clone();
    }
    assert_eq!(told, 1);
}

/// As `spin new` writes it, beside a feature in Rust: tested, type-checked, built, and called
/// in both WASI builds.
#[test]
fn scaffolded_app_is_tested_built_and_called() {
    needs!("typescript");
    for engine in ENGINES {
        let dir = tempfile::tempdir().unwrap();
        let app = scaffold("mcp-tool-ts", engine.0, "my-server", dir.path());
        fs::copy(fixture("echo"), app.join("echo.wasm")).unwrap();
        let manifest = app.join("spin.toml");
        let echo = "[component.mcp.tool.mcp.features.echo]\nsource = \"echo.wasm\"\n";
        let text = fs::read_to_string(&manifest).unwrap();
        fs::write(&manifest, format!("{text}\n{echo}")).unwrap();

        assert_eq!(passed(&app), 2);
        let built = expect_success(mcp().arg("build").current_dir(&app));
        let told = String::from_utf8(built.stdout).unwrap();
        assert!(told.contains(": 2 features, 2 tools, "), "{told}");
        let kept = app.join("build/engine").is_file();
        assert_eq!(kept, engine.0 == "starlingmonkey", "an edit leaves it");
        let feature = sized(app.join("my_server.wasm"), engine);
        let newer = compose(&app, "0.3", &[feature, app.join("echo.wasm")]);
        for server in [app.join("mcp.wasm"), newer] {
            answers(&Server::mcp(&server, &[]));
        }
    }
}

fn sized(feature: PathBuf, (engine, most): (&str, u64)) -> PathBuf {
    let size = fs::metadata(&feature).unwrap().len();
    assert!(size <= most, "the feature on {engine} has {size} bytes");
    feature
}

/// Resources and prompts in one app, as `spin new` and `spin add` write them.
#[test]
fn scaffolded_resources_and_prompts_are_tested_built_and_served() {
    needs!("typescript");
    for engine in ENGINES {
        let dir = tempfile::tempdir().unwrap();
        let app = scaffold("mcp-resource-ts", engine.0, "notes", dir.path());
        let writing = scaffold("mcp-prompt-ts", engine.0, "writing", &app);
        for package in [&app, &writing] {
            assert_eq!(passed(package), 2);
        }
        let built = expect_success(mcp().arg("build").current_dir(&app));
        let told = String::from_utf8(built.stdout).unwrap();
        let lists = ": 2 features, 0 tools, 1 resource, 1 resource template, 1 prompt, ";
        assert!(told.contains(lists), "{told}");
        let features = [
            sized(app.join("notes.wasm"), engine),
            sized(writing.join("writing.wasm"), engine),
        ];
        serves(&app.join("mcp.wasm"), "writing_summarize");
        if engine.0 == "quickjs" {
            serves(&compose(&app, "0.3", &features), "summarize");
        }
    }
}

fn serves(server: &Path, summarize: &str) {
    let server = Server::mcp(server, &[]);
    example::reads_notes(&server, "notes");
    example::gets_summarize(&server, summarize);
}

fn answers(server: &Server) {
    let list = server.send(&rpc::modern("tools/list", json!({}))).json();
    let tools = list["result"]["tools"].as_array().unwrap();
    assert_eq!(tools.len(), 2);
    assert_eq!(tools[1]["name"], "echo");
    let most = (1_i64 << 53) - 1;
    let integer = |what: &str| json!({"type": "integer", "minimum": -most, "maximum": most, "description": what});
    let schema = json!({
        "type": "object",
        "properties": {
            "a": integer("The first number."),
            "b": integer("The number to add to it."),
        },
        "required": ["a", "b"],
        "additionalProperties": false,
    });
    assert_eq!(
        tools[0],
        json!({"name": "add", "description": "Adds two whole numbers.", "inputSchema": schema})
    );

    let call = |tool: &str, arguments: Value| {
        let answer = server.send(&rpc::call(tool, arguments)).json();
        let failed = answer["result"]["isError"] == true;
        (failed, rpc::text(&answer).to_owned())
    };
    assert_eq!(call("add", json!({"a": 2, "b": 40})), (false, "42".into()));
    assert_eq!(
        call("echo", json!({"message": "hello"})),
        (false, "hello".into())
    );
    for (arguments, why) in [
        (json!({"a": 1}), "invalid arguments: b: missing"),
        (
            json!({"a": "1", "b": 2}),
            "invalid arguments: a: Invalid input: expected number, received string",
        ),
        (
            json!({"a": 1, "b": 2, "c": 3}),
            "invalid arguments: c: unknown",
        ),
        (
            json!({"a": most, "b": 1}),
            "the sum of 9007199254740991 and 1 does not fit in 53 bits",
        ),
    ] {
        assert_eq!(call("add", arguments), (true, why.into()));
    }
}

/// In a folder whose packages are not there although a build said so, with `NODE_ENV=production`, inside
/// a workspace: `npm` must install what builds, and here.
#[test]
fn builds_install_what_they_lack() {
    needs!("typescript");
    let dir = tempfile::tempdir().unwrap();
    let app = &scaffold("mcp-tool-ts", "quickjs", "my-server", dir.path());
    let esbuild = app.join("node_modules/esbuild");
    let real = fs::read_link(&esbuild).unwrap();
    fs::remove_file(&esbuild).unwrap();
    for (set, why) in [
        (
            "Object.defineProperty(process.versions,'node',{value:'18.0.0'})",
            "error: Node.js 18.0.0 is too old; build with Node.js 20 or later\n",
        ),
        (
            "process.env.PATH='/nothing'",
            "error: cannot start npm (ENOENT); it comes with Node.js 20 or later\n",
        ),
    ] {
        let mut node = Command::new("node");
        node.arg(format!("--import=data:text/javascript,{set}"));
        node.args(["spin-mcp/build.mjs", "out.wasm"]);
        let output = node.current_dir(app).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.ends_with(why), "{told}");
        assert_eq!(output.status.code(), Some(1));
    }
    let tools = tempfile::tempdir().unwrap();
    let npm = tools.path().join("npm");
    let path = format!(
        "{}:{}",
        tools.path().display(),
        std::env::var("PATH").unwrap()
    );
    let build = |does: &str| {
        fs::write(&npm, format!("#!/bin/sh\necho \"$@\" > asked\n{does}\n")).unwrap();
        expect_success(Command::new("chmod").arg("+x").arg(&npm));
        let mut node = Command::new("node");
        node.args(["spin-mcp/build.mjs", "out.wasm"])
            .current_dir(app);
        node.env("NODE_ENV", "production").env("PATH", &path);
        node.output().unwrap()
    };
    for _ in 0..2 {
        let output = build("");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            told.contains("npm did not install esbuild into node_modules"),
            "{told}"
        );
    }
    let output = build(&format!("ln -s {} node_modules/esbuild", real.display()));
    assert!(output.status.success(), "{output:?}");
    let asked = fs::read_to_string(app.join("asked")).unwrap();
    assert!(
        asked.starts_with("install --no-workspaces --include=dev "),
        "{asked}"
    );
    fs::remove_file(app.join("asked")).unwrap();
    assert!(build("exit 1").status.success(), "it is all there");
    assert!(!app.join("asked").exists());
}

/// What the type checker and the bundler say is what the user reads.
#[test]
fn failing_build_says_what_is_wrong() {
    needs!("typescript");
    let dir = tempfile::tempdir().unwrap();
    let app = &scaffold("mcp-tool-ts", "starlingmonkey", "my-server", dir.path());
    let source = app.join("src/app.ts");
    let text = fs::read_to_string(&source).unwrap();
    for (broken, why) in [
        (
            text.replace("): number {", "): string {"),
            "src/app.ts(24,3): error TS2322: Type 'number' is not assignable to type 'string'.",
        ),
        (
            text.replace("\"zod\"", "\"./zod.ts\""),
            "Could not resolve \"./zod.ts\"",
        ),
        (
            format!("import \"node:fs\";\n{text}"),
            "`src/app.ts` needs `node:fs`, which a component does not have; use a key-value store",
        ),
    ] {
        assert_ne!(broken, text);
        fs::write(&source, broken).unwrap();
        let output = mcp().arg("build").current_dir(app).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(why), "{told}");
        let end = "error: the build command of feature `my-server` failed: exit status: 1\n";
        assert!(told.ends_with(end), "{told}");
        assert!(!app.join("my_server.wasm").exists());
    }
}

/// Answers requests for the weather, wherever it is, until the test ends.
fn weather_service() -> Web {
    Web::serve(|method, path, _| match (method, path) {
        ("GET", "/now?city=New+York") => (200, r#"{"celsius": 21.5}"#.to_owned()),
        _ => (404, "{}".to_owned()),
    })
}

/// One server out of several, for the blocks of a page.
const TOGETHER: &str = r#"
const elsewhere = new McpServer({ name: "elsewhere", version: "0.1.0" });
elsewhere.registerTool("elsewhere", {}, async () => {
  await fetch("http://127.0.0.1:1");
  return {};
});
const all: any[] = [...blocks, elsewhere];
export const server = {
  handle(run: any, method: string, params: any) {
    const listed = (one: any) => one.handle(run, "tools/list", {}).tools;
    if (method === "tools/list") return { tools: all.flatMap(listed) };
    const has = (one: any) => listed(one).some(({ name }: any) => name === params.name);
    return all.find(has).handle(run, method, params);
  },
};
"#;

/// The blocks of `docs/tutorials/typescript.md` that are a whole `src/app.ts`, together in one feature.
#[test]
fn documented_tools_do_what_they_say() {
    needs!("typescript");
    let dir = tempfile::tempdir().unwrap();
    let app = &scaffold("mcp-tool-ts", "starlingmonkey", "my-server", dir.path());
    let service = weather_service().address();
    grant(app, r#""http", "key-value", "variables""#);
    let docs = fs::read_to_string(root().join("docs/tutorials/typescript.md")).unwrap();
    let blocks = docs.split("```ts\n").skip(1);
    let mut merged = "import { McpServer } from \"spin-mcp\";\n".to_owned();
    let mut names = Vec::new();
    for (at, rest) in blocks.enumerate() {
        let (block, _) = rest.split_once("```").expect("a block ends");
        let block = block.replace("https://weather.example.com", &format!("http://{service}"));
        fs::write(app.join(format!("src/block{at}.ts")), block).unwrap();
        merged += &format!("import {{ server as block{at} }} from \"./block{at}.ts\";\n");
        names.push(format!("block{at}"));
    }
    assert_eq!(names.len(), 5);
    merged += "export { add } from \"./block0.ts\";\n";
    merged += &format!("const blocks = [{}];\n{TOGETHER}", names.join(", "));
    fs::write(app.join("src/app.ts"), merged).unwrap();
    expect_success(mcp().arg("build").current_dir(app));
    let host = service.to_string();
    let grants = ["--allow-host", &host, "--variable", "greeting=Welcome"];
    let server = Server::mcp(&app.join("mcp.wasm"), &grants);
    let call = |tool: &str, arguments: Value| {
        let answer = server.send(&rpc::call(tool, arguments)).json();
        let failed = answer["result"]["isError"] == true;
        (failed, rpc::text(&answer).to_owned())
    };
    let told = |text: &str| (false, text.to_owned());
    assert_eq!(call("add", json!({"a": 1, "b": 2})), told("3"));
    let weather = |city: &str| call("weather", json!({ "city": city }));
    assert_eq!(weather("New York"), told(r#"{"celsius":21.5}"#));
    let unknown = (true, "nobody knows the weather in Nowhere".into());
    assert_eq!(weather("Nowhere"), unknown);
    let greet = || call("greet", json!({"name": "Ada"}));
    assert_eq!(greet(), told("Welcome, Ada, for the 1. time"));
    assert_eq!(greet(), told("Welcome, Ada, for the 2. time"));
    books(&server);

    let params = json!({
        "name": "count",
        "arguments": {"to": 3},
        "_meta": {"progressToken": "p"},
    });
    let answer = server.send(&rpc::modern("tools/call", params));
    let events = answer.text();
    for part in [
        r#""progressToken":"p","progress":1,"total":3"#,
        r#""progressToken":"p","progress":3,"total":3"#,
        "counted for a client of 2026-07-28",
    ] {
        assert!(events.contains(part), "{events}");
    }

    assert_eq!(
        call("elsewhere", json!({})),
        (
            true,
            "cannot send the HTTP request: the host does not answer, or this server may not reach it"
                .into()
        )
    );
    server.wait_for("`--allow-host 127.0.0.1:1`", PATIENCE);
}

/// What is drawn once is what is booked, although the tool runs again.
fn books(server: &Server) {
    let mut params = json!({"name": "book", "arguments": {"people": 2}});
    let elicitation = json!({"elicitation": {"form": {}}});
    let request = rpc::modern_with("tools/call", params.clone(), elicitation);
    let result = server.send(&request).json()["result"].clone();
    let asked = result["inputRequests"].as_object().unwrap();
    let (key, question) = asked.iter().next().unwrap();
    let message = question["params"]["message"].as_str().unwrap();
    let number = message.split(' ').nth(2).unwrap();
    let answer = json!({"action": "accept", "content": {"name": "Ada"}});
    params["inputResponses"] = json!({ key.as_str(): answer });
    params["requestState"] = result["requestState"].clone();
    let answer = server.send(&rpc::modern("tools/call", params)).json();
    assert_eq!(rpc::text(&answer), format!("booked {number} for Ada"));
}
