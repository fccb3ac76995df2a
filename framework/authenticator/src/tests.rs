//! How the parts act together, with an issuer and a store that are not real.

use serde_json::{Value, json};
use spin_mcp_auth::api_key;
use spin_mcp_protocol::services::Store as _;

use crate::{authenticator::Judgement, stored};

mod issuers;
mod stores;
mod world;

use world::*;

const UNKNOWN: &str = "the signature of the token is invalid";
const UNKNOWN_API_KEY: &str = "the API key is unknown";

/// Asks an instance of each build.
fn both(world: &std::rc::Rc<World>, settings: &Value, kid: &str) -> String {
    let short = world.ask(&Short::with(world, settings.clone()), kid);
    let long = world.ask(&Long::with(world, settings.clone()), kid);
    assert_eq!(short, long);
    short
}

#[test]
fn keys_can_be_baked() {
    let world = World::new();
    let mut settings = settings(set(&["one"]));
    settings["store"] = json!(null);
    assert_eq!(both(&world, &settings, "one"), "known");
    assert_eq!(both(&world, &settings, "two"), UNKNOWN);
    assert!(world.asked.borrow().is_empty());
}

#[test]
fn keys_can_be_in_a_variable() {
    let world = World::new();
    let settings = settings(json!({ "variable": "mcp_auth_jwks" }));
    let problem =
        format!("the variable `mcp_auth_jwks` with the keys of `{ISSUER}` is not a JWK set");
    assert_eq!(both(&world, &settings, "one"), problem);
    let long = Long::with(&world, settings.clone());
    for (value, outcome) in [
        ("", &*problem),
        ("{}", &problem),
        (&set(&["one"]).to_string(), "known"),
        (&set(&["two"]).to_string(), UNKNOWN),
        (&set(&["two", "one"]).to_string(), "known"),
        ("x", &problem),
    ] {
        world.set_variable("mcp_auth_jwks", value);
        assert_eq!(both(&world, &settings, "one"), outcome);
        // An instance reads it again after a while.
        world.pass(60);
        assert_eq!(world.ask(&long, "one"), outcome);
    }
}

/// What the settings say about an API key.
fn known(key: &str) -> Value {
    use sha2::Digest as _;
    let hash = sha2::Sha256::digest(key);
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "subject": "ci", "sha256": hash, "scopes": ["a"], "expires": null })
}

#[test]
fn api_keys_can_be_in_a_variable() {
    let world = World::new();
    let (old, new) = (api_key::key(&[1; 32]), api_key::key(&[2; 32]));
    let mut settings = settings(set(&["one"]));
    settings["api_keys"] = json!([known(&old)]);
    let long = Long::with(&world, settings.clone());
    let unreadable = "the variable `mcp_auth_keys` is not a JSON array of API keys";
    for (value, of_old, of_new) in [
        ("", "known", UNKNOWN_API_KEY),
        (
            &*json!([known(&old), known(&new)]).to_string(),
            "known",
            "known",
        ),
        (&json!([known(&new)]).to_string(), UNKNOWN_API_KEY, "known"),
        ("[7]", unreadable, unreadable),
        ("[]", "known", UNKNOWN_API_KEY),
    ] {
        world.pass(60);
        world.set_variable("mcp_auth_keys", value);
        for instance in [&Long::with(&world, settings.clone()), &long] {
            for (key, expected) in [(&old, of_old), (&new, of_new)] {
                let judged = world.run(vec![Box::pin(instance.judge(key))]);
                assert_eq!(outcome(&judged[0]), expected, "{value}");
                let own = instance.authenticate(("x-api-key", key));
                assert_eq!(matches!(own, Judgement::Known(..)), expected == "known");
            }
        }
    }
}

#[test]
fn settings_that_cannot_be_read_let_nobody_in() {
    let world = World::new();
    let long = Long::with(&world, json!({}));
    assert_eq!(long.authenticate(("accept", "x")), Judgement::Unready);
    let problem = "the settings of the authenticator cannot be read";
    assert_eq!(world.ask(&long, "one"), problem);
}

#[test]
fn the_server_may_keep_a_verdict_until_keys_are_read_again() {
    let world = World::new();
    world.set_variable("jwks", &set(&["one"]).to_string());
    let key = api_key::key(&[1; 32]);
    let until =
        |instance: &Long, header: &str| match instance.authenticate(("authorization", header)) {
            Judgement::Known(_, until) => until - START,
            judgement => panic!("{judgement:?}"),
        };
    let mut settings = settings(json!({ "variable": "jwks" }));
    settings["api_keys"] = json!([known(&key)]);
    let long = Long::with(&world, settings);
    let (token, key) = (
        format!("Bearer {}", token("one", world.now() + 900)),
        format!("Bearer {key}"),
    );
    for (passed, expected) in [(0, 60), (59, 60), (1, 120)] {
        world.pass(passed);
        assert_eq!(until(&long, &token), expected);
        assert_eq!(until(&long, &key), expected);
    }
    let baked = Long::with(&world, world::settings(set(&["one"])));
    assert_eq!(until(&baked, &token), 120);
    world.pass(1);
    assert_eq!(until(&baked, &token), 121);
}
