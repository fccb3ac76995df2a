use serde_json::json as value;

use super::*;
use crate::wire::message::SERVER_INFO;

#[test]
fn the_server_presents_itself() {
    let server = ServerInput {
        name: "s".to_owned(),
        version: "1".to_owned(),
        title: Some("S".to_owned()),
        description: Some("d".to_owned()),
        website: Some("https://example.com".to_owned()),
        ..ServerInput::default()
    };
    let bytes = build(&CatalogInput {
        server,
        features: Vec::new(),
    })
    .unwrap();
    let catalog = Catalog::new(&bytes).unwrap();
    let info = value!({
        "name": "s", "title": "S", "version": "1", "description": "d", "websiteUrl": "https://example.com"
    });
    assert_eq!(json(catalog.server_info()), info);
    let discovered = json(catalog.discover(false));
    assert_eq!(discovered["_meta"][SERVER_INFO], info);
    assert_eq!(
        (
            &discovered["resultType"],
            &discovered["ttlMs"],
            &discovered["cacheScope"]
        ),
        (&value!("complete"), &value!(300_000), &value!("public"))
    );
    assert_eq!(
        (discovered.get("instructions"), &discovered["capabilities"]),
        (None, &value!({}))
    );
    let initialized = json(&[b"{\"a\":1", catalog.initialize(false)].concat());
    assert_eq!(
        initialized,
        value!({"a": 1, "capabilities": {}, "serverInfo": info})
    );
}

/// The answers to modern and legacy clients, without shared state and with it.
fn capabilities(features: &[&[Flags]]) -> [[serde_json::Value; 2]; 2] {
    let features = features.iter().map(|flags| FeatureInput {
        flags: flags
            .iter()
            .fold(Flags::default(), |all, flag| all.with(*flag)),
        ..FeatureInput::default()
    });
    let input = CatalogInput {
        features: features.collect(),
        ..CatalogInput::default()
    };
    let bytes = build(&input).unwrap();
    let catalog = Catalog::new(&bytes).unwrap();
    let legacy = |shared| json(&[b"{\"a\":1", catalog.initialize(shared)].concat());
    [false, true].map(|shared| {
        [json(catalog.discover(shared)), legacy(shared)].map(|said| said["capabilities"].clone())
    })
}

#[test]
fn capabilities_are_those_of_any_feature() {
    for (flags, expected) in [
        (&[][..], value!({})),
        (&[Flags::TOOLS], value!({"tools": {}})),
        (&[Flags::RESOURCES], value!({"resources": {}})),
        (&[Flags::PROMPTS], value!({"prompts": {}})),
        (&[Flags::COMPLETIONS], value!({"completions": {}})),
        (&[Flags::LOG], value!({"logging": {}})),
        (
            &[
                Flags::ASYNC,
                Flags::PROGRESS,
                Flags::INPUT,
                Flags::USES_REQUEST,
                Flags::DYNAMIC,
            ],
            value!({}),
        ),
    ] {
        for said in capabilities(&[flags, &[]]).as_flattened() {
            assert_eq!(*said, expected, "{flags:?}");
        }
    }
}

#[test]
fn changes_are_announced_where_state_is_shared() {
    let all = [Flags::TOOLS, Flags::RESOURCES, Flags::PROMPTS];
    let plain = value!({"prompts": {}, "resources": {}, "tools": {}});
    for kind in all {
        let dynamic = [kind, Flags::DYNAMIC, Flags::LIST_CHANGED];
        let [without, with] = capabilities(&[&all, &dynamic]);
        assert_eq!(without, [plain.clone(), plain.clone()]);
        let mut expected = plain.clone();
        let name = match kind {
            Flags::TOOLS => "tools",
            Flags::RESOURCES => "resources",
            _ => "prompts",
        };
        expected[name]["listChanged"] = true.into();
        assert_eq!(with, [expected.clone(), expected]);
    }
    let apart: [&[Flags]; 3] = [
        &all,
        &[Flags::TOOLS, Flags::DYNAMIC],
        &[Flags::PROMPTS, Flags::LIST_CHANGED],
    ];
    for said in capabilities(&apart).as_flattened() {
        assert_eq!(*said, plain);
    }
}

#[test]
fn resources_can_be_subscribed_where_state_is_shared() {
    let features: [&[Flags]; 2] = [
        &[Flags::RESOURCES],
        &[Flags::TOOLS, Flags::RESOURCE_UPDATED],
    ];
    let [without, with] = capabilities(&features);
    for said in without {
        assert_eq!(said, value!({"resources": {}, "tools": {}}));
    }
    for said in with {
        assert_eq!(
            said,
            value!({"resources": {"subscribe": true}, "tools": {}})
        );
    }
    for said in capabilities(&[&[Flags::TOOLS, Flags::RESOURCE_UPDATED]]).as_flattened() {
        assert_eq!(*said, value!({"tools": {}}));
    }
}

#[test]
fn tasks_are_an_extension_of_modern_clients() {
    let tools = value!({"tools": {}});
    let [without, [modern, legacy]] = capabilities(&[&[Flags::TOOLS, Flags::TASKS]]);
    assert_eq!(without, [tools.clone(), tools.clone()]);
    assert_eq!(legacy, tools);
    assert_eq!(
        modern,
        value!({"extensions": {"io.modelcontextprotocol/tasks": {}}, "tools": {}})
    );
}

#[test]
fn a_server_declares_extensions_of_its_own() {
    let mut input = testing::input();
    let own = ("com.example/reports".to_owned(), r#"{"a":1}"#.to_owned());
    input.server.extensions = vec![own];
    let bytes = build(&input).unwrap();
    let catalog = Catalog::new(&bytes).unwrap();
    for shared in [false, true] {
        let said = json(catalog.discover(shared));
        let extensions = &said["capabilities"]["extensions"];
        assert_eq!(*extensions, value!({"com.example/reports": {"a": 1}}));
        let legacy = json(&[b"{\"a\":1", catalog.initialize(shared)].concat());
        assert_eq!(legacy["capabilities"].get("extensions"), None);
    }
}
