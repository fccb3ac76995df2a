use super::*;

/// The names on all pages, by following the cursors.
fn names(catalog: &Catalog<'_>, kind: ListKind) -> Vec<String> {
    let mut names = Vec::new();
    let mut page = catalog.page(kind, None);
    while let Some(current) = page {
        for entry in json(current.modern).as_array().unwrap() {
            names.push(entry["name"].as_str().unwrap().to_owned());
        }
        page = current
            .next
            .map(|cursor| catalog.page(kind, Some(cursor)).unwrap());
    }
    names
}

#[test]
fn a_server_without_entries_has_one_empty_page_each() {
    let bytes = build(&CatalogInput::default()).unwrap();
    for kind in ListKind::ALL {
        let pages: Vec<_> = Catalog::new(&bytes).unwrap().pages(kind).collect();
        assert_eq!(pages.len(), 1);
        assert_eq!(
            (pages[0].modern, pages[0].legacy, pages[0].next),
            (&b"[]"[..], &b"[]"[..], None)
        );
    }
}

#[test]
fn pages_hold_all_entries_in_order() {
    for (size, tools, others) in [
        (0, 4, 2),
        (1, 4, 2),
        (2, 2, 1),
        (3, 2, 1),
        (4, 1, 1),
        (100, 1, 1),
    ] {
        let bytes = testing::catalog_with_pages_of(size);
        let catalog = Catalog::new(&bytes).unwrap();
        let lengths = ListKind::ALL.map(|kind| catalog.pages(kind).len());
        assert_eq!(lengths, [tools, others, others, others], "{size}");
        assert_eq!(
            ListKind::ALL.map(|kind| names(&catalog, kind)),
            [
                &["zeta", "alpha", "two.query", "two.plain"][..],
                &["readme", "licence"],
                &["book", "search"],
                &["lib.review", "lib.greet"]
            ],
            "{size}"
        );
    }
}

#[test]
fn a_cursor_is_valid_for_its_own_list_only() {
    let bytes = testing::catalog_with_pages_of(1);
    let catalog = Catalog::new(&bytes).unwrap();
    for kind in ListKind::ALL {
        let next = catalog.page(kind, None).unwrap().next.unwrap();
        for other in ListKind::ALL {
            assert_eq!(
                catalog.page(other, Some(next)).is_some(),
                kind == other,
                "{kind:?} {other:?}"
            );
        }
        assert_eq!(catalog.page(kind, Some("")), None);
    }
    let mut input = testing::input();
    input.server.page_size = Some(1);
    input.features[2].prompts[1].description = Some("other".to_owned());
    let changed = build(&input).unwrap();
    let changed = Catalog::new(&changed).unwrap();
    let next = |kind| catalog.page(kind, None).unwrap().next;
    assert_eq!(
        changed.page(ListKind::Prompts, next(ListKind::Prompts)),
        None
    );
    assert!(
        changed
            .page(ListKind::Tools, next(ListKind::Tools))
            .is_some()
    );
}

/// The hints of all lists, in the order of `ListKind::ALL`.
fn hints(input: &CatalogInput) -> [(u64, String); 4] {
    let bytes = build(input).unwrap();
    let catalog = Catalog::new(&bytes).unwrap();
    assert_eq!(json(catalog.discover(false))["ttlMs"], 300_000);
    ListKind::ALL.map(|kind| {
        let end = json(&[b"{\"a\":1", catalog.list_end(kind)].concat());
        let hint = catalog.list_cache(kind);
        assert_eq!(end["ttlMs"], hint.ttl_ms);
        let scope = end["cacheScope"].as_str().unwrap();
        assert_eq!(
            scope == "private",
            matches!(hint.scope, CacheScope::Private)
        );
        (hint.ttl_ms, scope.to_owned())
    })
}

fn hint(ttl_ms: u64, scope: CacheScope) -> CacheHint {
    CacheHint { ttl_ms, scope }
}

#[test]
fn the_strictest_cache_hint_holds_for_the_list() {
    let (private, public) = (CacheScope::Private, CacheScope::Public);
    for (features, ttl, scope) in [
        (vec![], 300_000, "public"),
        (vec![None], 300_000, "public"),
        (vec![Some(hint(7, public))], 7, "public"),
        (vec![Some(hint(900_000, public))], 900_000, "public"),
        (vec![Some(hint(900_000, private)), None], 300_000, "private"),
        (
            vec![Some(hint(7, public)), Some(hint(0, private))],
            0,
            "private",
        ),
    ] {
        let features = features.into_iter().enumerate();
        let features = features.map(|(index, cache)| FeatureInput {
            cache,
            tools: vec![testing::tool(&format!("t{index}"), r#"{"type":"object"}"#)],
            ..FeatureInput::default()
        });
        let input = CatalogInput {
            features: features.collect(),
            ..CatalogInput::default()
        };
        assert_eq!(hints(&input)[0], (ttl, scope.to_owned()));
    }
}

#[test]
fn a_hint_holds_for_lists_with_entries_of_its_feature() {
    let (default, strict) = ((300_000, "public".to_owned()), (7, "private".to_owned()));
    let mut input = testing::input();
    input.features[0].cache = Some(hint(7, CacheScope::Private));
    let [tools, others @ ..] = hints(&input);
    assert_eq!(tools, strict);
    assert_eq!(others, [default.clone(), default.clone(), default.clone()]);

    let mut input = testing::input();
    input.features[2].cache = Some(hint(7, CacheScope::Private));
    input.features[2].resource_templates.clear();
    assert_eq!(
        hints(&input),
        [
            default.clone(),
            strict.clone(),
            default.clone(),
            strict.clone()
        ]
    );

    let mut input = testing::input();
    input.features[0].cache = Some(hint(7, CacheScope::Private));
    input.features[0].flags = Flags::DYNAMIC.with(Flags::PROMPTS);
    input.features[0].tools.clear();
    assert_eq!(
        hints(&input),
        [default.clone(), default.clone(), default, strict]
    );
}
