use super::{
    layout::{MAGIC, header},
    *,
};
use crate::{
    state::waits::StreamLimits,
    testing,
    wire::{
        message::SERVER_INFO,
        types::types::{CacheHint, CacheScope},
    },
};

#[test]
fn a_catalog_holds_what_was_put_in() {
    let bytes = testing::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    assert_eq!(catalog.name(), "test");
    let tools: Vec<_> = catalog
        .tools()
        .map(|tool| (tool.name(), tool.feature_name(), tool.slot()))
        .collect();
    assert_eq!(
        tools,
        [
            ("zeta", "zeta", 0),
            ("alpha", "alpha", 0),
            ("two.query", "query", 1),
            ("two.plain", "plain", 1)
        ]
    );
    let slots: Vec<_> = catalog
        .slots()
        .map(|slot| (slot.name, slot.prefix))
        .collect();
    assert_eq!(slots, [("one", ""), ("two", "two."), ("library", "lib.")]);
    let flags: Vec<_> = catalog.tools().map(|tool| tool.flags()).collect();
    assert!(flags[0].contains(Flags::LOG.with(Flags::PROGRESS)));
    assert!(!flags[2].contains(Flags::LOG));
    assert!(flags[2].contains(Flags::ASYNC));
    assert_eq!(
        catalog.allowed_origins().collect::<Vec<_>>(),
        ["https://app.example.com"]
    );
    assert_eq!(catalog.allowed_hosts().count(), 0);
}

#[test]
fn resources_and_prompts_belong_to_their_feature() {
    let bytes = testing::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    assert_eq!(
        catalog.resources().collect::<Vec<_>>(),
        ["test://library/readme", "test://library/licence"]
    );
    let templates: Vec<_> = catalog
        .templates()
        .map(|template| (template.uri_template(), template.slot(), template.flags()))
        .collect();
    let flags = testing::input().features[2].flags;
    assert_eq!(
        templates,
        [
            ("test://library/books/{id}", 2, flags),
            ("test://library/search{?author,title}", 2, flags)
        ]
    );
    let matching = |uri| {
        let templates = catalog.templates().filter(|template| template.matches(uri));
        templates.count()
    };
    assert_eq!(matching("test://library/books/7"), 1);
    assert_eq!(matching("test://library/books/7/8"), 0);
    let prompts: Vec<_> = catalog
        .prompts()
        .map(|prompt| {
            (
                prompt.name(),
                prompt.feature_name(),
                prompt.slot(),
                prompt.flags(),
            )
        })
        .collect();
    assert_eq!(
        prompts,
        [
            ("lib.review", "review", 2, flags),
            ("lib.greet", "greet", 2, flags)
        ]
    );
}

#[test]
fn entries_are_found_by_their_exact_name() {
    let bytes = testing::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    for tool in catalog.tools() {
        assert_eq!(catalog.tool(tool.name()).unwrap().name(), tool.name());
    }
    for name in ["", "a", "query", "Alpha", "alpha ", "zzz", "lib.greet"] {
        assert!(catalog.tool(name).is_none(), "{name}");
    }
    for prompt in catalog.prompts() {
        assert_eq!(catalog.prompt(prompt.name()).unwrap().name(), prompt.name());
    }
    for name in ["", "greet", "lib.", "lib.Greet", "zeta", "zzz"] {
        assert!(catalog.prompt(name).is_none(), "{name}");
    }
    for uri in catalog.resources() {
        assert_eq!(catalog.resource(uri), Some(2));
    }
    for uri in [
        "",
        "test://library",
        "test://library/README",
        "test://library/books/7",
        "test://library/books/{id}",
    ] {
        assert_eq!(catalog.resource(uri), None, "{uri}");
    }
}

#[test]
fn entries_are_found_among_many() {
    let mut input = testing::input();
    let name = |index: usize| format!("{:x}", index.wrapping_mul(0x9E37_79B9) % 1009);
    input.features[2].prompts = (0..1000)
        .map(|at| testing::prompt(&name(at), &[]))
        .collect();
    input.features[0].resources = (0..1000)
        .map(|at| testing::resource(&format!("test:{}", name(at)), ""))
        .collect();
    let bytes = build(&input).unwrap();
    let catalog = Catalog::new(&bytes).unwrap();
    for at in 0..1000 {
        let prompt = catalog.prompt(&format!("lib.{}", name(at))).unwrap();
        assert_eq!(prompt.feature_name(), name(at));
        assert_eq!(catalog.resource(&format!("test:{}", name(at))), Some(0));
    }
    assert!(catalog.prompt(&name(0)).is_none());
    assert_eq!(catalog.resource("test:zzz"), None);
}

#[test]
fn header_rules_belong_to_their_tool() {
    let bytes = testing::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    let rules = |name| {
        let tool = catalog.tool(name).unwrap();
        let rules = tool
            .header_rules()
            .map(|rule| (rule.header(), rule.path().collect::<Vec<_>>().join("/")));
        let mut rules: Vec<_> = rules.collect();
        rules.sort();
        rules
    };
    assert_eq!(rules("zeta"), []);
    assert_eq!(
        rules("two.query"),
        [
            ("mcp-param-count", "deep/count".to_owned()),
            ("mcp-param-flag", "flag".to_owned()),
            ("mcp-param-region", "region".to_owned()),
        ]
    );
    assert_eq!(rules("two.plain"), []);
}

#[test]
fn arguments_belong_to_their_prompt() {
    let mut input = testing::input();
    let last = testing::prompt("last", &[("book", false)]);
    input.features[2].prompts.push(last);
    let bytes = build(&input).unwrap();
    let catalog = Catalog::new(&bytes).unwrap();
    let arguments = |name| {
        let prompt = catalog.prompt(name).unwrap();
        prompt.arguments().collect::<Vec<_>>()
    };
    assert_eq!(arguments("lib.review"), [("book", true), ("tone", false)]);
    assert_eq!(arguments("lib.greet"), []);
    assert_eq!(arguments("lib.last"), [("book", false)]);
}

#[test]
fn slots_are_found_by_what_they_do() {
    let bytes = testing::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    let with = |flags| catalog.slots_with(flags).collect::<Vec<_>>();
    assert_eq!(with(Flags::default()), [0, 1, 2]);
    assert_eq!(with(Flags::TOOLS), [0, 1]);
    assert_eq!(with(Flags::TOOLS.with(Flags::ASYNC)), [1]);
    assert_eq!(with(Flags::COMPLETIONS), [2]);
    assert_eq!(with(Flags::TASKS), Vec::<usize>::new());
    assert_eq!(catalog.slot(2).unwrap().name, "library");
    assert_eq!(catalog.slot(3), None);
}

#[test]
fn the_store_and_the_cache_hint_are_the_server_s() {
    let mut input = testing::input();
    input.server.cache = CacheHint {
        ttl_ms: u64::MAX - 1,
        scope: CacheScope::Private,
    };
    for (store, expected) in [
        (None, None),
        (Some(""), None),
        (Some("default"), Some("default")),
    ] {
        input.server.store = store.map(str::to_owned);
        let bytes = build(&input).unwrap();
        let catalog = Catalog::new(&bytes).unwrap();
        assert_eq!(catalog.store(), expected);
        assert_eq!(catalog.cache(), input.server.cache);
        for kind in ListKind::ALL {
            assert_eq!(catalog.list_cache(kind), input.server.cache);
        }
    }
}

#[test]
fn a_list_can_end_with_another_hint() {
    let bytes = testing::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    let kind = ListKind::Tools;
    assert_eq!(
        catalog.list_end_with(catalog.list_cache(kind)),
        catalog.list_end(kind)
    );
    let hint = CacheHint {
        ttl_ms: 7,
        scope: CacheScope::Private,
    };
    let end = [b"{\"a\":1", catalog.list_end_with(hint).as_slice()].concat();
    let end: serde_json::Value = serde_json::from_slice(&end).unwrap();
    assert_eq!(
        (&end["ttlMs"], &end["cacheScope"]),
        (&7.into(), &"private".into())
    );
    assert_eq!(end["_meta"][SERVER_INFO]["name"], "test");
}

#[test]
fn other_bytes_are_not_a_catalog() {
    let bytes = testing::catalog();
    assert!(Catalog::new(&[]).is_none());
    assert!(Catalog::new(MAGIC).is_none());
    assert!(Catalog::new(&bytes[..bytes.len() - 1]).is_none());
    let mut other = bytes.clone();
    other[0] ^= 1;
    assert!(Catalog::new(&other).is_none());
}

fn read_everything(catalog: &Catalog<'_>) {
    for tool in catalog.tools().take(10) {
        let rules = tool.header_rules();
        let paths: usize = rules.map(|rule| rule.path().count()).sum();
        let _ = (tool.name(), tool.feature_name(), tool.flags(), paths);
    }
    for prompt in catalog.prompts().take(10) {
        let required = prompt.arguments().filter(|(_, required)| *required).count();
        let _ = (
            prompt.name(),
            prompt.feature_name(),
            prompt.flags(),
            required,
        );
    }
    for template in catalog.templates().take(10) {
        let _ = (template.matches("test://library/books/7"), template.flags());
    }
    for kind in ListKind::ALL {
        for page in catalog.pages(kind).take(10) {
            let _ = catalog.page(kind, page.next);
        }
        let _ = (
            catalog.page(kind, None),
            catalog.page(kind, Some("AAAAAAAAAAAAAAAA")),
            catalog.list_end(kind),
            catalog.list_cache(kind),
        );
    }
    for shared in [false, true] {
        let _ = (catalog.discover(shared), catalog.initialize(shared));
    }
    let _ = (
        catalog.tool("two.query"),
        catalog.prompt("lib.review"),
        catalog.resource("test://library/licence"),
        catalog.resources().map(str::len).sum::<usize>(),
    );
    let _ = (
        catalog.name(),
        catalog.server_info(),
        catalog.store(),
        catalog.cache(),
        catalog.slots_with(catalog.flags()).count(),
        catalog.slot(1),
        catalog.allowed_origins().count(),
        catalog.allowed_hosts().count(),
    );
}

#[test]
fn damage_is_no_panic() {
    let mut input = testing::input();
    input.server.page_size = Some(1);
    let bytes = build(&input).unwrap();
    for at in header::FLAGS..bytes.len() {
        for flip in [0xFF, 0x01] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            read_everything(&Catalog::new(&damaged).unwrap());
        }
    }
}

#[test]
fn nothing_but_noise_is_no_panic() {
    let mut state = 1u64;
    for _ in 0..200 {
        let mut bytes = testing::catalog();
        for byte in &mut bytes[header::FLAGS..] {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
            // Small numbers often, so that much of it is in range.
            *byte = if state >> 62 == 0 {
                (state >> 32) as u8
            } else {
                0
            };
        }
        read_everything(&Catalog::new(&bytes).unwrap());
    }
}

#[test]
fn stream_limits_are_kept_within_bounds() {
    let mut input = testing::input();
    let limits = |input: &CatalogInput| {
        let bytes = build(input).unwrap();
        Catalog::new(&bytes).unwrap().stream_limits()
    };
    assert_eq!(limits(&input), StreamLimits::default());
    input.server.streams = StreamLimits {
        poll_ms: 0,
        keep_alive_ms: 500,
        longest_ms: u32::MAX,
    };
    let expected = StreamLimits {
        poll_ms: 50,
        keep_alive_ms: 500,
        longest_ms: 3_600_000,
    };
    assert_eq!(limits(&input), expected);
}
