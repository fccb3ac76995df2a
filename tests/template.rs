//! The template `mcp-tool`, as a user meets it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use spin_mcp::app::App;
use template::Template;

#[path = "support/template.rs"]
mod template;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The largest feature component that the template may build, in bytes.
const MAX_FEATURE: u64 = 180_000;
/// The largest server of one such feature.
const MAX_SERVER: u64 = 400_000;

#[test]
fn wit_is_a_copy_of_the_contract() {
    let copies = root().join("templates/mcp-tool/content/wit/deps/spin-mcp-server");
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
    assert_eq!(count, 2);
}

#[test]
fn new_app_has_one_feature() {
    let dir = tempfile::tempdir().unwrap();
    Template::named("mcp-tool").new_app("My Server", dir.path());
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
        feature.source,
        dir.path()
            .join("target/wasm32-wasip2/release/my_server.wasm")
    );
    assert_eq!(feature.workdir, dir.path());
    for file in [
        "Cargo.toml",
        ".gitignore",
        "src/lib.rs",
        "src/mcp.rs",
        "wit/world.wit",
    ] {
        assert!(dir.path().join(file).is_file(), "no `{file}`");
    }
    let lib = fs::read_to_string(dir.path().join("src/lib.rs")).unwrap();
    assert!(
        lib.lines().count() <= 40,
        "the first file a user sees got long"
    );
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
        text.source,
        dir.path()
            .join("text/target/wasm32-wasip2/release/text.wasm")
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
    let dir = tempfile::tempdir().unwrap();
    let manifest = dir.path().join("spin.toml");
    let before = "spin_manifest_version = 2\n\n[application]\nname = \"shop\"\n\n[[trigger.http]]\nroute = \"/...\"\ncomponent = \"web\"\n\n[component.web]\nsource = \"web.wasm\"\n";
    fs::write(&manifest, before).unwrap();
    Template::named("mcp-tool").add("text", &manifest);
    let app = App::load(&manifest, None).unwrap();
    assert_eq!(
        (app.component.as_str(), app.server.name.as_str()),
        ("mcp", "shop")
    );
    assert_eq!(app.output, dir.path().join("mcp.wasm"));
    assert_eq!(app.features.len(), 1);

    let mut edited = spin_mcp::app::Manifest::open(&manifest).unwrap();
    edited.ensure_server(None).unwrap();
    assert_eq!(
        edited.changes(),
        [] as [String; 0],
        "the snippet lacks something"
    );
}

/// Two features, as `spin new` and `spin add` write them: tested, built, composed, called.
#[test]
fn scaffolded_app_is_tested_built_and_called() {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path();
    let template = Template::named("mcp-tool");
    template.new_app("my-server", app);
    template.add("text", &app.join("spin.toml"));
    share_target(app);
    share_target(&app.join("text"));

    run(cargo(app).args(["fmt", "--check"]));
    let tests = run(cargo(app).arg("test"));
    assert!(
        stdout(&tests).contains("2 passed; 0 failed"),
        "{}",
        stdout(&tests)
    );

    // From below, as a user may.
    let built = run(mcp(&app.join("text/src")).arg("build"));
    let size = fs::metadata(app.join("mcp.wasm")).unwrap().len();
    let told = stdout(&built);
    assert!(told.contains(": 2 features, 2 tools, "), "{told}");
    assert!(
        told.ends_with(&format!(" {} KB\n", size.div_ceil(1000))),
        "{told}"
    );
    let told = String::from_utf8_lossy(&built.stderr);
    let first = told
        .find("built feature `my-server` in ")
        .expect("it tells of each");
    assert!(
        first
            < told
                .find("built feature `text` in ")
                .expect("it tells of each"),
        "{told}"
    );

    let feature = app.join("target/wasm32-wasip2/release/my_server.wasm");
    let one = app.join("one.wasm");
    run(mcp(app).arg("compose").arg(&feature).arg("-o").arg(&one));
    for (file, most) in [(feature, MAX_FEATURE), (one, MAX_SERVER)] {
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

/// Gives a package a target folder that stays warm from run to run.
fn share_target(package: &Path) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("template");
    fs::create_dir_all(&target).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(target, package.join("target")).unwrap();
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
