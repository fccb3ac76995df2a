//! The templates in TypeScript, as a user meets them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::example;
use crate::support::template::Template;
use crate::support::typescript::{TEMPLATES, passed, scaffold};
use crate::support::web::Web;
use crate::support::{Server, compose, expect_success, fixture, mcp, needs, root, rpc};
use serde_json::{Value, json};
use spin_mcp_app::App;

/// The engines, with the largest feature component that a template may build, in bytes.
const ENGINES: [(&str, u64); 2] = [("starlingmonkey", 15_000_000), ("quickjs", 3_000_000)];
const MIDDLEWARE: &str = "mcp-middleware-ts";
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn wit_is_a_copy_of_the_contract() {
    for template in TEMPLATES.into_iter().chain([MIDDLEWARE]) {
        for (package, originals) in [
            ("spin-mcp-server", "framework/wit"),
            ("wasi-config", "crates/runner/wit"),
            ("wasi-keyvalue", "crates/runner/wit"),
        ] {
            let copies = root().join(format!("templates/{template}/content/wit/deps/{package}"));
            for copy in fs::read_dir(&copies).unwrap() {
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
        "content/build.mjs",
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
        "build.mjs",
        "package-lock.json",
        "package.json",
        "test/tsconfig.json",
        "tsconfig.json",
    ] {
        let own = read(MIDDLEWARE, &format!("content/{file}"));
        let same = own == fs::read_to_string(dir.path().join(file)).unwrap();
        assert!(
            same,
            "`{file}` of `{MIDDLEWARE}` differs from that of features"
        );
    }
    let mut functions = BTreeMap::new();
    let mut shared = BTreeSet::new();
    for template in TEMPLATES {
        for (name, text) in private_functions(&read(template, "content/src/mcp.ts")) {
            match functions.get(&name) {
                None => drop(functions.insert(name, text)),
                Some(known) => {
                    assert_eq!(*known, text, "`{name}` in `{template}`");
                    shared.insert(name);
                }
            }
        }
    }
    let shared: Vec<_> = shared.iter().map(String::as_str).collect();
    let expected = [
        "at",
        "completion",
        "detail",
        "firstPage",
        "mend",
        "parse",
        "reason",
        "refusal",
        "withoutUrl",
    ];
    assert_eq!(shared, expected);

    let engine = |template| {
        let component = read(template, "content/src/component.ts");
        let (_, engine) = component.split_once("declare global").unwrap();
        engine.to_owned()
    };
    let host = |template| {
        let world = read(template, "content/wit/world.wit");
        let (_, host) = world.split_once("\n}\n").unwrap();
        host.to_owned()
    };
    for template in TEMPLATES {
        assert_eq!(engine(template), engine(TEMPLATES[0]), "`{template}`");
        assert_eq!(host(template), host(TEMPLATES[0]), "`{template}`");
    }
}

/// The functions of a module that it does not export, by name, with their comments.
fn private_functions(source: &str) -> Vec<(String, String)> {
    let items = source.split("\n\n").map(|item| item.trim_end());
    let functions = items.filter_map(|item| {
        let head = item.lines().find_map(|line| {
            line.strip_prefix("function ")
                .or(line.strip_prefix("async function "))
        })?;
        let (name, _) = head.split_once(['(', '<'])?;
        Some((name.to_owned(), item.to_owned()))
    });
    functions.collect()
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
        Some("node build.mjs two_words.wasm")
    );
    assert_eq!(added.workdir, folder);
    assert_eq!(added.prefix.as_deref(), Some("two_words_"));
    assert!(folder.join("src/app.ts").is_file());
    assert!(!folder.join("spin.toml").exists());
}

/// What the template's own module makes of schemas and functions that its example does not have.
#[test]
fn schemas_become_checks() {
    needs!("typescript");
    for (engine, _) in ENGINES {
        let dir = tempfile::tempdir().unwrap();
        let app = scaffold("mcp-tool-ts", engine, "my-server", dir.path());
        fs::remove_file(app.join("test/app.test.ts")).unwrap();
        let tests = root().join("tests/typescript/mcp.test.ts");
        fs::copy(tests, app.join("test/mcp.test.ts")).unwrap();
        let mut npm = Command::new("npm");
        npm.arg("test").env("ENGINE", engine).current_dir(app);
        let told = String::from_utf8(expect_success(&mut npm).stdout).unwrap();
        assert!(told.contains("# pass 7\n# fail 0\n"), "{engine}: {told}");
    }
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
        node.args(["build.mjs", "out.wasm"]).current_dir(app);
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
            "src/app.ts(18,3): error TS2322: Type 'number' is not assignable to type 'string'.",
        ),
        (
            text.replace("\"./mcp.ts\"", "\"./mpc.ts\""),
            "Could not resolve \"./mpc.ts\"",
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

/// The blocks of `docs/tutorials/typescript.md` that are a whole `src/app.ts`, together in one feature.
#[test]
fn documented_tools_do_what_they_say() {
    needs!("typescript");
    let dir = tempfile::tempdir().unwrap();
    let app = &scaffold("mcp-tool-ts", "starlingmonkey", "my-server", dir.path());
    let service = weather_service().address();
    // The table of the feature is the last one.
    let manifest = fs::read_to_string(app.join("spin.toml")).unwrap();
    let allow = "allow = [\"http\", \"key-value\", \"variables\"]";
    fs::write(app.join("spin.toml"), format!("{manifest}{allow}\n")).unwrap();
    let docs = fs::read_to_string(root().join("docs/tutorials/typescript.md")).unwrap();
    let blocks = docs.split("```ts\n").skip(1);
    let names: Vec<_> = blocks
        .enumerate()
        .map(|(at, rest)| {
            let (block, _) = rest.split_once("```").expect("a block ends");
            let block = block.replace("https://weather.example.com", &format!("http://{service}"));
            fs::write(app.join(format!("src/block{at}.ts")), block).unwrap();
            format!("block{at}")
        })
        .collect();
    assert_eq!(names.len(), 4);
    let mut merged = String::new();
    for name in &names {
        merged += &format!("import * as {name} from \"./{name}.ts\";\n");
    }
    let tools: Vec<_> = names
        .iter()
        .map(|name| format!("...{name}.tools"))
        .collect();
    merged += "import * as z from \"zod\";\nimport { tool } from \"./mcp.ts\";\n";
    merged += "const elsewhere = tool(z.object({}), () => fetch(\"http://127.0.0.1:1\"));\n";
    merged += "export const add = block0.add;\n";
    merged += &format!(
        "export const tools = {{ elsewhere, {} }};\n",
        tools.join(", ")
    );
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
    assert_eq!(weather("New York"), told("21.5 °C"));
    let unknown = (true, "nobody knows the weather in Nowhere".into());
    assert_eq!(weather("Nowhere"), unknown);
    let greet = || call("greet", json!({"name": "Ada"}));
    assert_eq!(greet(), told("Welcome, Ada, for the 1. time"));
    assert_eq!(greet(), told("Welcome, Ada, for the 2. time"));

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
