//! Stores that fail, and values that features put there.

use super::*;

const STATE_KEY: &str = "mcp_state_key";

fn state_key() -> String {
    "0123456789abcdef".repeat(4)
}

/// The name and the value of the keys in the store.
fn stored(world: &World) -> (String, Vec<u8>) {
    let [name, _] = stored::names(ISSUER);
    let value = world
        .store
        .borrow_mut()
        .get(&[&name])
        .unwrap()
        .pop()
        .flatten();
    (name, value.unwrap())
}

/// Stores hold these values for as long as the issuer is configured.
#[test]
fn stored_keys_keep_their_form() {
    let world = World::new();
    world.set_variable(STATE_KEY, &state_key());
    assert_eq!(world.ask(&Short::new(&world), "one"), "known");
    let keys: Vec<_> = world.store.borrow().keys().map(str::to_owned).collect();
    assert_eq!(
        keys,
        [
            "mcp:jwks:2W7gNVnOj47SJFHeNwgAXQ",
            "mcp:jwks:2W7gNVnOj47SJFHeNwgAXQ:try"
        ]
    );
    let written = stored::Stored {
        set: r#"{"keys":[]}"#.to_owned(),
        fetched: START,
        fresh_until: START + 600,
    };
    let key = [7; 32];
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    assert_eq!(
        hex(&written.encode(ISSUER, None)),
        "0100d2496b0000000058d4496b000000007b226b657973223a5b5d7d"
    );
    assert_eq!(
        hex(&written.encode(ISSUER, Some(&key))),
        "0200d2496b0000000058d4496b000000007b226b657973223a5b5d7d70b69acb12052563271f61a8592078faa99507c8279db11428ab39a127992d51"
    );
    for key in [None, Some(&key)] {
        let read = stored::Stored::decode(&written.encode(ISSUER, key), ISSUER, key, START);
        assert_eq!(read.unwrap(), written);
    }
    let attempt = stored::Attempt {
        at: START,
        by: 0xabc,
        done: true,
    };
    assert_eq!(hex(&attempt.encode()), "00d2496b00000000bc0a00000000000001");
    assert_eq!(
        stored::Attempt::decode(&attempt.encode(), START),
        Some(attempt)
    );
}

#[test]
fn instances_share_keys() {
    let world = World::new();
    assert_eq!(world.ask(&Short::new(&world), "one"), "known");
    for _ in 0..10 {
        assert_eq!(world.ask(&Short::new(&world), "one"), "known");
    }
    assert_eq!(world.ask(&Long::new(&world), "one"), "known");
    assert_eq!(world.fetches(), 1);
}

/// Features with the grant `key-value` can write what they like.
#[test]
fn keys_that_a_feature_wrote_do_not_count() {
    let evil = |key: Option<&[u8; 32]>, issuer: &str, fetched: u64| {
        let evil = stored::Stored {
            set: set(&["evil", "one"]).to_string(),
            fetched,
            fresh_until: u64::MAX,
        };
        evil.encode(issuer, key)
    };
    let own = api_key::hash(&state_key()).unwrap();
    let attacks: [(&str, Vec<u8>); 6] = [
        ("plain", evil(None, ISSUER, START + 700)),
        ("another key", evil(Some(&[7; 32]), ISSUER, START + 700)),
        (
            "another issuer",
            evil(Some(&own), "https://other.example", START + 700),
        ),
        ("the future", evil(Some(&own), ISSUER, START + 10_000)),
        ("nothing", Vec::new()),
        ("a format with a tag of another", {
            let mut value = evil(Some(&own), ISSUER, START + 700);
            value[0] = 1;
            value
        }),
    ];
    for (what, value) in attacks {
        let world = World::new();
        world.set_variable(STATE_KEY, &state_key());
        assert_eq!(world.ask(&Short::new(&world), "one"), "known");
        world.pass(700);
        let (name, good) = stored(&world);
        world.store.borrow_mut().set(&name, &value).unwrap();
        assert_eq!(world.ask(&Short::new(&world), "evil"), UNKNOWN, "{what}");
        assert_eq!(world.ask(&Long::new(&world), "evil"), UNKNOWN, "{what}");
        // Keys were fetched again.
        assert_eq!(world.fetches(), 2, "{what}");
        assert_ne!(stored(&world).1, good);
        assert_eq!(world.ask(&Short::new(&world), "one"), "known");
    }
    // Each bit counts.
    let value = evil(Some(&own), ISSUER, START);
    for at in 0..value.len() {
        let mut value = value.clone();
        value[at] ^= 1;
        assert_eq!(
            stored::Stored::decode(&value, ISSUER, Some(&own), START),
            None,
            "{at}"
        );
        assert_eq!(
            stored::Stored::decode(&value[..at], ISSUER, Some(&own), START),
            None
        );
    }
    assert!(stored::Stored::decode(&value, ISSUER, Some(&own), START).is_some());
}

/// A feature can delay new keys by at most this.
#[test]
fn attempts_from_the_future_do_not_count() {
    let world = World::new();
    let [_, name] = stored::names(ISSUER);
    let future = |at| {
        stored::Attempt {
            at,
            by: 0,
            done: false,
        }
        .encode()
        .to_vec()
    };
    for value in [
        future(START + 3_000_000),
        future(u64::MAX),
        b"x".to_vec(),
        Vec::new(),
    ] {
        world.store.borrow_mut().set(&name, &value).unwrap();
        world.pass(601);
        assert_eq!(world.ask(&Short::new(&world), "one"), "known", "{value:?}");
    }
}

#[test]
fn an_instance_that_dies_does_not_block_others() {
    let world = World::new();
    let [_, name] = stored::names(ISSUER);
    let died = stored::Attempt {
        at: START,
        by: 1,
        done: false,
    };
    world.store.borrow_mut().set(&name, &died.encode()).unwrap();
    let outcome = world.ask(&Short::new(&world), "one");
    assert!(
        outcome.starts_with("another instance could not fetch"),
        "{outcome}"
    );
    assert_eq!(world.ask(&Short::new(&world), "one"), "known");
}

#[test]
fn a_state_key_that_cannot_be_read_is_an_error() {
    let world = World::new();
    world.set_variable(STATE_KEY, "secret");
    for outcome in [
        world.ask(&Short::new(&world), "one"),
        world.ask(&Long::new(&world), "one"),
    ] {
        assert!(
            outcome.starts_with("the variable `mcp_state_key` is not 64 hexadecimal digits"),
            "{outcome}"
        );
        assert!(!outcome.contains("secret"));
    }
    assert!(world.asked.borrow().is_empty());
}

#[test]
fn without_a_store_instances_are_on_their_own() {
    let world = World::new();
    world.store_is_down.set(true);
    // Each instance of the WASI 0.2 build would fetch.
    assert_eq!(world.ask(&Short::new(&world), "one"), "the store is down");
    assert!(world.asked.borrow().is_empty());
    let mut settings = settings(json!({ "fetch": true }));
    settings["store"] = json!(null);
    for long in [Long::new(&world), Long::with(&world, settings)] {
        world.asked.borrow_mut().clear();
        assert_eq!(world.ask(&long, "one"), "known");
        for kid in ["one", "two", "three", "one"] {
            world.ask(&long, kid);
        }
        assert_eq!(world.fetches(), 1);
        world.pass(61);
        assert_eq!(world.ask(&long, "two"), UNKNOWN);
        assert_eq!(world.fetches(), 2);
    }
}
