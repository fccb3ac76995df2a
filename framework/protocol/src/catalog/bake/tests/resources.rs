use super::*;
use crate::wire::types::types::{Annotations, Role};

fn one_feature(
    resources: Vec<ResourceInfo>,
    resource_templates: Vec<ResourceTemplate>,
) -> CatalogInput {
    server_with(FeatureInput {
        resources,
        resource_templates,
        prefix: Some("not.for.uris.".to_owned()),
        ..FeatureInput::default()
    })
}

fn annotations() -> Annotations {
    Annotations {
        audience: vec![Role::Assistant],
        priority: Some(2.0),
        last_modified: Some("2026-01-12T15:00:58Z".to_owned()),
    }
}

fn icon() -> Icon {
    Icon {
        src: "data:,".to_owned(),
        mime_type: None,
        sizes: Vec::new(),
        theme: None,
    }
}

#[test]
fn resources_are_written_whole() {
    let resource = ResourceInfo {
        uri: "a:b".to_owned(),
        name: "r".to_owned(),
        title: Some("R".to_owned()),
        description: Some("says \"hi\"".to_owned()),
        mime_type: Some("text/plain".to_owned()),
        size: Some(7),
        annotations: Some(annotations()),
        icons: vec![icon()],
        meta: Some("{ }".to_owned()),
    };
    let input = one_feature(vec![resource], Vec::new());
    let (modern, legacy) = listed(&input, ListKind::Resources);
    assert_eq!(
        modern,
        serde_json::json!([{
            "uri": "a:b",
            "name": "r",
            "title": "R",
            "description": "says \"hi\"",
            "mimeType": "text/plain",
            "size": 7,
            "annotations": {"audience": ["assistant"], "lastModified": "2026-01-12T15:00:58Z"},
            "icons": [{"src": "data:,"}],
            "_meta": {},
        }])
    );
    assert_eq!(modern, legacy);
}

#[test]
fn templates_are_written_whole() {
    let template = ResourceTemplate {
        uri_template: "a:{b}".to_owned(),
        name: "t".to_owned(),
        title: Some("T".to_owned()),
        description: Some("d".to_owned()),
        mime_type: Some("text/plain".to_owned()),
        annotations: Some(annotations()),
        icons: vec![icon()],
        meta: Some("{\"k\":1}".to_owned()),
    };
    let input = one_feature(Vec::new(), vec![template, testing::template("a:c", "c")]);
    let (modern, legacy) = listed(&input, ListKind::ResourceTemplates);
    assert_eq!(
        modern,
        serde_json::json!([
            {
                "uriTemplate": "a:{b}",
                "name": "t",
                "title": "T",
                "description": "d",
                "mimeType": "text/plain",
                "annotations": {"audience": ["assistant"], "lastModified": "2026-01-12T15:00:58Z"},
                "icons": [{"src": "data:,"}],
                "_meta": {"k": 1},
            },
            {"uriTemplate": "a:c", "name": "c"},
        ])
    );
    assert_eq!(modern, legacy);
}

#[test]
fn duplicates_name_both_features() {
    let mut input = testing::input();
    let resource = testing::resource("test://library/readme", "other");
    input.features[0].resources.push(resource.clone());
    assert_eq!(
        problem(&input),
        "features `one` and `library` both have a resource `test://library/readme`; change it in one of them"
    );
    assert_eq!(
        problem(&one_feature(vec![resource.clone(), resource], Vec::new())),
        "feature `one` lists the resource `test://library/readme` twice; leave one out"
    );
    let mut input = testing::input();
    let template = testing::template("test://library/books/{id}", "other");
    input.features[1].resource_templates.push(template.clone());
    assert_eq!(
        problem(&input),
        "features `two` and `library` both have a resource template `test://library/books/{id}`; \
         change it in one of them"
    );
    assert_eq!(
        problem(&one_feature(Vec::new(), vec![template.clone(), template])),
        "feature `one` lists the resource template `test://library/books/{id}` twice; leave one out"
    );
}

#[test]
fn what_is_no_uri_is_refused() {
    let scheme = "it has no scheme; begin it with one, such as `file:`";
    let long = format!("a:{}", "b".repeat(2047));
    for (uri, expected) in [
        ("", scheme),
        ("readme", scheme),
        ("/a:b", scheme),
        (":b", scheme),
        ("1a:b", scheme),
        ("a_b:c", scheme),
        ("é:c", scheme),
        ("a:b c", "it contains ` `; percent-encode it"),
        ("a:\u{7f}", "it contains `\\u{7f}`; percent-encode it"),
        ("a:{b}", "it contains `{`; percent-encode it"),
        (&long, "it has 2049 bytes; it may have 2048"),
    ] {
        assert_eq!(
            problem(&one_feature(vec![testing::resource(uri, "r")], Vec::new())),
            format!(
                "feature `one` has a resource `{}` whose URI is not valid: {expected}",
                uri.escape_debug()
            )
        );
    }
    let allowed = &long[..2048];
    for uri in ["a:", "urn:isbn:1", "a+b-c.1://h/ü?q=%20#f", allowed] {
        let input = one_feature(vec![testing::resource(uri, "r")], Vec::new());
        assert!(build(&input).is_ok(), "{uri}");
    }
}

#[test]
fn what_is_no_template_is_refused() {
    let template = testing::template("a:{b", "t");
    assert_eq!(
        problem(&one_feature(Vec::new(), vec![template])),
        "feature `one` has a resource template `a:{b` that is not valid: a `{` is never closed; add a `}`"
    );
}

#[test]
fn metadata_is_an_object() {
    let mut resource = testing::resource("a:b", "r");
    resource.meta = Some("[]".to_owned());
    assert_eq!(
        problem(&one_feature(vec![resource], Vec::new())),
        "resource `a:b` of feature `one` has metadata that is not one JSON object of at most 64 levels"
    );
    let mut template = testing::template("a:{b}", "t");
    template.meta = Some("{} {}".to_owned());
    assert_eq!(
        problem(&one_feature(Vec::new(), vec![template])),
        "resource template `a:{b}` of feature `one` has metadata that is not one JSON object of at most 64 levels"
    );
}

#[test]
fn what_clients_refuse_in_an_entry_is_refused() {
    let refused = |change: fn(&mut ResourceInfo)| {
        let mut resource = testing::resource("a:b", "r");
        change(&mut resource);
        problem(&one_feature(vec![resource], Vec::new()))
    };
    fn icon_of(src: &str) -> Vec<Icon> {
        let src = src.to_owned();
        vec![icon(), Icon { src, ..icon() }]
    }
    fn modified(time: &str) -> Option<Annotations> {
        let last_modified = Some(time.to_owned());
        Some(Annotations {
            last_modified,
            ..annotations()
        })
    }
    for (change, part) in [
        (
            (|r| r.icons = icon_of("javascript:alert(1)")) as fn(&mut ResourceInfo),
            "`javascript:alert(1)`",
        ),
        (
            |r| r.icons = icon_of("file:///i.png"),
            "an icon `file:///i.png`",
        ),
        (|r| r.icons = icon_of("i.png"), "an icon `i.png`"),
        (
            |r| r.icons = icon_of("https://a/{i}"),
            "an icon `https://a/{i}`",
        ),
        (|r| r.mime_type = Some(String::new()), "an empty MIME type"),
        (
            |r| r.annotations = modified("2026-01-12"),
            "`lastModified` `2026-01-12`",
        ),
        (
            |r| r.annotations = modified("2026-01-12T15:00:58"),
            "`lastModified`",
        ),
    ] {
        let problem = refused(change);
        let start = "resource `a:b` of feature `one` has ";
        assert!(
            problem.starts_with(start) && problem.contains(part),
            "{problem}"
        );
    }
}
