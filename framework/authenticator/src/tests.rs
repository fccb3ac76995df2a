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

#[test]
fn api_keys_can_be_in_a_variable() {
    let world = World::new();
    let (old, new) = (api_key::key(&[1; 32]), api_key::key(&[2; 32]));
    let known = |key: &str| {
        use sha2::Digest as _;
        let hash = sha2::Sha256::digest(key);
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        json!({ "subject": "ci", "sha256": hash, "scopes": ["a"], "expires": null })
    };
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
                assert_eq!(matches!(own, Judgement::Known(_)), expected == "known");
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
fn verified_tokens_are_known_for_a_while() {
    let world = World::new();
    let settings = settings(json!({ "variable": "jwks" }));
    world.set_variable("jwks", &set(&["one"]).to_string());
    let (short, long) = (
        Short::with(&world, settings.clone()),
        Long::with(&world, settings),
    );
    let token = token("one", world.now() + 90);
    let tokens = |instance: &dyn Fn() -> Judgement| match instance() {
        Judgement::Known(_) => "known",
        _ => "not",
    };
    let header = format!("Bearer {token}");
    let of_long = || long.authenticate(("authorization", &header));
    let of_short = || short.authenticate(("authorization", &header));
    assert_eq!((tokens(&of_long), tokens(&of_short)), ("known", "known"));
    // The key is withdrawn, which instances see after a while.
    world.set_variable("jwks", &set(&["two"]).to_string());
    world.pass(59);
    assert_eq!(tokens(&of_long), "known");
    world.pass(1);
    assert_eq!(tokens(&of_long), "not");
    world.set_variable("jwks", &set(&["one"]).to_string());
    world.pass(60);
    // It expired by now.
    assert_eq!((tokens(&of_long), tokens(&of_short)), ("not", "not"));
}
