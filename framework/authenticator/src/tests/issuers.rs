//! Issuers that are slow, down, wrong, or have new keys.

use std::{future::Future, pin::Pin};

use super::*;

#[test]
fn metadata_is_where_one_of_the_specifications_says() {
    let path = "https://auth.example.com/tenant/.well-known/openid-configuration";
    let insertion = "https://auth.example.com/.well-known/openid-configuration/tenant";
    let metadata = || json!({ "issuer": ISSUER, "jwks_uri": JWKS });
    for (at, asked) in [
        (METADATA, &[METADATA, JWKS][..]),
        (insertion, &[METADATA, insertion, JWKS]),
        (path, &[METADATA, insertion, path, JWKS]),
    ] {
        let world = World::new();
        world.pages.borrow_mut().remove(METADATA);
        // What another issuer says is not believed.
        for other in [METADATA, insertion, path] {
            world.page(
                other,
                json!({ "issuer": "https://auth.example.com", "jwks_uri": "https://evil.example" }),
            );
        }
        world.page(at, metadata());
        assert_eq!(world.ask(&Long::new(&world), "one"), "known");
        assert_eq!(*world.asked.borrow(), asked);
    }
}

#[test]
fn what_an_issuer_answers_is_bounded() {
    let many = json!({ "keys": vec![set(&["one"])["keys"][0].clone(); 65] }).to_string();
    let large = json!({ "keys": set(&["one"])["keys"], "x": "x".repeat(64 << 10) }).to_string();
    let odd = json!({ "keys": [{ "kty": "new" }, 7, set(&["one"])["keys"][0]] }).to_string();
    let not_keys = format!("`{JWKS}` is not a JWK set of at most 64 KiB and 64 keys");
    for (url, body, outcome) in [
        (JWKS, &*odd, "known"),
        (JWKS, &*many, &*not_keys),
        (JWKS, &large, &not_keys),
        (JWKS, "<html>", &not_keys),
        (JWKS, "{}", &not_keys),
        (JWKS, "\u{feff}{\"keys\":[]}", &not_keys),
        (JWKS, r#"{"keys":[]}"#, UNKNOWN),
    ] {
        let world = World::new();
        world.text(url, body);
        assert_eq!(world.ask(&Long::new(&world), "one"), outcome, "{body:.40}");
    }
    for (metadata, problem) in [
        (json!({ "issuer": ISSUER }), "has no `jwks_uri`"),
        (
            json!({ "issuer": ISSUER, "jwks_uri": 7 }),
            "has no `jwks_uri`",
        ),
        (json!([]), "is not metadata of an issuer"),
        (
            json!({ "issuer": format!("{ISSUER}/"), "jwks_uri": JWKS }),
            "is the metadata of `https://auth.example.com/tenant/`, not of",
        ),
        (json!({ "jwks_uri": JWKS }), "is the metadata of ``"),
    ] {
        let world = World::new();
        world.page(METADATA, metadata);
        let outcome = world.ask(&Long::new(&world), "one");
        assert!(outcome.contains(problem), "{outcome}");
    }
}

/// A server must not be made to send requests where it should not.
#[test]
fn keys_come_over_tls_and_not_from_the_own_host() {
    for (address, asked) in [
        ("http://keys.example.com/jwks", false),
        ("https://127.0.0.1/jwks", false),
        ("http://127.0.0.1:8080/jwks", false),
        ("http://localhost/jwks", false),
        ("http://[::1]:80/jwks", false),
        ("https://user@keys.example.com/jwks", false),
        ("https://keys.example.com\\@evil.example/jwks", false),
        ("https://keys.example.com/jwks#x", false),
        ("https:///jwks", false),
        ("file:///etc/passwd", false),
        ("/jwks", false),
        ("https://keys.example.com/a b", false),
        ("https://keys.example.com?p=1", true),
        ("https://keys.example.com:8443/jwks?p=1", true),
    ] {
        let world = World::new();
        world.page(METADATA, json!({ "issuer": ISSUER, "jwks_uri": address }));
        world.ask(&Long::new(&world), "one");
        let asked_for_keys = world.asked.borrow().len() > 1;
        assert_eq!(asked_for_keys, asked, "{address}: {:?}", world.asked);
    }
    // An issuer on the own host, for development.
    let world = World::new();
    let mut settings = settings(json!({ "fetch": true }));
    settings["issuers"][0]["issuer"] = json!("http://127.0.0.1:9000");
    let long = Long::with(&world, settings);
    let token = format!("Bearer {}", token_of("http://127.0.0.1:9000"));
    assert_eq!(
        long.authenticate(("authorization", &token)),
        Judgement::Unready
    );
    world
        .run(vec![Box::pin(long.refresh())])
        .pop()
        .unwrap()
        .unwrap_err();
    assert_eq!(
        *world.asked.borrow(),
        [
            "http://127.0.0.1:9000/.well-known/oauth-authorization-server",
            "http://127.0.0.1:9000/.well-known/openid-configuration",
        ]
    );
}

#[test]
fn redirects_stay_on_their_host() {
    for (from, to, outcome) in [
        (METADATA, "/elsewhere", "known"),
        (METADATA, "https://auth.example.com/elsewhere", "known"),
        (
            METADATA,
            "//evil.example/elsewhere",
            "redirects to another host: `//evil.example/elsewhere`",
        ),
        (
            METADATA,
            "https://evil.example/elsewhere",
            "redirects to another host",
        ),
        (
            METADATA,
            "http://auth.example.com/elsewhere",
            "redirects to another host",
        ),
        (
            METADATA,
            "https://auth.example.com:8443/elsewhere",
            "redirects to another host",
        ),
        (
            METADATA,
            "https://auth.example.com.evil.example/elsewhere",
            "redirects to another host",
        ),
        (METADATA, "elsewhere", "redirects to another host"),
        (METADATA, METADATA, "redirects too often"),
        (
            JWKS,
            "https://evil.example/jwks",
            "redirects to another host",
        ),
    ] {
        let world = World::new();
        let page = world.pages.borrow()[METADATA].clone();
        world
            .pages
            .borrow_mut()
            .insert("https://auth.example.com/elsewhere".to_owned(), page);
        world.redirect(from, to);
        let answer = world.ask(&Long::new(&world), "one");
        assert!(answer.contains(outcome), "{to}: {answer}");
        assert!(!world.asked.borrow().iter().any(|url| url.contains("evil")));
    }
}

#[test]
fn a_slow_issuer_does_not_hold_up_a_request_for_long() {
    let world = World::new();
    world.latency.set(3000);
    let start = world.now();
    let outcome = world.ask(&Long::new(&world), "one");
    assert!(outcome.ends_with("it took longer than 5 s"), "{outcome}");
    assert!((5..7).contains(&(world.now() - start)));
}

#[test]
fn keys_are_fresh_for_as_long_as_the_issuer_says() {
    for (cache_control, seconds) in [
        (None, 600),
        (Some("public"), 600),
        (Some("max-age=900"), 900),
        (Some("public, MAX-AGE=\"900\", must-revalidate"), 900),
        (Some("max-age=1"), 60),
        (Some("max-age=99999999"), 86_400),
        (Some("max-age=-1"), 600),
        (Some("max-age=900, no-cache"), 60),
        (Some("no-store"), 60),
    ] {
        let world = World::new();
        world
            .pages
            .borrow_mut()
            .get_mut(JWKS)
            .unwrap()
            .cache_control = cache_control.map(str::to_owned);
        let long = Long::new(&world);
        assert_eq!(world.ask(&long, "one"), "known");
        world.pass(seconds - 2);
        assert_eq!(world.ask(&long, "one"), "known");
        assert_eq!(world.fetches(), 1, "{cache_control:?}");
        world.pass(3);
        assert_eq!(world.ask(&long, "one"), "known");
        assert_eq!(world.fetches(), 2, "{cache_control:?}");
    }
}

#[test]
fn old_keys_serve_while_the_issuer_is_down() {
    let world = World::new();
    let long = Long::new(&world);
    assert_eq!(world.ask(&long, "one"), "known");
    world.is_down.set(true);
    for hours in 0..24 {
        world.pass(3600);
        assert_eq!(world.ask(&Short::new(&world), "one"), "known", "{hours}");
        assert_eq!(world.ask(&long, "one"), "known", "{hours}");
        assert_eq!(world.ask(&long, "two"), UNKNOWN, "{hours}");
    }
    // They were fresh for ten minutes, too.
    world.pass(600);
    let problem = world.ask(&long, "one");
    assert!(problem.contains("connection refused"), "{problem}");
    assert!(
        world
            .ask(&Short::new(&world), "one")
            .contains("could not be fetched")
    );
    world.is_down.set(false);
    world.pass(5);
    assert_eq!(world.ask(&long, "one"), "known");
}

#[test]
fn an_issuer_that_is_down_is_asked_every_five_seconds() {
    let world = World::new();
    world.is_down.set(true);
    let long = Long::new(&world);
    let start = world.milliseconds.get();
    while world.milliseconds.get() < start + 60_000 {
        for _ in 0..2 {
            let outcome = world.ask(&long, "one");
            assert!(outcome.contains("connection refused"), "{outcome}");
            let outcome = world.ask(&Short::new(&world), "one");
            assert!(outcome.contains("could not"), "{outcome}");
        }
        world.pass(1);
    }
    // Each time at three addresses.
    assert!(
        (27..=39).contains(&world.asked.borrow().len()),
        "{}",
        world.asked.borrow().len()
    );
}

#[test]
fn a_new_key_is_found_in_the_same_request() {
    let world = World::new();
    let long = Long::new(&world);
    assert_eq!(world.ask(&long, "one"), "known");
    world.publish(&["one", "two"]);
    // Not within a minute: anybody can name a key that is not there.
    world.pass(30);
    assert_eq!(world.ask(&long, "two"), UNKNOWN);
    assert_eq!(world.ask(&Short::new(&world), "two"), UNKNOWN);
    assert_eq!(world.fetches(), 1);
    world.pass(31);
    assert_eq!(world.ask(&Short::new(&world), "two"), "known");
    assert_eq!(world.fetches(), 2);
    // The other instance finds it in the store.
    assert_eq!(world.ask(&long, "two"), "known");
    assert_eq!(world.fetches(), 2);
    world.publish(&["two"]);
    world.pass(601);
    assert_eq!(world.ask(&long, "one"), UNKNOWN);
}

#[test]
fn requests_that_come_together_fetch_once() {
    let world = World::new();
    let long = Long::new(&world);
    let token = token("one", START + 3600);
    let tasks = (0..16).map(|_| Box::pin(long.judge(&token)) as Pin<Box<dyn Future<Output = _>>>);
    for judged in world.run(tasks.collect()) {
        assert_eq!(outcome(&judged), "known");
    }
    assert_eq!(world.asked.borrow().len(), 2);
    // One may do what the others need.
    let world = World::new();
    let long = Long::new(&world);
    let header = format!("Bearer {token}");
    let judge = || long.authenticate(("authorization", &header));
    for _ in 0..3 {
        assert_eq!(judge(), Judgement::Unready);
    }
    let tasks = (0..3).map(|_| {
        Box::pin(async {
            long.refresh().await.unwrap();
            matches!(judge(), Judgement::Known(..))
        }) as Pin<Box<dyn Future<Output = _>>>
    });
    assert_eq!(world.run(tasks.collect()), [true; 3]);
    assert_eq!(world.fetches(), 1);
    // Instances see each other in the store, if one reads before another writes, too.
    for early in [0, 5, 16] {
        let world = World::new();
        world.early_reads.set(early);
        let short: Vec<_> = (0..16).map(|_| Short::new(&world)).collect();
        let tasks = short
            .iter()
            .map(|short| Box::pin(short.judge(&token)) as Pin<Box<dyn Future<Output = _>>>);
        for judged in world.run(tasks.collect()) {
            assert_eq!(outcome(&judged), "known");
        }
        assert_eq!(world.fetches(), 1, "{early}");
    }
}

#[test]
fn keys_that_are_not_there_cause_one_fetch_a_minute() {
    let world = World::new();
    let kids: Vec<_> = (0..1000).map(|kid| format!("k{kid}")).collect();
    let flood = |long: Option<&Long>| {
        for kids in kids.chunks(16) {
            let shorts: Vec<_> = kids.iter().map(|_| Short::new(&world)).collect();
            let tokens: Vec<_> = kids.iter().map(|kid| token(kid, START + 3600)).collect();
            let tasks = tokens.iter().zip(&shorts).map(|(token, short)| match long {
                Some(long) => Box::pin(long.judge(token)) as Pin<Box<dyn Future<Output = _>>>,
                None => Box::pin(short.judge(token)),
            });
            for judged in world.run(tasks.collect()) {
                assert_eq!(outcome(&judged), UNKNOWN);
            }
            world.milliseconds.set(world.milliseconds.get() + 900);
        }
    };
    let long = Long::new(&world);
    flood(Some(&long));
    assert!(world.fetches() <= 2, "{}", world.fetches());
    world.pass(600);
    world.asked.borrow_mut().clear();
    flood(None);
    assert!(world.fetches() <= 2, "{}", world.fetches());
}

/// A client that leaves takes its task with it.
#[test]
fn a_request_that_is_cancelled_leaves_its_turn_to_others() {
    let world = World::new();
    let long = Long::new(&world);
    let token = token("one", START + 3600);
    {
        let mut cancelled: Pin<Box<dyn Future<Output = _>>> = Box::pin(long.judge(&token));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(cancelled.as_mut().poll(&mut context).is_pending());
    }
    world.pass(6);
    assert_eq!(world.ask(&long, "one"), "known");
}

fn token_of(issuer: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = encode(json!({ "alg": "EdDSA", "kid": "one", "typ": "at+jwt" }));
    format!("{header}.{}.AAAA", encode(json!({ "iss": issuer })))
}
