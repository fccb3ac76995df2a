//! The templates, as a user meets them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::example;
use crate::support::template::{self, Template, share_target};
use crate::support::{self, Server, root};
use spin_mcp_app::App;
use spin_mcp_contract::Wasi;

/// The templates in Rust, each with the largest component that it may build, in bytes.
const RUST: [(&str, u64); 3] = [
    ("mcp-tool", 160_000),
    ("mcp-resource", 100_000),
    ("mcp-prompt", 180_000),
];
const RUST_AND_APP: [&str; 4] = ["mcp-tool", "mcp-resource", "mcp-prompt", "mcp-app"];
/// The largest server of one tool.
const MAX_SERVER: u64 = 410_000;
/// The most lines of the first file that a user sees.
const MAX_LINES: usize = 60;

#[test]
fn wit_is_a_copy_of_the_contract() {
    for template in ["mcp-middleware", "mcp-auth"] {
        let copies = root().join(format!(
            "templates/{template}/content/wit/deps/spin-mcp-server"
        ));
        let mut count = 0;
        for copy in fs::read_dir(&copies).unwrap() {
            let copy = copy.unwrap().path();
            let original = root().join("framework/wit").join(copy.file_name().unwrap());
            assert!(
                fs::read(&copy).unwrap() == fs::read(&original).unwrap(),
                "`{}` differs from `{}`: copy it",
                copy.display(),
                original.display()
            );
            count += 1;
        }
        assert!(count >= 2, "`{}` lacks files", copies.display());
    }
}

/// Apart from the library, templates do not share files, so what they have in common must be equal.
#[test]
fn what_templates_share_is_the_same_in_each() {
    let library = root().join("sdk/rust");
    let apps = RUST_AND_APP.map(|template| {
        let linked = root().join(format!("templates/{template}/content/spin-mcp-sdk"));
        assert_eq!(linked.canonicalize().unwrap(), library, "`{template}`");
        let dir = tempfile::tempdir().unwrap();
        Template::named(template).new_app("my-server", dir.path());
        (template, dir)
    });
    let read = |dir: &tempfile::TempDir, file: &str| {
        let path = dir.path().join(file);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    for file in [
        ".gitignore",
        "build.rs",
        "spin.toml",
        "spin-mcp-sdk/src/lib.rs",
    ] {
        for (template, dir) in &apps {
            let same = read(dir, file) == read(&apps[0].1, file);
            assert!(
                same,
                "`{file}` of `{template}` differs from that of `mcp-tool`"
            );
        }
    }

    let mut known = BTreeMap::new();
    for (template, dir) in &apps {
        let cargo = read(dir, "Cargo.toml");
        let cargo: toml_edit::DocumentMut = cargo.parse().unwrap();
        let dependencies = cargo["dependencies"].as_table().unwrap().iter();
        let dependencies = dependencies.map(|(name, version)| (name, version.to_string()));
        let profile = cargo["profile"]["release"].to_string();
        assert!(profile.contains("lto"), "`{template}`: {profile}");
        for (name, value) in dependencies.chain([("[profile]", profile)]) {
            let same = known.entry(name.to_owned()).or_insert(value.clone());
            assert_eq!(*same, value, "`{name}` in `{template}`");
        }
    }
}

/// One text is for all of them, in the folder of the app.
#[test]
fn an_app_has_notes_for_coding_agents_once() {
    let notes = fs::read_to_string(root().join("sdk/agents/AGENTS.md")).unwrap();
    for template in fs::read_dir(root().join("templates")).unwrap() {
        let template = template.unwrap().path();
        let linked = fs::read_to_string(template.join("content/AGENTS.md"));
        assert_eq!(linked.unwrap(), notes, "{}", template.display());
    }
    let dir = tempfile::tempdir().unwrap();
    Template::named("mcp-server").new_app("my-server", dir.path());
    assert_eq!(
        fs::read_to_string(dir.path().join("AGENTS.md")).unwrap(),
        notes
    );
    for template in [
        "mcp-tool",
        "mcp-tool-python",
        "mcp-tool-ts",
        "mcp-middleware",
    ] {
        Template::named(template).add(template, &dir.path().join("spin.toml"));
        let added = dir.path().join(template);
        assert!(added.join(".gitignore").is_file());
        assert!(!added.join("AGENTS.md").exists(), "`{template}`");
    }
    let commands = notes
        .lines()
        .filter_map(|line| line.strip_prefix("| `spin "));
    for command in commands.filter_map(|rest| rest.strip_prefix("mcp ")) {
        let command = command.split([' ', '`']).next().unwrap();
        let mut help = support::mcp();
        support::expect_success(help.args([command, "--help"]));
    }
    // An app that has no MCP server yet.
    let app = "spin_manifest_version = 2\n[application]\nname = \"app\"\n";
    let other = dir.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("spin.toml"), app).unwrap();
    Template::named("mcp-tool").add("first", &other.join("spin.toml"));
    assert!(other.join("first/AGENTS.md").is_file());
}

/// Spin renders every file of a template.
#[test]
fn the_library_has_nothing_that_spin_would_render() {
    let files = ignore::WalkBuilder::new(root().join("sdk/rust"))
        .follow_links(true)
        .build();
    let files = files.map(|entry| entry.unwrap().into_path());
    let mut count = 0;
    for file in files.filter(|path| path.is_file()) {
        let text = fs::read_to_string(&file).unwrap();
        for mark in ["{{", "{%"] {
            assert!(!text.contains(mark), "`{mark}` in `{}`", file.display());
        }
        count += 1;
    }
    assert!(count > 30, "{count} files");
}

#[test]
fn new_app_has_one_feature() {
    for template in RUST_AND_APP {
        let dir = tempfile::tempdir().unwrap();
        Template::named(template).new_app("My Server", dir.path());
        let app = App::load(&dir.path().join("spin.toml"), None).unwrap();
        assert_eq!(
            (app.component.as_str(), app.server.name.as_str()),
            ("mcp", "my-server")
        );
        assert_eq!(app.output, dir.path().join("mcp.wasm"));
        assert_eq!(app.features.len(), 1);
        let feature = &app.features[0];
        assert_eq!(feature.name, "my-server");
        assert_eq!(
            feature.file(),
            Some(
                &dir.path()
                    .join("target/wasm32-wasip2/release/my_server.wasm")
            )
        );
        assert_eq!(feature.workdir, dir.path());
        for file in [
            "Cargo.toml",
            "build.rs",
            ".gitignore",
            "src/lib.rs",
            "spin-mcp-sdk/Cargo.toml",
            "spin-mcp-sdk/wit/deps/spin-mcp-server/types.wit",
        ] {
            assert!(
                dir.path().join(file).is_file(),
                "no `{file}` of `{template}`"
            );
        }
        let lib = fs::read_to_string(dir.path().join("src/lib.rs")).unwrap();
        let lines = lib.lines().count();
        assert!(lines <= MAX_LINES, "`{template}` got long: {lines} lines");
    }
}

/// Names that clash with what an app has, that cargo does not take, and that are not ASCII.
#[test]
fn apps_may_have_any_name() {
    let languages = ["", "-python", "-ts"];
    let kinds = ["mcp-tool", "mcp-resource", "mcp-prompt"];
    let all = kinds
        .iter()
        .flat_map(|kind| languages.map(|of| format!("{kind}{of}")));
    for template in all.chain(["mcp-app".to_owned()]) {
        for name in ["mcp", "2app", "über"] {
            let dir = tempfile::tempdir().unwrap();
            Template::named(&template).new_app(name, dir.path());
            let app = App::load(&dir.path().join("spin.toml"), None)
                .unwrap_or_else(|error| panic!("{template} {name}: {error:#}"));
            let feature = &app.features[0];
            assert_eq!(feature.name, name);
            assert_ne!(feature.file(), Some(&app.output), "{template} {name}");
            if dir.path().join("Cargo.toml").exists() {
                let mut cargo = Command::new("cargo");
                cargo.args(["metadata", "--no-deps", "--format-version", "1"]);
                support::expect_success(cargo.current_dir(dir.path()));
            }
        }
    }
}

#[test]
fn added_features_follow_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = dir.path().join("spin.toml");
    let template = Template::named("mcp-tool");
    template.new_app("my-server", dir.path());
    let before = fs::read_to_string(&manifest).unwrap();
    template.add("text", &manifest);
    template.add("audio", &manifest);

    let after = fs::read_to_string(&manifest).unwrap();
    assert!(after.starts_with(before.trim_end()));
    assert_eq!(after.matches("[[trigger.http]]").count(), 1);
    let app = App::load(&manifest, None).unwrap();
    let names: Vec<_> = app.features.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["my-server", "text", "audio"]);
    let text = &app.features[1];
    assert_eq!(
        text.file(),
        Some(
            &dir.path()
                .join("text/target/wasm32-wasip2/release/text.wasm")
        )
    );
    assert_eq!(text.workdir, dir.path().join("text"));
    assert_eq!(
        text.prefix.as_deref(),
        Some("text_"),
        "both have a tool `add`"
    );
    assert!(dir.path().join("text/src/lib.rs").is_file());
    assert!(!dir.path().join("text/spin.toml").exists());
}

#[test]
fn any_app_becomes_a_server() {
    for template in RUST_AND_APP {
        let dir = tempfile::tempdir().unwrap();
        let manifest = dir.path().join("spin.toml");
        let before = "spin_manifest_version = 2\n\n[application]\nname = \"shop\"\n\n[[trigger.http]]\nroute = \"/...\"\ncomponent = \"web\"\n\n[component.web]\nsource = \"web.wasm\"\n";
        fs::write(&manifest, before).unwrap();
        Template::named(template).add("text", &manifest);
        let app = App::load(&manifest, None).unwrap();
        assert_eq!(
            (app.component.as_str(), app.server.name.as_str()),
            ("mcp", "shop")
        );
        assert_eq!(app.output, dir.path().join("mcp.wasm"));
        assert_eq!(app.features.len(), 1);

        let mut edited = spin_mcp_app::Manifest::open(&manifest).unwrap();
        edited.ensure_server(None).unwrap();
        assert_eq!(
            edited.changes(),
            [] as [String; 0],
            "the snippet of `{template}` lacks something"
        );
    }
}

/// Features of all templates in one app, as `spin new` and `spin add` write them: tested, built,
/// composed, called, served.
#[test]
fn scaffolded_app_is_tested_built_and_served() {
    let _turn = template::turn();
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path();
    let added = [
        ("text", "mcp-tool"),
        ("notes", "mcp-resource"),
        ("writing", "mcp-prompt"),
    ];
    Template::named("mcp-tool").new_app("my-server", app);
    share_target(app);
    for (name, template) in added {
        Template::named(template).add(name, &app.join("spin.toml"));
        share_target(&app.join(name));
    }

    for package in [app, &app.join("notes"), &app.join("writing")] {
        run(cargo(package).args(["fmt", "--check"]));
        let tests = run(cargo(package).arg("test"));
        assert!(
            stdout(&tests).contains("2 passed; 0 failed"),
            "{}",
            stdout(&tests)
        );
    }

    // From below, as a user may.
    let built = run(mcp(&app.join("text/src")).args(["build", "--jobs", "1"]));
    let size = fs::metadata(app.join("mcp.wasm")).unwrap().len();
    let told = stdout(&built);
    assert!(
        told.contains(": 4 features, 2 tools, 1 resource, 1 resource template, 1 prompt, "),
        "{told}"
    );
    assert!(
        told.ends_with(&format!(" {} KB\n", size.div_ceil(1000))),
        "{told}"
    );
    let told = String::from_utf8_lossy(&built.stderr);
    let position = |feature| {
        told.find(&format!("built feature `{feature}` in "))
            .unwrap_or_else(|| panic!("nothing of `{feature}`: {told}"))
    };
    assert!(
        ["my-server", "text", "notes", "writing"]
            .map(position)
            .is_sorted(),
        "{told}"
    );

    let component = |name: &str| app.join(format!("target/wasm32-wasip2/release/{name}.wasm"));
    let one = app.join("one.wasm");
    run(mcp(app)
        .arg("compose")
        .arg(component("my_server"))
        .arg("-o")
        .arg(&one));
    let sized = ["my_server", "notes", "writing"].map(component);
    let sized = sized.into_iter().zip(RUST.map(|(_, most)| most));
    for (file, most) in sized.chain([(one, MAX_SERVER)]) {
        let size = fs::metadata(&file).unwrap().len();
        assert!(size <= most, "`{}` has {size} bytes", file.display());
    }

    let call = |tool: &str, arguments: &str| mcp(app).args(["call", tool, arguments]).output();
    for tool in ["add", "text_add"] {
        let answer = call(tool, r#"{"a": 2, "b": 40}"#).unwrap();
        assert!(answer.status.success(), "{tool}: {answer:?}");
        assert_eq!(stdout(&answer), "42\n");
    }
    for (arguments, why) in [
        (r#"{"a": 1}"#, "invalid arguments: missing field `b`"),
        (
            r#"{"a": "1", "b": 2}"#,
            "invalid arguments: a: invalid type: string \"1\", expected i64",
        ),
        (
            r#"{"a": 1, "b": 2, "c": 3}"#,
            "invalid arguments: c: unknown field `c`, expected `a` or `b`",
        ),
        (
            r#"{"a": 9223372036854775807, "b": 1}"#,
            "the sum of 9223372036854775807 and 1 does not fit in 64 bits",
        ),
    ] {
        let answer = call("add", arguments).unwrap();
        assert_eq!(answer.status.code(), Some(1), "{arguments}");
        let stderr = String::from_utf8(answer.stderr).unwrap();
        assert!(
            stderr.ends_with(&format!("{why}\n")),
            "{arguments}: {stderr}"
        );
    }

    let server = Server::mcp(&app.join("mcp.wasm"), &[]);
    example::reads_notes(&server, "notes");
    example::gets_summarize(&server, "writing_summarize");
}

/// An app without a feature of its own says what to do, and takes what others published.
#[test]
fn server_of_nothing_composes_what_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path();
    Template::named("mcp-server").new_app("My Server", app);
    fs::copy(support::fixture("echo"), app.join("echo.wasm")).unwrap();
    for verb in ["build", "compose"] {
        let output = mcp(app).arg(verb).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let told = String::from_utf8(output.stderr).unwrap();
        let advice = "`component.mcp.tool.mcp` has no features: add a component with `spin mcp \
                      compose FEATURE.wasm`, or make one with `spin add -t mcp-tool NAME`\n";
        assert!(told.ends_with(advice), "{told}");
    }

    let composed = run(mcp(app).args(["compose", "echo.wasm"]));
    let added = "spin.toml: added feature `echo` with source `echo.wasm`\n\
                 composed `mcp.wasm`: 1 feature, 1 tool, ";
    assert!(
        stdout(&composed).starts_with(added),
        "{}",
        stdout(&composed)
    );
    let call = run(mcp(app).args(["call", "echo", r#"{"message": "hello"}"#]));
    assert_eq!(stdout(&call), "hello\n");

    Template::named("mcp-tool").add("text", &app.join("spin.toml"));
    let app = App::load(&app.join("spin.toml"), None).unwrap();
    let names: Vec<_> = app.features.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(
        (app.server.name.as_str(), names),
        ("my-server", vec!["echo", "text"])
    );
}

/// An async feature makes any app a server of WASI 0.3.
#[test]
fn app_of_async_features_is_for_wasi_0_3() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = dir.path().join("spin.toml");
    let app = "spin_manifest_version = 2\n\n[application]\nname = \"shop\"\n";
    for (template, _) in RUST {
        for (value, wasi) in [("async=yes", Wasi::P3), ("async=no", Wasi::P2)] {
            fs::write(&manifest, app).unwrap();
            Template::named(template).with(value).add("text", &manifest);
            assert_eq!(
                App::load(&manifest, None).unwrap().wasi,
                wasi,
                "`{template}`"
            );
        }
    }
}

/// The test of the page builds it, and uses it in a browser.
#[test]
fn an_app_with_a_page_is_tested() {
    let dir = tempfile::tempdir().unwrap();
    Template::named("mcp-app").new_app("sums", dir.path());
    share_target(dir.path());
    run(cargo(dir.path()).args(["fmt", "--check"]));
    let tests = stdout(&run(cargo(dir.path()).arg("test")));
    assert!(tests.contains("2 passed; 0 failed"), "{tests}");
}

/// The template for middleware, for either kind of chain; the documentation shows its code.
#[test]
fn middleware_is_added_tested_and_built() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = dir.path().join("spin.toml");
    Template::named("mcp-tool").new_app("my-server", dir.path());
    for (name, kind, largest) in [("log", "async=no", 110_000), ("wait", "async=yes", 140_000)] {
        Template::named("mcp-middleware")
            .with(kind)
            .add(name, &manifest);
        let package = dir.path().join(name);
        share_target(&package);
        run(cargo(&package).args(["fmt", "--check"]));
        let tests = run(cargo(&package).arg("test"));
        let told = stdout(&tests);
        assert!(told.contains("2 passed; 0 failed"), "{told}");
        run(cargo(&package).args(["build", "--target", "wasm32-wasip2", "--release"]));
        let text = fs::read_to_string(&manifest).unwrap();
        let app: toml_edit::DocumentMut = text.parse().unwrap();
        let tables = &app["component"]["mcp"]["tool"]["mcp"]["middleware"];
        let mut tables = tables.as_array_of_tables().unwrap().iter();
        let named = |table: &&toml_edit::Table| table["name"].as_str() == Some(name);
        let table = tables.find(named).unwrap();
        let source = dir.path().join(table["source"].as_str().unwrap());
        let size = fs::metadata(source).unwrap().len();
        assert!(size <= largest, "`{name}` has {size} bytes");
        assert_eq!(table["workdir"].as_str(), Some(name));
    }
    let code = fs::read_to_string(dir.path().join("log/src/lib.rs")).unwrap();
    let documented = fs::read_to_string(root().join("docs/explain/middleware.md")).unwrap();
    let blocks = documented.split("```rust\n").skip(1);
    for block in blocks.map(|rest| rest.split("```").next().unwrap()) {
        assert!(code.contains(block), "not in the template: {block}");
    }
}

/// The template for an authenticator, behind an ingress that names callers.
#[test]
fn an_authenticator_is_added_tested_built_and_asked() {
    let _turn = template::turn();
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path();
    Template::named("mcp-tool").new_app("my-server", app);
    Template::named("mcp-auth").add("ingress", &app.join("spin.toml"));
    for package in [app, &app.join("ingress")] {
        share_target(package);
    }
    run(cargo(&app.join("ingress")).args(["fmt", "--check"]));
    let tests = run(cargo(&app.join("ingress")).arg("test"));
    assert!(
        stdout(&tests).contains("2 passed; 0 failed"),
        "{}",
        stdout(&tests)
    );
    run(mcp(app).arg("build"));
    let server = Server::mcp(&app.join("mcp.wasm"), &[]);
    let list = || support::rpc::modern("tools/list", serde_json::json!({}));
    assert_eq!(server.send(&list()).status, 401);
    let named = server.send(&list().header("X-Forwarded-User", "ada"));
    assert_eq!(named.status, 200, "{}", named.text());
    let twice = list()
        .header("X-Forwarded-User", "ada")
        .header("X-Forwarded-User", "eve");
    assert_eq!(server.send(&twice).status, 400);
}

/// Resources and prompts that are async answer as those do that are not.
#[test]
fn async_resources_and_prompts_are_tested_built_and_served() {
    let _turn = template::turn();
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path();
    let template = |name| Template::named(name).with("async=yes");
    template("mcp-resource").new_app("notes", app);
    template("mcp-prompt").add("writing", &app.join("spin.toml"));
    for package in [app, &app.join("writing")] {
        share_target(package);
        run(cargo(package).args(["fmt", "--check"]));
        let tests = run(cargo(package).arg("test"));
        assert!(
            stdout(&tests).contains("2 passed; 0 failed"),
            "{}",
            stdout(&tests)
        );
    }
    run(mcp(app).arg("build"));
    for (component, export) in [("notes", "resources-async"), ("writing", "prompts-async")] {
        let component = app.join(format!("target/wasm32-wasip2/release/{component}.wasm"));
        let exports = fs::read(component).unwrap();
        let name = format!("spin-mcp:server/{export}@");
        assert!(
            exports
                .windows(name.len())
                .any(|part| part == name.as_bytes())
        );
    }
    let server = Server::mcp(&app.join("mcp.wasm"), &[]);
    example::reads_notes(&server, "notes");
    example::gets_summarize(&server, "writing_summarize");
}

/// A failing build passes its exit code on, names the feature, and leaves the server alone.
#[test]
fn failing_build_keeps_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path();
    let manifest = app.join("spin.toml");
    Template::named("mcp-tool").new_app("my-server", app);
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(
        &manifest,
        text.replace("cargo build --target wasm32-wasip2 --release", "exit 42"),
    )
    .unwrap();
    fs::write(app.join("mcp.wasm"), "as it was").unwrap();
    let output = mcp(app).arg("build").output().unwrap();
    assert_eq!(output.status.code(), Some(42));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "building feature `my-server` with `exit 42`\n\
         error: the build command of feature `my-server` failed: exit status: 42\n"
    );
    assert_eq!(fs::read(app.join("mcp.wasm")).unwrap(), b"as it was");
}

fn cargo(dir: &Path) -> Command {
    command(env!("CARGO"), dir)
}

fn mcp(dir: &Path) -> Command {
    command(env!("CARGO_BIN_EXE_mcp"), dir)
}

fn command(program: &str, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(dir)
        .env("NO_COLOR", "1")
        .env_remove("CARGO_TARGET_DIR");
    command
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{stderr}",
        stdout(&output)
    );
    output
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}
