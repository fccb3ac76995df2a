//! The templates for middleware in Python and TypeScript, as a user meets them: tested,
//! type-checked, built, and called in both WASI builds.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::template::Template;
use crate::support::{
    Server, Stream, expect_success, fixture, mcp, middleware, needs, python, root, rpc,
    rpc::{call, modern, text},
    typescript,
};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(60);
/// Less than what the feature takes for its progress. In the WASI 0.3 build, a synchronous feature
/// holds the instance meanwhile, with a middleware or without.
const AT_ONCE: Duration = Duration::from_millis(50);

#[test]
fn python_is_middleware_of_a_chain() {
    needs!("componentize-py");
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path();
    add("mcp-middleware-python", "async=no", "0.2", app);
    shows_its_code(
        "docs/tutorials/python.md",
        "python middleware",
        &app.join("log/app.py"),
    );
    build_python(app);
    assert!(logs_what_passes(app, FAILED_IN_PYTHON) >= AT_ONCE);

    change(app, "{}", "{ slow_ms = 600_000 }");
    change(app, "wasi = \"0.2\"", "wasi = \"0.3\"");
    expect_success(mcp().arg("compose").current_dir(app));
    logs_nothing(app, FAILED_IN_PYTHON);
    change(app, "{ slow_ms = 600_000 }", "{ slow = 1 }");
    refuses_settings(app, "slow: unknown field `slow`, expected `slow_ms`");
}

#[test]
fn async_python_is_middleware_of_a_chain() {
    needs!("componentize-py");
    let dir = tempfile::tempdir().unwrap();
    add("mcp-middleware-python", "async=yes", "0.3", dir.path());
    build_python(dir.path());
    logs_what_passes(dir.path(), FAILED_IN_PYTHON);
}

#[test]
fn typescript_is_middleware_of_a_chain() {
    needs!("typescript");
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path();
    add("mcp-middleware-ts", "", "0.2", app);
    let package = app.join("log");
    typescript::install(&package);
    assert_eq!(typescript::passed(&package), 2);
    let source = package.join("src/app.ts");
    shows_its_code("docs/tutorials/typescript.md", "ts middleware", &source);
    let fails = "  if (params.includes(\"explode\")) throw new RangeError(\"explode\");\n";
    edit(&source, "  const begun", &format!("{fails}  const begun"));
    expect_success(mcp().arg("build").current_dir(app));
    has_size(&package.join("log.wasm"), 15_000_000);
    let failed = "middleware `log` failed: RangeError: explode";
    assert!(logs_what_passes(app, failed) >= AT_ONCE);

    change(app, "{}", "{ slow_ms = 600_000 }");
    change(app, "wasi = \"0.2\"", "wasi = \"0.3\"");
    expect_success(mcp().arg("compose").current_dir(app));
    logs_nothing(app, failed);
    change(app, "{ slow_ms = 600_000 }", "{ slow = 1 }");
    refuses_settings(app, "Unrecognized key: \"slow\"");
}

/// An app of a feature behind two middleware: `log` of this template, and one that reports what
/// reaches it.
fn add(template: &str, value: &str, wasi: &str, app: &Path) {
    let behind = if value == "async=yes" {
        "middleware-async"
    } else {
        "middleware"
    };
    let (feature, behind) = (fixture("conformance"), fixture(behind));
    let manifest = app.join("spin.toml");
    let text = format!(
        "spin_manifest_version = 2\n\
         [application]\nname = \"app\"\n\
         [[trigger.http]]\nroute = \"/mcp\"\ncomponent = \"mcp\"\n\
         [component.mcp]\nsource = \"mcp.wasm\"\nkey_value_stores = [\"default\"]\n\
         [component.mcp.tool.mcp]\nwasi = \"{wasi}\"\n\
         [component.mcp.tool.mcp.features.conformance]\nsource = {feature:?}\n"
    );
    fs::write(&manifest, text).unwrap();
    let template = Template::named(template);
    let template = if value.is_empty() {
        template
    } else {
        template.with(value)
    };
    template.add("log", &manifest);
    let text = fs::read_to_string(&manifest).unwrap();
    let keys = format!("source = {behind:?}\nsettings = {{ tell = \"behind\" }}");
    let behind = middleware("behind", &keys);
    fs::write(&manifest, text + "settings = {}\n" + &behind).unwrap();
}

const FAILED_IN_PYTHON: &str = "middleware `log` failed: KeyError: 'explode'";

fn build_python(app: &Path) {
    let package = app.join("log");
    python::install(&package);
    python::passes_its_tests(&package, 2);
    let fails = "    if \"explode\" in params:\n        raise KeyError(\"explode\")\n";
    edit(
        &package.join("app.py"),
        "    begun",
        &format!("{fails}    begun"),
    );
    expect_success(mcp().arg("build").current_dir(app));
    python::has_its_types(&package);
    has_size(&package.join("log.wasm"), 20_000_000);
}

/// The page shows code that the template has.
fn shows_its_code(page: &str, language: &str, file: &Path) {
    let page = fs::read_to_string(root().join(page)).unwrap();
    let start = format!("```{language}\n");
    let (_, rest) = page.split_once(&start).expect("the page has the block");
    let (block, _) = rest.split_once("```").expect("a block ends");
    let code = fs::read_to_string(file).unwrap();
    assert!(code.contains(block), "not in the template: {block}");
}

fn has_size(component: &Path, most: u64) {
    let size = fs::metadata(component).unwrap().len();
    assert!(size <= most, "`{}` has {size} bytes", component.display());
}

fn logs_what_passes(app: &Path, failed: &str) -> Duration {
    let server = Server::mcp(&app.join("mcp.wasm"), &[]);
    let streamed = passes_everything(&server, failed);
    server.wait_for("\"tools/call\" answered in ", PATIENCE);
    server.wait_for("\"resources/read\" failed in ", PATIENCE);
    streamed
}

fn logs_nothing(app: &Path, failed: &str) {
    let server = Server::mcp(&app.join("mcp.wasm"), &[]);
    passes_everything(&server, failed);
    let told = server.output();
    let logged = ["answered in ", "failed in "].map(|outcome| told.contains(outcome));
    assert_eq!(logged, [false; 2], "{told}");
}

/// Returns how long progress was on its way.
fn passes_everything(server: &Server, failed: &str) -> Duration {
    let tool = "test_simple_text";
    let answer = server.send(&call(tool, json!({}))).message();
    assert_eq!(text(&answer), "This is a simple text response for testing.");

    let error = |request| server.send(&request).message()["error"].take();
    let unknown = error(call("none", json!({})));
    assert_eq!(
        unknown,
        json!({"code": -32602, "message": "unknown tool `none`"})
    );
    let uri = "test://none";
    let unknown = error(modern("resources/read", json!({ "uri": uri })));
    assert_eq!(
        (&unknown["code"], &unknown["data"]),
        (&json!(-32602), &json!({ "uri": uri }))
    );
    let broken = error(call(tool, json!({"explode": true})));
    assert_eq!(broken, json!({"code": -32603, "message": failed}));

    let params = json!({
        "name": "test_tool_with_progress",
        "arguments": {},
        "_meta": {"progressToken": "p"},
    });
    let session = rpc::session(server, json!({}));
    server.wait_for("behind: notifications/initialized", PATIENCE);
    let requests = [
        modern("tools/call", params.clone()),
        rpc::legacy(Some(&session), "tools/call", params),
    ];
    let streamed = requests.map(|request| {
        let stream = Stream::open(server, &request);
        let progress = || stream.message()["params"]["progress"].take();
        assert_eq!(progress(), 0.0);
        let first = Instant::now();
        assert_eq!([progress(), progress()], [50.0, 100.0]);
        assert_eq!(text(&stream.message()), "reported progress three times");
        first.elapsed()
    });
    streamed[0].min(streamed[1])
}

/// Compose reads lists through the middleware, so it reports the error.
fn refuses_settings(app: &Path, why: &str) {
    let output = mcp().arg("compose").current_dir(app).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    let told_of = format!("the settings of `log`: {why}");
    assert!(
        !output.status.success() && told.contains(&told_of),
        "{told}"
    );
}

/// Changes `spin.toml`.
fn change(app: &Path, from: &str, to: &str) {
    edit(&app.join("spin.toml"), from, to);
}

fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "`{}` lacks {from}", file.display());
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}
