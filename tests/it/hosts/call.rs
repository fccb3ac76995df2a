//! `mcp call`: what it prints, and where.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Output, Stdio},
    sync::OnceLock,
};

use crate::support::{self, compose, fixture, mcp};

/// Servers of the features `echo`, `misbehave` and `conformance`.
fn component(wasi: &str) -> PathBuf {
    static COMPOSED: OnceLock<tempfile::TempDir> = OnceLock::new();
    let dir = COMPOSED.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let features = [
            fixture("echo"),
            fixture("misbehave"),
            fixture("conformance"),
        ];
        for wasi in ["0.2", "0.3"] {
            compose(dir.path(), wasi, &features);
        }
        dir
    });
    dir.path().join(format!("server-{wasi}.wasm"))
}

fn call(wasi: &str, words: &[&str]) -> (bool, String, String) {
    finished(
        mcp()
            .arg("call")
            .arg(component(wasi))
            .args(words)
            .output()
            .unwrap(),
    )
}

fn finished(output: Output) -> (bool, String, String) {
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (
        output.status.success(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn text_goes_to_stdout() {
    for wasi in ["0.2", "0.3"] {
        let (ok, stdout, stderr) = call(wasi, &["echo", r#"{"message": "hé"}"#]);
        assert_eq!((ok, stdout.as_str(), stderr.as_str()), (true, "hé\n", ""));
    }
}

#[test]
fn the_whole_result_is_there_as_json() {
    let (ok, stdout, _) = call("0.2", &["echo", r#"{"message": "x"}"#, "--json"]);
    let result: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert!(ok);
    assert_eq!(result["content"][0]["text"], "x");
    assert_eq!(result["resultType"], "complete");
}

#[test]
fn what_is_no_text_is_named() {
    let (ok, stdout, _) = call("0.2", &["test_image_content"]);
    assert!(ok && stdout.starts_with("[image image/png, "), "{stdout}");
}

#[test]
fn arguments_may_come_from_stdin() {
    let mut child = mcp()
        .arg("call")
        .arg(component("0.2"))
        .args(["echo", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(br#"{"message": "piped"}"#)
        .unwrap();
    let (ok, stdout, _) = finished(child.wait_with_output().unwrap());
    assert_eq!((ok, stdout.as_str()), (true, "piped\n"));
}

#[test]
fn progress_goes_to_stderr() {
    let (ok, stdout, stderr) = call("0.2", &["test_tool_with_progress"]);
    assert!(ok && !stdout.contains("progress 50/100"), "{stdout}");
    assert!(stderr.contains("progress 50/100"), "{stderr}");
}

#[test]
fn parameters_that_travel_as_headers_arrive() {
    let arguments = r#"{"region": "ü", "query": "x"}"#;
    let (ok, stdout, stderr) = call("0.2", &["test_header_parameters", arguments]);
    assert!(ok && stdout.contains("ü"), "{stdout}{stderr}");
}

#[test]
fn a_tool_that_fails_says_so_on_stderr() {
    let (ok, stdout, stderr) = call("0.2", &["test_error_handling"]);
    let expected = "error: tool `test_error_handling` failed\n\nCaused by:\n  \
                    This tool intentionally returns an error for testing\n";
    assert_eq!(
        (ok, stdout.as_str(), stderr.as_str()),
        (false, "", expected)
    );
}

#[test]
fn what_goes_wrong_is_one_error() {
    for (words, expected) in [
        (
            &["ech"][..],
            "error: unknown tool `ech`: did you mean `echo`?\n",
        ),
        (
            &["echo", "{\"message\":"],
            "error: the arguments are not valid JSON: EOF while parsing a value at line 1 column 11; \
             write a JSON object in single quotes, such as '{\"a\": 1}'\n",
        ),
        (
            &["echo", "[]"],
            "error: the arguments are an array, not an object; \
             write a JSON object in single quotes, such as '{\"a\": 1}'\n",
        ),
        (
            &["spin", "--timeout", "1"],
            "error: tool `spin` failed\n\nCaused by:\n  the request took longer than 1 s (-32603)\n",
        ),
        (
            &["test_missing_capability"],
            "error: tool `test_missing_capability` failed\n\nCaused by:\n  tool `test_missing_capability` needs \
             capabilities that the client did not declare: `sampling` (-32021)\n",
        ),
        (
            &[],
            "error: no tool to call; `spin mcp inspect SERVER` lists the tools\n",
        ),
    ] {
        let (ok, stdout, stderr) = call("0.2", words);
        assert_eq!(
            (ok, stdout.as_str(), stderr.as_str()),
            (false, "", expected)
        );
    }
}

#[test]
fn without_a_server_it_is_that_of_the_app() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("spin.toml"),
        "spin_manifest_version = 2\n[application]\nname = \"app\"\nversion = \"1.0.0\"\n\
         [[trigger.http]]\nroute = \"/mcp\"\ncomponent = \"mcp\"\n\
         [component.mcp]\nsource = \"mcp.wasm\"\n[component.mcp.tool.mcp.features.echo]\nsource = \"echo.wasm\"\n",
    )
    .unwrap();
    let call = || {
        let words = ["call", "echo", r#"{"message": "x"}"#];
        finished(mcp().args(words).current_dir(dir.path()).output().unwrap())
    };
    let (ok, _, stderr) = call();
    assert!(!ok && stderr.contains("run `spin mcp build`"), "{stderr}");
    std::fs::copy(component("0.2"), dir.path().join("mcp.wasm")).unwrap();
    assert_eq!(call(), (true, "x\n".into(), String::new()));
}

#[test]
fn only_a_feature_that_may_sees_the_environment() {
    let dir = tempfile::tempdir().unwrap();
    let server = dir.path().join("server.wasm");
    for wasi in ["0.2", "0.3"] {
        for (grants, seen) in [
            (&[][..], "nothing\n"),
            (&["--allow", "misbehave=env"], "secret\n"),
        ] {
            let mut compose = mcp();
            compose
                .args(["compose", "--wasi", wasi])
                .args(grants)
                .arg(fixture("misbehave"));
            support::expect_success(compose.arg("-o").arg(&server));
            let mut call = mcp();
            call.arg("call")
                .arg(&server)
                .args(["variable", "--env", "FIXTURE=secret"]);
            let (ok, stdout, stderr) = finished(call.output().unwrap());
            assert_eq!((ok, stdout.as_str()), (true, seen), "WASI {wasi}: {stderr}");
        }
    }
}

#[test]
fn compiled_code_is_kept_and_not_needed() {
    let call = |cache: &std::path::Path| {
        let mut command = mcp();
        command.arg("call").arg(component("0.2"));
        command.args(["echo", r#"{"message": "hello"}"#]);
        finished(command.env("XDG_CACHE_HOME", cache).output().unwrap())
    };
    let kept = |dir: &std::path::Path| -> Vec<PathBuf> {
        let compilers = std::fs::read_dir(dir.join("wasmtime/modules")).expect("a cache");
        compilers
            .flat_map(|compiler| std::fs::read_dir(compiler.unwrap().path()).unwrap())
            .map(|file| file.unwrap().path())
            .filter(|file| file.extension().is_none())
            .collect()
    };
    let said = (true, "hello\n".to_owned(), String::new());
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(call(dir.path()), said);
    let first = kept(dir.path());
    assert_eq!(first.len(), 1, "{first:?}");
    let written = |file: &PathBuf| file.metadata().unwrap().modified().unwrap();
    let compiled = written(&first[0]);
    assert_eq!(call(dir.path()), said);
    assert_eq!(kept(dir.path()), first);
    assert_eq!(written(&first[0]), compiled, "it was compiled again");

    std::fs::write(&first[0], "damaged").unwrap();
    assert_eq!(call(dir.path()), said);
    let no_folder = dir.path().join("file");
    std::fs::write(&no_folder, "").unwrap();
    assert_eq!(call(&no_folder), said);
}
