use super::*;
use crate::catalog::{Access, Need, NeedKind, StdioCaller, Unmet};

fn bake(access: Option<Access>, request_headers: &[&str]) -> Result<Vec<u8>, BuildError> {
    let request_headers = request_headers.iter().map(ToString::to_string).collect();
    build(&CatalogInput {
        server: ServerInput {
            access,
            request_headers,
            ..ServerInput::default()
        },
        features: Vec::new(),
    })
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

fn need(kind: NeedKind, pattern: &str, scopes: &[&str]) -> Need {
    Need {
        kind,
        pattern: pattern.to_owned(),
        scopes: strings(scopes),
    }
}

#[test]
fn access_is_read_as_it_was_baked() {
    let access = Access {
        resource: Some("https://mcp.example.com/mcp".to_owned()),
        scopes: strings(&["read", "more"]),
        anonymous: true,
        headers: strings(&["authorization", "x-api-key"]),
        unmet: Unmet::Hide,
        stdio: StdioCaller::Environment,
        root_metadata: true,
        documentation: Some("https://example.com".to_owned()),
        needs: vec![need(NeedKind::Tool, "*", &["write"])],
        policy: true,
        app_variables: true,
    };
    let bytes = bake(Some(access), &["x-tenant"]).unwrap();
    let catalog = Catalog::new(&bytes).unwrap();
    let read = catalog.access().unwrap();
    assert_eq!(read.resource(), Some("https://mcp.example.com/mcp"));
    assert_eq!(read.documentation(), Some("https://example.com"));
    assert_eq!(read.scopes().collect::<Vec<_>>(), ["read", "more"]);
    assert!(read.headers().eq(["authorization", "x-api-key"]));
    assert!(read.anonymous() && read.root_metadata() && read.policy() && read.app_variables());
    assert_eq!(
        (read.unmet(), read.stdio()),
        (Unmet::Hide, StdioCaller::Environment)
    );
    assert_eq!(read.needs(NeedKind::Tool, "any"), ["write"]);
    assert!(read.needs(NeedKind::Prompt, "any").is_empty());
    assert!(catalog.request_headers().eq(["x-tenant"]));

    let bytes = bake(Some(Access::default()), &[]).unwrap();
    let catalog = Catalog::new(&bytes).unwrap();
    let read = catalog.access().unwrap();
    assert_eq!((read.resource(), read.documentation()), (None, None));
    assert!(!(read.anonymous() || read.root_metadata() || read.policy()));
    assert_eq!(
        (read.unmet(), read.stdio()),
        (Unmet::Challenge, StdioCaller::Trusted)
    );
    assert_eq!(catalog.request_headers().count(), 0);
}

#[test]
fn a_catalog_without_access_has_none() {
    let bytes = bake(None, &[]).unwrap();
    assert!(Catalog::new(&bytes).unwrap().access().is_none());
    let bytes = bake(None, &["x-tenant", "x-region"]).unwrap();
    let catalog = Catalog::new(&bytes).unwrap();
    assert!(catalog.access().is_none());
    assert!(catalog.request_headers().eq(["x-tenant", "x-region"]));
}

#[test]
fn the_most_specific_need_counts() {
    let needs = vec![
        need(NeedKind::Tool, "*", &["any"]),
        need(NeedKind::Tool, "delete_*", &["delete"]),
        need(NeedKind::Tool, "delete_all*", &["all"]),
        need(NeedKind::Tool, "delete_all", &["exact"]),
        need(NeedKind::Tool, "get*x", &["a"]),
        need(NeedKind::Tool, "*getx", &["b"]),
        need(NeedKind::Tool, "free", &[]),
        need(NeedKind::Prompt, "delete_all", &["prompt"]),
    ];
    for needs in [needs.clone(), needs.into_iter().rev().collect()] {
        let access = Access {
            needs,
            ..Access::default()
        };
        let bytes = bake(Some(access), &[]).unwrap();
        let catalog = Catalog::new(&bytes).unwrap();
        let access = catalog.access().unwrap();
        for (name, expected) in [
            ("add", &["any"][..]),
            ("delete_x", &["delete"]),
            ("delete_all", &["exact"]),
            ("delete_all_", &["all"]),
            ("Delete_all", &["any"]),
            ("free", &[]),
            ("getx", &["b", "a"]),
            ("get_x", &["a"]),
        ] {
            assert_eq!(access.needs(NeedKind::Tool, name), expected, "{name}");
        }
        assert_eq!(access.needs(NeedKind::Prompt, "delete_all"), ["prompt"]);
        assert!(access.needs(NeedKind::Prompt, "add").is_empty());
    }
}

#[test]
fn a_pattern_is_given_once() {
    let twice = need(NeedKind::Resource, "a*", &["x"]);
    let access = Access {
        needs: vec![twice.clone(), twice],
        ..Access::default()
    };
    assert_eq!(
        bake(Some(access), &[]).unwrap_err().to_string(),
        "the scopes of `a*` are given twice; leave one out"
    );
}

#[test]
fn no_spelling_of_a_uri_avoids_its_needs() {
    let resource = |pattern, scope| need(NeedKind::Resource, pattern, &[scope]);
    let access = Access {
        needs: vec![
            resource("notes://private/*", "private"),
            resource("notes://café/*", "café"),
            resource("notes://shelf/{id}", "shelf"),
            resource("notes://shelf/1", "one"),
            resource("notes://*", "any"),
        ],
        ..Access::default()
    };
    let bytes = bake(Some(access), &[]).unwrap();
    let access = Catalog::new(&bytes).unwrap().access().unwrap();
    for (uri, expected) in [
        ("notes://public/x", &["any"][..]),
        ("notes://private/x", &["private"]),
        ("other://private/x", &[]),
        ("notes://shelf/1", &["one"]),
        ("notes://shelf/2", &["shelf"]),
        ("notes://shelf/{id}", &["shelf"]),
    ] {
        assert_eq!(access.resource_needs(uri), expected, "{uri}");
    }
    for (uri, scope) in [
        ("notes://%70rivate/x", "private"),
        ("NOTES://private/x", "private"),
        ("notes://PRIVATE/x", "private"),
        ("notes://private%2Fx", "private"),
        ("notes://private/../private/x", "private"),
        ("notes://caf%C3%A9/x", "café"),
        ("notes://caf%c3%a9/x", "café"),
        ("notes://shelf/%31", "one"),
        ("notes://shelf/a/../1", "one"),
    ] {
        assert!(access.resource_needs(uri).contains(&scope), "{uri}");
    }
    let long = format!("notes://shelf/{}", "x".repeat(10_000));
    assert!(access.resource_needs(&long).contains(&"shelf"));
}

#[test]
fn lists_are_private_where_callers_differ() {
    let feature = FeatureInput {
        tools: vec![testing::tool("add", r#"{"type":"object"}"#)],
        cache: Some(CacheHint {
            ttl_ms: 1,
            scope: CacheScope::Public,
        }),
        ..FeatureInput::default()
    };
    let mut input = server_with(feature);
    input.server.access = Some(Access::default());
    let bytes = build(&input).unwrap();
    let catalog = Catalog::new(&bytes).unwrap();
    for kind in ListKind::ALL {
        let end = json(&[b"{\"a\":1", catalog.list_end(kind)].concat());
        assert_eq!(end["cacheScope"], "private");
        assert_eq!(catalog.list_cache(kind).scope, CacheScope::Private);
    }
    assert_eq!(catalog.cache().scope, CacheScope::Private);
    assert_eq!(json(catalog.discover(false))["cacheScope"], "private");
}
