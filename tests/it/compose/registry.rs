//! Components in a registry: Debian's `docker-registry`, on loopback.

use std::fs;
use std::path::Path;

use crate::support::registry::{Fault, PASSWORD, Registry, USER, failure, proxy};
use crate::support::{self, blocks, expect_success, fixture, middleware, needs, settle};
use serde_json::{Value, json};

/// An app with these features, by name and source.
fn app(features: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write_app(dir.path(), features);
    dir
}

fn write_app(dir: &Path, features: &[(&str, &str)]) {
    let mut text = String::from(
        "spin_manifest_version = 2\n\n[application]\nname = \"shop\"\n\n[[trigger.http]]\nroute = \"/mcp\"\n\
         component = \"mcp\"\n\n[component.mcp]\nsource = \"mcp.wasm\"\n",
    );
    for (name, source) in features {
        text += &format!("\n[component.mcp.tool.mcp.features.{name}]\nsource = {source}\n");
    }
    fs::write(dir.join("spin.toml"), text).unwrap();
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn lock(dir: &Path) -> String {
    fs::read_to_string(dir.join("mcp.lock")).unwrap()
}

/// What `inspect --json` says of the composed server's first feature.
fn first_feature(registry: &Registry, server: &Path) -> Value {
    let server = server.to_str().unwrap();
    let output = expect_success(&mut registry.mcp(Path::new("."), &["inspect", server, "--json"]));
    let record: Value = serde_json::from_slice(&output.stdout).unwrap();
    record["features"][0].clone()
}

#[test]
fn a_feature_is_pushed_and_composed_by_tag_and_by_digest() {
    needs!("docker-registry");
    let registry = Registry::start();
    let digest = registry.push("org/echo:1.0.0", &fixture("echo"));
    let dir = tempfile::tempdir().unwrap();
    let tag = registry.image("org/echo:1.0.0");
    let exact = registry.image(&format!("org/echo@{digest}"));
    for image in [&tag, &exact] {
        registry.clear_cache();
        expect_success(&mut registry.mcp(dir.path(), &["compose", image, "-o", "server.wasm"]));
        let feature = first_feature(&registry, &dir.path().join("server.wasm"));
        assert_eq!(feature["name"], "echo");
        assert_eq!(feature["source"], **image);
        let arguments = ["call", "server.wasm", "echo", r#"{"message": "hello"}"#];
        let output = expect_success(&mut registry.mcp(dir.path(), &arguments));
        assert_eq!(output.stdout, b"hello\n");
    }
    // The same component again is the same image.
    assert_eq!(registry.push("org/echo:1.0.0", &fixture("echo")), digest);
}

/// What `inspect --json` says of an image.
fn inspect(registry: &Registry, image: &str) -> Value {
    let output = expect_success(&mut registry.mcp(Path::new("."), &["inspect", image, "--json"]));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_component_without_mcp_is_pushed_and_composed() {
    needs!("docker-registry");
    let registry = Registry::start();
    registry.push("org/people:1.0.0", &fixture("plain"));
    let dir = tempfile::tempdir().unwrap();
    let image = registry.image("org/people:1.0.0");
    let pushed = inspect(&registry, &image);
    assert_eq!(
        (&pushed["contract"], &pushed["version"]),
        (&Value::Null, &json!("1.0.0"))
    );
    assert_eq!(pushed["catalog"]["tools"].as_array().unwrap().len(), 9);
    let shown = expect_success(&mut registry.mcp(dir.path(), &["inspect", &image]));
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(!shown.contains("  needs "), "only types: {shown}");

    // As other tools publish it: without annotations.
    let manifest = registry.http("GET /v2/org/people/manifests/1.0.0 HTTP/1.1\r\nAccept: application/vnd.oci.image.manifest.v1+json", "");
    let mut manifest: Value = serde_json::from_str(&manifest).unwrap();
    manifest.as_object_mut().unwrap().remove("annotations");
    let head = "PUT /v2/org/people/manifests/bare HTTP/1.1\r\nContent-Type: application/vnd.oci.image.manifest.v1+json";
    assert_eq!(registry.http(head, &manifest.to_string()), "");
    let bare = registry.image("org/people:bare");
    assert_eq!(inspect(&registry, &bare)["catalog"], pushed["catalog"]);

    expect_success(&mut registry.mcp(dir.path(), &["compose", &bare]));
    let feature = first_feature(&registry, &dir.path().join("mcp.wasm"));
    assert_eq!(
        (&feature["name"], &feature["source"]),
        (&json!("people"), &json!(bare))
    );
    let arguments = ["call", "mirror", r#"{"point": {"x": 1.5, "y": -2}}"#];
    let output = expect_success(&mut registry.mcp(dir.path(), &arguments));
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "{\"x\":-1.5,\"y\":2.0}\n"
    );
}

#[test]
fn an_app_keeps_in_its_lock_what_a_tag_stands_for() {
    needs!("docker-registry");
    let mut registry = Registry::start();
    let digest = registry.push("org/echo:1", &fixture("echo"));
    let image = registry.image("org/echo:1");
    let app = app(&[("echo", &quoted(&image))]);
    let compose =
        |arguments: &[&str]| registry.mcp(app.path(), &[&["compose"], arguments].concat());

    assert_eq!(
        failure(&mut compose(&["--locked"])),
        format!(
            "error: cannot get the component of feature `echo`\n\nCaused by:\n  `mcp.lock` has no digest for `{image}`, and \
             `--locked` forbids changing it; run the command without `--locked`, and commit the file\n"
        )
    );
    expect_success(&mut compose(&[]));
    let written = lock(app.path());
    assert_eq!(
        written,
        format!(
            "# Written by `spin mcp`: the digest of each tag in spin.toml. Keep this file under version control.\n\
             # `spin mcp update` moves tags.\nversion = 1\n\n[[image]]\nreference = \"{image}\"\n\
             digest = \"{digest}\"\n"
        )
    );

    // The tag moves; the app stays, whether or not the cache is there.
    let moved = registry.push("org/echo:1", &fixture("prompts"));
    assert_ne!(moved, digest);
    for _ in 0..2 {
        expect_success(&mut compose(&["--locked"]));
        let feature = first_feature(&registry, &app.path().join("mcp.wasm"));
        assert_eq!(feature["tools"][0]["name"], "echo");
        registry.clear_cache();
    }
    assert_eq!(lock(app.path()), written);

    let update = expect_success(&mut registry.mcp(app.path(), &["update", "echo"]));
    assert_eq!(
        String::from_utf8(update.stdout).unwrap(),
        format!(
            "echo: {image} was {}, is now {}\n",
            &digest[..19],
            &moved[..19]
        )
    );
    assert_eq!(lock(app.path()), written.replace(&digest, &moved));
    let again = expect_success(&mut registry.mcp(app.path(), &["update"]));
    assert_eq!(
        String::from_utf8(again.stdout).unwrap(),
        format!("echo: {image} is still {}\n", &moved[..19])
    );

    // What was pulled once needs no registry.
    registry.stop();
    let offline = ["compose", "--locked"];
    expect_success(&mut registry.mcp(app.path(), &offline));
    let feature = first_feature(&registry, &app.path().join("mcp.wasm"));
    assert_eq!(feature["tools"], json!([]));

    // The lock forgets what no feature uses.
    let file = fixture("echo");
    write_app(app.path(), &[("echo", &quoted(file.to_str().unwrap()))]);
    assert_eq!(
        failure(&mut registry.mcp(app.path(), &["build", "--locked"])),
        format!(
            "error: `mcp.lock` has the unused reference `{image}`, and `--locked` forbids changing it; run the \
             command without `--locked`, and commit the file\n"
        )
    );
    expect_success(&mut registry.mcp(app.path(), &["build"]));
    assert!(!app.path().join("mcp.lock").exists());
}

#[test]
fn what_was_pulled_and_damaged_is_pulled_again() {
    needs!("docker-registry");
    let mut registry = Registry::start();
    registry.push("org/echo:1", &fixture("echo"));
    let app = app(&[("echo", &quoted(&registry.image("org/echo:1")))]);
    expect_success(&mut registry.mcp(app.path(), &["compose"]));
    let cache = registry.home().join("cache/spin-mcp/sha256");
    for entry in fs::read_dir(&cache).unwrap() {
        fs::write(entry.unwrap().path(), "damaged").unwrap();
    }
    expect_success(&mut registry.mcp(app.path(), &["compose", "--locked"]));
    for entry in fs::read_dir(&cache).unwrap() {
        assert_ne!(fs::read(entry.unwrap().path()).unwrap(), b"damaged");
    }
    registry.clear_cache();
    registry.stop();
    let host = registry.address();
    let told = failure(&mut registry.mcp(app.path(), &["compose"]));
    assert!(
        told.contains(&format!(
            "  cannot reach registry `{host}`: Connection refused (os error 111); check its name"
        )),
        "{told}"
    );
}

#[test]
fn a_reference_is_added_to_the_app() {
    needs!("docker-registry");
    let registry = Registry::start();
    registry.push("org/echo:1", &fixture("echo"));
    let app = tempfile::tempdir().unwrap();
    let image = registry.image("org/echo:1");
    let output = expect_success(&mut registry.mcp(app.path(), &["compose", &image]));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        told.contains(&format!(
            "spin.toml: added feature `echo` with source `{image}`\n"
        )),
        "{told}"
    );
    let manifest = fs::read_to_string(app.path().join("spin.toml")).unwrap();
    assert!(
        manifest.contains(&format!("features.echo]\nsource = \"{image}\"\n")),
        "{manifest}"
    );
    assert!(lock(app.path()).contains(&image));
}

#[test]
fn what_the_registry_does_not_have_is_told() {
    needs!("docker-registry");
    let registry = Registry::start();
    let digest = registry.push("org/echo:1", &fixture("echo"));
    let host = registry.address();
    let dir = tempfile::tempdir().unwrap();
    let compose = |name: &str| {
        let image = registry.image(name);
        failure(&mut registry.mcp(dir.path(), &["compose", &image, "-o", "server.wasm"]))
    };
    assert_eq!(
        compose("org/echo:2"),
        format!(
            "error: cannot pull `{host}/org/echo:2`\n\nCaused by:\n  registry `{host}` has no `org/echo` with the \
             tag `2`; correct the reference, or push the component with `spin mcp push`\n"
        )
    );
    let wrong = format!("sha256:{}", "0f".repeat(32));
    assert_eq!(
        compose(&format!("org/echo@{wrong}")),
        format!(
            "error: cannot pull `{host}/org/echo@{wrong}`\n\nCaused by:\n  registry `{host}` has no `org/echo` with \
             the digest `{wrong}`; correct the reference, or push the component with `spin mcp push`\n"
        )
    );
    // A digest that the lock has and the registry has not.
    let image = registry.image("org/echo:1");
    let app = app(&[("echo", &quoted(&image))]);
    expect_success(&mut registry.mcp(app.path(), &["compose"]));
    let stale = lock(app.path()).replace(&digest, &wrong);
    fs::write(app.path().join("mcp.lock"), stale).unwrap();
    assert_eq!(
        failure(&mut registry.mcp(app.path(), &["compose"])),
        format!(
            "error: cannot get the component of feature `echo`\n\nCaused by:\n  cannot pull `{image}`\n  `mcp.lock` has the digest \
             `{wrong}`; `spin mcp update` asks the registry again\n  registry `{host}` has no `org/echo` with the digest \
             `{wrong}`; correct the reference, or push the component with `spin mcp push`\n"
        )
    );
    assert!(!dir.path().join("server.wasm").exists());
}

/// Composes through a proxy that misbehaves, and returns the last line of its error.
fn through(fault: Fault) -> String {
    let registry = Registry::start();
    registry.push("org/echo:1", &fixture("echo"));
    let host = proxy(&registry, fault);
    let dir = tempfile::tempdir().unwrap();
    let image = format!("{host}/org/echo:1");
    let told = failure(&mut registry.mcp(dir.path(), &["compose", &image, "-o", "server.wasm"]));
    let cache = registry.home().join("cache/spin-mcp/sha256");
    let kept = fs::read_dir(cache).map_or(0, |entries| entries.count());
    assert!(kept <= 1, "beside the manifest, nothing is kept");
    let told = told.replace(&host.to_string(), "HOST");
    let size = fs::metadata(fixture("echo")).unwrap().len();
    let told = told
        .replace(&size.to_string(), "SIZE")
        .replace(&(size / 2).to_string(), "HALF");
    let last = told.lines().last().unwrap().trim().to_owned();
    assert!(
        told.starts_with("error: cannot pull `HOST/org/echo:1`\n"),
        "{told}"
    );
    last
}

fn is_layer(request: &str) -> bool {
    request.starts_with("GET") && request.contains("/blobs/")
}

#[test]
fn a_layer_that_breaks_off_is_told() {
    needs!("docker-registry");
    let told = through(|request, head, mut body| {
        if is_layer(request) {
            body.truncate(body.len() / 2);
        }
        Some((head, body))
    });
    assert!(
        told.starts_with("the connection failed after HALF of SIZE bytes"),
        "{told}"
    );
}

#[test]
fn a_layer_that_is_shorter_is_told() {
    needs!("docker-registry");
    let told = through(|request, head, mut body| {
        if !is_layer(request) {
            return Some((head, body));
        }
        let whole = format!("Content-Length: {}", body.len());
        body.truncate(body.len() / 2);
        let half = format!("Content-Length: {}", body.len());
        Some((head.replace(&whole, &half), body))
    });
    assert_eq!(
        told,
        "the download ended after HALF of SIZE bytes; try again"
    );
}

#[test]
fn a_layer_that_is_longer_is_told() {
    needs!("docker-registry");
    let told = through(|request, head, mut body| {
        if !is_layer(request) {
            return Some((head, body));
        }
        let length = format!("Content-Length: {}\r\n", body.len());
        body.resize(body.len() + (1 << 20), 0);
        Some((head.replace(&length, ""), body))
    });
    assert_eq!(
        told,
        "the download is larger than the SIZE bytes in its manifest"
    );
}

#[test]
fn a_layer_that_is_another_one_is_told() {
    needs!("docker-registry");
    let told = through(|request, head, mut body| {
        if is_layer(request) {
            let last = body.last_mut().unwrap();
            *last ^= 1;
        }
        Some((head, body))
    });
    assert!(
        told.starts_with("wrong content: its digest is `sha256:"),
        "{told}"
    );
}

#[test]
fn a_connection_that_is_dropped_is_told() {
    needs!("docker-registry");
    let told = through(|request, head, body| (!is_layer(request)).then_some((head, body)));
    assert!(
        told.starts_with("connection to registry `HOST` failed: "),
        "{told}"
    );
    assert!(told.ends_with("; try again"), "{told}");
}

#[test]
fn a_manifest_without_end_is_told() {
    needs!("docker-registry");
    let told = through(|request, head, mut body| {
        if !request.contains("/manifests/") {
            return Some((head, body));
        }
        let length = format!("Content-Length: {}\r\n", body.len());
        body.resize(8 << 20, b' ');
        Some((head.replace(&length, ""), body))
    });
    assert_eq!(
        told,
        "the manifest from registry `HOST` is larger than 4 MB"
    );
}

#[test]
fn redirects_without_end_are_told() {
    needs!("docker-registry");
    let told = through(|request, head, body| {
        if !is_layer(request) {
            return Some((head, body));
        }
        let path = request.split(' ').nth(1).unwrap();
        let head =
            format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {path}\r\nContent-Length: 0\r\n");
        Some((head, vec![]))
    });
    assert_eq!(
        told,
        "invalid redirect from registry `HOST`: too many redirects"
    );
}

#[test]
fn what_a_registry_says_is_told() {
    needs!("docker-registry");
    let told = through(|request, head, body| {
        if !request.contains("/manifests/") {
            return Some((head, body));
        }
        let body = br#"{"errors": [{"code": "UNKNOWN", "message": "out of\u001b[31m disks"}]}"#;
        let length = body.len();
        let head = format!("HTTP/1.1 503 Service Unavailable\r\nContent-Length: {length}\r\n");
        Some((head, body.to_vec()))
    });
    assert_eq!(
        told,
        "registry `HOST` answered 503 Service Unavailable: out of[31m disks"
    );
}

/// The response of a registry that serves only those who bring the token `let-me-in`. `asks`: the
/// request is the one that gets the token.
fn for_a_token(
    request: &str,
    asks: bool,
    token: &str,
    response: (String, Vec<u8>),
) -> Option<(String, Vec<u8>)> {
    if asks {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", token.len());
        return Some((head, token.into()));
    }
    let request = request.to_ascii_lowercase();
    if request.contains("authorization: bearer let-me-in") {
        return Some(response);
    }
    let mut lines = request.lines();
    let host = lines.find_map(|line| line.strip_prefix("host: ")).unwrap();
    let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"test\"");
    let head = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n";
    Some((format!("{head}WWW-Authenticate: {challenge}\r\n"), vec![]))
}

#[test]
fn a_token_is_fetched_where_the_registry_wants_one() {
    needs!("docker-registry");
    let registry = Registry::start();
    registry.push("org/echo:1", &fixture("echo"));
    let host = proxy(&registry, |request, head, body| {
        let path = request.split(' ').nth(1).unwrap();
        let asks = path == "/token?scope=repository%3Aorg%2Fecho%3Apull&service=test";
        for_a_token(request, asks, r#"{"token": "let-me-in"}"#, (head, body))
    });
    let dir = tempfile::tempdir().unwrap();
    let image = format!("{host}/org/echo:1");
    expect_success(&mut registry.mcp(dir.path(), &["compose", &image, "-o", "server.wasm"]));
}

/// An image that everyone may pull, from a registry that refuses wrong credentials.
#[test]
fn a_public_image_is_pulled_with_stale_credentials() {
    needs!("docker-registry");
    let registry = Registry::start();
    registry.push("org/echo:1", &fixture("echo"));
    let host = proxy(&registry, |request, head, body| {
        let is_stale = request
            .to_ascii_lowercase()
            .contains("authorization: basic");
        match (is_stale, request.split(' ').nth(1).unwrap()) {
            (true, _) => Some((
                "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n".to_owned(),
                vec![],
            )),
            _ => Some((head, body)),
        }
    });
    let credentials = json!({"auths": {host.to_string(): {"auth": encoded(USER, "stale")}}});
    docker(&registry, &credentials);
    let dir = tempfile::tempdir().unwrap();
    let image = format!("{host}/org/echo:1");
    expect_success(&mut registry.mcp(dir.path(), &["compose", &image, "-o", "server.wasm"]));
    // What is not public still says that the credentials are at fault.
    let private = Registry::private();
    let image = private.image("org/echo:1");
    let host = private.address().to_string();
    docker(
        &private,
        &json!({"auths": {&host: {"auth": encoded(USER, "stale")}}}),
    );
    let told = failure(&mut private.mcp(dir.path(), &["compose", &image, "-o", "server.wasm"]));
    assert!(told.contains("rejected the stored credentials"), "{told}");
}

/// What `docker login` gets from some cloud providers: a token to exchange.
#[test]
fn an_identity_token_is_exchanged() {
    needs!("docker-registry");
    let registry = Registry::start();
    let host = proxy(&registry, |request, head, body| {
        let asks = request.starts_with("POST /token ");
        for_a_token(
            request,
            asks,
            r#"{"access_token": "let-me-in"}"#,
            (head, body),
        )
    });
    docker(
        &registry,
        &json!({"auths": {host.to_string(): {"auth": encoded("00000000-0000-0000-0000-000000000000", ""),
            "identitytoken": "refresh me"}}}),
    );
    registry.push("org/echo:1", &fixture("echo"));
    let dir = tempfile::tempdir().unwrap();
    let image = format!("{host}/org/echo:1");
    expect_success(&mut registry.mcp(dir.path(), &["compose", &image, "-o", "server.wasm"]));
}

/// Writes a user's Docker configuration.
fn docker(registry: &Registry, config: &Value) {
    let dir = registry.home().join(".docker");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("config.json"), config.to_string()).unwrap();
}

fn encoded(user: &str, password: &str) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(format!("{user}:{password}"))
}

#[test]
fn a_private_registry_takes_those_who_have_logged_in() {
    needs!("docker-registry");
    let registry = Registry::private();
    let host = registry.address().to_string();
    let image = registry.image("org/echo:1");
    let echo = fixture("echo");
    let dir = tempfile::tempdir().unwrap();
    let push = || registry.mcp(dir.path(), &["push", &image, echo.to_str().unwrap()]);
    let pull = || registry.mcp(dir.path(), &["compose", &image, "-o", "server.wasm"]);

    let nobody = format!(
        "registry `{host}` requires authentication, and no credentials are stored; run `docker login {host}` or \
         `spin registry login {host}`\n"
    );
    assert_eq!(
        failure(&mut push()),
        format!("error: cannot push `{image}`\n\nCaused by:\n  {nobody}")
    );
    assert_eq!(
        failure(&mut pull()),
        format!("error: cannot pull `{image}`\n\nCaused by:\n  {nobody}")
    );

    docker(
        &registry,
        &json!({"auths": {&host: {"auth": encoded(USER, "wrong")}}}),
    );
    assert_eq!(
        failure(&mut pull()),
        format!(
            "error: cannot pull `{image}`\n\nCaused by:\n  registry `{host}` rejected the stored credentials; \
             run `docker login {host}` or `spin registry login {host}`\n"
        )
    );

    docker(
        &registry,
        &json!({"auths": {&host: {"auth": encoded(USER, PASSWORD)}}}),
    );
    expect_success(&mut push());
    expect_success(&mut pull());

    // A helper of Docker's.
    registry.clear_cache();
    docker(&registry, &json!({"credHelpers": {&host: "test"}}));
    assert_eq!(
        failure(&mut pull()),
        format!(
            "error: cannot pull `{image}`\n\nCaused by:\n  registry `{host}` requires authentication, and no \
             credentials are stored (cannot run the credential helper in Docker's configuration); run `docker login \
             {host}` or `spin registry login {host}`\n"
        )
    );
    let helper = dir.path().join("docker-credential-test");
    let answer = json!({"ServerURL": &host, "Username": USER, "Secret": PASSWORD});
    fs::write(
        &helper,
        format!("#!/bin/sh\n[ \"$1\" = get ] && [ \"$(cat)\" = {host} ] && echo '{answer}'\n"),
    )
    .unwrap();
    expect_success(std::process::Command::new("chmod").arg("+x").arg(&helper));
    let path = format!(
        "{}:{}",
        dir.path().display(),
        std::env::var("PATH").unwrap()
    );
    expect_success(pull().env("PATH", path));

    // What `podman login` wrote, for a part of the registry.
    registry.clear_cache();
    fs::remove_dir_all(registry.home().join(".docker")).unwrap();
    let login = json!({"auths": {&host: {"auth": encoded(USER, "wrong")},
        format!("{host}/org"): {"auth": encoded(USER, PASSWORD)}}});
    let file = dir.path().join("auth.json");
    fs::write(&file, login.to_string()).unwrap();
    expect_success(pull().env("REGISTRY_AUTH_FILE", &file));
    registry.clear_cache();
    let podman = registry.home().join("config/containers");
    fs::create_dir_all(&podman).unwrap();
    fs::rename(&file, podman.join("auth.json")).unwrap();
    expect_success(&mut pull());
    fs::remove_dir_all(podman).unwrap();

    // What `spin registry login` wrote.
    registry.clear_cache();
    let config = registry.home().join("config/fermyon");
    fs::create_dir_all(&config).unwrap();
    let logins = json!({"auths": {&host: encoded(USER, PASSWORD)}});
    fs::write(config.join("registry-auth.json"), logins.to_string()).unwrap();
    expect_success(&mut pull());
}

#[test]
fn an_image_that_is_no_component_is_refused() {
    needs!("docker-registry");
    let registry = Registry::start();
    registry.push("org/echo:1", &fixture("echo"));
    let manifest = registry.http("GET /v2/org/echo/manifests/1 HTTP/1.1\r\nAccept: application/vnd.oci.image.manifest.v1+json", "");
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let layer = manifest["layers"][0].clone();
    let put = |tag: &str, kinds: &[&str]| {
        let mut image = manifest.clone();
        let layers = kinds.iter().map(|kind| {
            let mut layer = layer.clone();
            layer["mediaType"] = json!(kind);
            layer
        });
        image["layers"] = layers.collect();
        let head = format!(
            "PUT /v2/org/echo/manifests/{tag} HTTP/1.1\r\nContent-Type: application/vnd.oci.image.manifest.v1+json"
        );
        assert_eq!(registry.http(&head, &image.to_string()), "");
    };
    let dir = tempfile::tempdir().unwrap();
    let pull = |tag: &str| {
        let image = registry.image(&format!("org/echo:{tag}"));
        registry.mcp(dir.path(), &["compose", &image, "-o", "server.wasm"])
    };
    let (spin, app) = (
        "application/vnd.wasm.content.layer.v1+wasm",
        "application/vnd.fermyon.spin.application.v1+config",
    );
    put("two", &["application/wasm", "application/wasm"]);
    put("app", &[spin, spin, app]);
    put(
        "container",
        &["application/vnd.oci.image.layer.v1.tar+gzip"],
    );
    for (tag, reason) in [
        ("two", "the image has 2 layers instead of one"),
        (
            "app",
            "the image is a Spin app with several components or files",
        ),
        (
            "container",
            "the image is not a component: its layers have the type",
        ),
    ] {
        let told = failure(&mut pull(tag));
        assert!(
            told.contains(&format!("org/echo:{tag}`\n\nCaused by:\n  {reason}")),
            "{told}"
        );
    }
    // A Spin app of one component is that component.
    put("single", &[spin, app]);
    expect_success(&mut pull("single"));
}

#[test]
fn a_published_component_says_what_it_is() {
    needs!("docker-registry");
    let registry = Registry::start();
    let image = registry.image("org/text:1.2.0");
    let echo = fixture("echo");
    let labels = [
        "--title",
        "Text",
        "--description",
        "Says it again",
        "--license",
        "Apache-2.0",
        "--source",
        "https://example.com/text",
    ];
    let push = [&["push", &image, echo.to_str().unwrap()], &labels[..]].concat();
    let output = expect_success(&mut registry.mcp(Path::new("."), &push));
    let told = String::from_utf8(output.stdout).unwrap();
    let digest = told.lines().last().unwrap();
    assert!(
        told.starts_with(&format!("pushed `{image}`: 1 tool, ")),
        "{told}"
    );

    // What `wkg oci pull` looks at.
    let manifest = registry.http("GET /v2/org/text/manifests/1.2.0 HTTP/1.1\r\nAccept: application/vnd.oci.image.manifest.v1+json", "");
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(
        manifest["config"]["mediaType"],
        "application/vnd.wasm.config.v0+json"
    );
    assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
    let config = manifest["config"]["digest"].as_str().unwrap();
    let config = registry.http(&format!("GET /v2/org/text/blobs/{config} HTTP/1.1"), "");
    let config: Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["os"], "wasip2");
    assert_eq!(
        config["layerDigests"],
        json!([manifest["layers"][0]["digest"]])
    );
    assert_eq!(
        config["component"]["exports"],
        json!(["spin-mcp:server/tools@0.1.0"])
    );

    let output = expect_success(&mut registry.mcp(Path::new("."), &["inspect", &image, "--json"]));
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["digest"], digest);
    for (key, value) in [
        ("title", "Text"),
        ("description", "Says it again"),
        ("license", "Apache-2.0"),
        ("source", "https://example.com/text"),
        ("version", "1.2.0"),
        ("contract", "0.1.0"),
    ] {
        assert_eq!(shown[key], value);
    }
    assert_eq!(shown["catalog"]["tools"][0]["name"], "echo");
    assert_eq!(shown["exports"], json!(["spin-mcp:server/tools@0.1.0"]));
    assert_eq!(shown["imports"], config["component"]["imports"]);
}

/// A middleware travels as a feature does.
#[test]
fn a_middleware_is_pushed_inspected_composed_and_updated() {
    needs!("docker-registry");
    let registry = Registry::start();
    let image = registry.image("org/log:1");
    let here = Path::new(".");
    let push = |component: &str| {
        let component = fixture(component);
        let push = ["push", &image, component.to_str().unwrap()];
        let output = expect_success(&mut registry.mcp(here, &push));
        let told = String::from_utf8(output.stdout).unwrap();
        let size = fs::metadata(component).unwrap().len().div_ceil(1000);
        let (first, digest) = told.trim_end().split_once('\n').unwrap();
        assert_eq!(first, format!("pushed `{image}`: {size} KB"));
        digest.to_owned()
    };
    let digest = push("middleware");
    let output = expect_success(&mut registry.mcp(here, &["inspect", &image]));
    let told = String::from_utf8(output.stdout).unwrap();
    for line in [
        "log 1",
        &digest,
        "contract: 0.1.0",
        "is a middleware",
        "  exports spin-mcp:server/handler@0.1.0",
    ] {
        assert!(told.lines().any(|told| told == line), "{line}: {told}");
    }
    let output = expect_success(&mut registry.mcp(here, &["inspect", &image, "--json"]));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["catalog"], Value::Null);

    let echo = fixture("echo");
    let app = app(&[("echo", &quoted(echo.to_str().unwrap()))]);
    let manifest = app.path().join("spin.toml");
    let table = format!("source = \"{image}\"\nsettings = {{ tell = \"log\" }}");
    let table = middleware("log", &table);
    let text = fs::read_to_string(&manifest).unwrap() + &table;
    fs::write(&manifest, text).unwrap();
    let mut locked = registry.mcp(app.path(), &["compose", "--locked"]);
    let told = failure(&mut locked);
    let named = "error: cannot get the component of middleware `log`";
    assert!(told.starts_with(named), "{told}");
    expect_success(&mut registry.mcp(app.path(), &["compose"]));
    expect_success(&mut locked);
    assert!(lock(app.path()).contains(&digest));
    let link = || {
        let output =
            expect_success(&mut registry.mcp(app.path(), &["inspect", "mcp.wasm", "--json"]));
        let record: Value = serde_json::from_slice(&output.stdout).unwrap();
        record["middleware"][0].clone()
    };
    let before = link();
    assert_eq!(
        (&before["name"], &before["source"]),
        (&json!("log"), &json!(image))
    );
    let arguments = ["call", "mcp.wasm", "echo", r#"{"message": "hello"}"#];
    let output = expect_success(&mut registry.mcp(app.path(), &arguments));
    assert_eq!(output.stdout, b"hello\n");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("log: tools/call"), "{told}");

    let moved = push("confirm");
    let output = expect_success(&mut registry.mcp(app.path(), &["update", "log"]));
    let (was, is) = (&digest[..19], &moved[..19]);
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        format!("log: {image} was {was}, is now {is}\n")
    );
    assert!(lock(app.path()).contains(&moved));
    let plain = fs::read_to_string(&manifest).unwrap();
    let plain = plain.replace("settings = { tell = \"log\" }\n", "");
    fs::write(
        &manifest,
        plain.replace(
            "\"mcp.wasm\"\n",
            "\"mcp.wasm\"\nkey_value_stores = [\"default\"]\n",
        ),
    )
    .unwrap();
    expect_success(&mut registry.mcp(app.path(), &["compose", "--locked"]));
    assert_ne!(link()["sha256"], before["sha256"]);

    // By reference on the command line, too.
    let flags = [
        "compose",
        echo.to_str().unwrap(),
        "--middleware",
        &image,
        "-o",
        "server.wasm",
    ];
    expect_success(&mut registry.mcp(app.path(), &flags));
}

#[test]
fn a_component_that_cannot_be_middleware_is_not_pushed() {
    needs!("docker-registry");
    let registry = Registry::start();
    let dir = tempfile::tempdir().unwrap();
    let component = dir.path().join("both.wasm");
    let text = r#"(component
        (instance $nothing)
        (export "spin-mcp:server/handler@0.1.0" (instance $nothing))
        (export "spin-mcp:server/handler-async@0.1.0" (instance $nothing)))"#;
    fs::write(&component, wat::parse_str(text).unwrap()).unwrap();
    let image = registry.image("org/both:1");
    let told = failure(&mut registry.mcp(dir.path(), &["push", &image, "both.wasm"]));
    let problem = "error: middleware `both` (`both.wasm`) exports both ";
    assert!(told.starts_with(problem), "{told}");
}

#[test]
fn inspecting_runs_nothing() {
    needs!("docker-registry");
    let registry = Registry::start();
    // Its lists would never end.
    let image = registry.image("org/endless:1");
    let component = fixture("misbehave");
    let push = ["push", &image, component.to_str().unwrap(), "--dynamic"];
    expect_success(&mut registry.mcp(Path::new("."), &push));
    let output = expect_success(&mut registry.mcp(Path::new("."), &["inspect", &image]));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        told.contains("was published without lists of what it offers"),
        "{told}"
    );
    assert!(
        told.contains("  exports spin-mcp:server/tools@0.1.0"),
        "{told}"
    );
}

#[test]
fn what_is_no_part_of_a_server_is_not_pushed() {
    needs!("docker-registry");
    let registry = Registry::start();
    let dir = tempfile::tempdir().unwrap();
    let server = support::compose(dir.path(), "0.2", &[fixture("echo")]);
    let image = registry.image("org/server:1");
    let told = failure(&mut registry.mcp(dir.path(), &["push", &image, server.to_str().unwrap()]));
    assert_eq!(
        told,
        format!(
            "error: `{}` is a composed server, not a part of one; `spin registry push` publishes the app that it \
             belongs to\n",
            server.display()
        )
    );
}

#[test]
fn a_url_is_fetched_by_its_digest() {
    needs!("docker-registry");
    let mut registry = Registry::start();
    registry.push("org/echo:1", &fixture("echo"));
    let manifest = registry.http("GET /v2/org/echo/manifests/1 HTTP/1.1\r\nAccept: application/vnd.oci.image.manifest.v1+json", "");
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let digest = manifest["layers"][0]["digest"].as_str().unwrap();
    let url = format!("http://{}/v2/org/echo/blobs/{digest}", registry.address());
    let source = |digest: &str| format!("{{ url = \"{url}\", digest = \"{digest}\" }}");

    let wrong = format!("sha256:{}", "0f".repeat(32));
    let app = app(&[("echo", &source(&wrong))]);
    let told = failure(&mut registry.mcp(app.path(), &["compose"]));
    assert_eq!(
        told,
        format!(
            "error: cannot get the component of feature `echo`\n\nCaused by:\n  cannot pull `{url}`\n  wrong content: its digest is \
             `{digest}`, not `{wrong}`\n"
        )
    );
    write_app(app.path(), &[("echo", &source(digest))]);
    expect_success(&mut registry.mcp(app.path(), &["compose", "--locked"]));
    registry.stop();
    expect_success(&mut registry.mcp(app.path(), &["compose", "--locked"]));
    assert!(!app.path().join("mcp.lock").exists(), "the app says it all");
}

#[test]
fn the_page_on_registries_does_what_it_says() {
    needs!("docker-registry");
    let registry = Registry::start();
    let port = registry.address().port();
    let dir = tempfile::tempdir().unwrap();
    fs::copy(fixture("echo"), dir.path().join("echo.wasm")).unwrap();
    let blocks = blocks("docs/guides/registries.md", "<!-- test -->");
    assert!(blocks.len() >= 5);
    for (command, expected) in blocks.into_iter().flatten() {
        let command = command.replace("localhost:5000", &format!("localhost:{port}"));
        let words = command
            .strip_prefix("spin mcp ")
            .expect("one of the plugin's");
        let mcp = registry.mcp(dir.path(), &[]);
        let mut shell = std::process::Command::new("bash");
        let script = format!("'{}' {words}", env!("CARGO_BIN_EXE_mcp"));
        shell.args(["-c", &script]).current_dir(dir.path());
        for (name, value) in mcp.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let output = expect_success(&mut shell);
        let told = String::from_utf8(output.stdout).unwrap();
        let told = told.replace(&format!("localhost:{port}"), "localhost:5000");
        let told = settle(&told.replace("sha256:", "sha256: "), &[]).replace("sha256: ", "sha256:");
        assert_eq!(told, expected, "{command}");
    }
}
