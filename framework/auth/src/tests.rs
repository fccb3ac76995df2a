//! Tokens that must be refused, and the few that must not.

use serde_json::{Value, json};

use crate::{Invalid::*, Verdict::*, algorithm::Algorithm, *};

mod issuer;
mod oracle;

use issuer::*;

/// What a server says to a token whose header and claims have these members, or lack those that
/// are null.
fn say(algorithm: Algorithm, header: Value, claims: Value) -> Verdict {
    let merged = |mut base: Value, changes: Value| {
        for (name, value) in changes.as_object().unwrap() {
            let members = base.as_object_mut().unwrap();
            match value {
                Value::Null => drop(members.remove(name)),
                value => drop(members.insert(name.clone(), value.clone())),
            }
        }
        base.to_string()
    };
    let token = token_of(
        algorithm,
        &merged(issuer::header(algorithm), header),
        &merged(issuer::claims(), claims),
    );
    judge(&settings(), &set().to_string(), &token)
}

fn claims_give(claims: Value) -> Verdict {
    say(Algorithm::EdDsa, json!({}), claims)
}

fn header_gives(header: Value) -> Verdict {
    say(Algorithm::EdDsa, header, json!({}))
}

fn accepted(verdict: &Verdict) -> bool {
    matches!(verdict, Known(_))
}

#[test]
fn a_good_token_names_its_caller() {
    for algorithm in Algorithm::ALL {
        let Known(caller) = say(algorithm, json!({}), json!({})) else {
            panic!("{algorithm:?}");
        };
        assert_eq!((&*caller.issuer, &*caller.subject), (ISSUER, "u-17"));
        assert_eq!(caller.scopes, ["mcp:read", "mcp:write"]);
        assert_eq!(caller.expires, Some(NOW + 300));
        let claims: Value = serde_json::from_str(&caller.claims).unwrap();
        assert_eq!(claims, issuer::claims());
    }
}

#[test]
fn a_signature_belongs_to_one_text_and_one_key() {
    for algorithm in Algorithm::ALL {
        let token = token_of(
            algorithm,
            &header(algorithm).to_string(),
            &claims().to_string(),
        );
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let other = claims().to_string().replace("u-17", "u-18");
        let (head, _) = signed.split_once('.').unwrap();
        let mut flipped = encoding::decode(signature).unwrap();
        flipped[20] ^= 1;
        for token in [
            format!("{head}.{}.{signature}", encode(other)),
            format!("{signed}.{}", encode(&flipped)),
            format!("{signed}.{}", encode(&flipped[..flipped.len() - 1])),
            format!("{signed}.{}", encode(vec![0; flipped.len()])),
        ] {
            let verdict = judge(&settings(), &set().to_string(), &token);
            assert_eq!(verdict, Invalid(Signature), "{algorithm:?}");
        }
    }
}

/// The header names an algorithm, but the signature was made with another one.
#[test]
fn algorithms_are_not_confused() {
    for (signed_by, named) in [
        (Algorithm::Rs256, "PS256"),
        (Algorithm::Ps256, "RS256"),
        (Algorithm::Es256, "EdDSA"),
        (Algorithm::EdDsa, "ES256"),
    ] {
        let verdict = say(signed_by, json!({ "alg": named }), json!({}));
        assert!(!accepted(&verdict), "{named}: {verdict:?}");
    }
    for alg in [
        json!("none"),
        json!("None"),
        json!("nOnE"),
        json!(""),
        json!("HS256"),
        json!("ES384"),
        json!("RS512"),
        json!("ES256K"),
        json!(["EdDSA"]),
        json!(7),
        json!({}),
    ] {
        assert_eq!(
            header_gives(json!({ "alg": alg })),
            Invalid(Malformed),
            "{alg}"
        );
    }
    assert_eq!(header_gives(json!({ "alg": null })), Invalid(Malformed));
    assert!(accepted(&header_gives(json!({ "alg": "Ed25519" }))));

    let mut only_rsa = settings();
    only_rsa["issuers"][0]["algorithms"] = json!(["RS256"]);
    let token = token_of(
        Algorithm::Es256,
        &header(Algorithm::Es256).to_string(),
        &claims().to_string(),
    );
    assert_eq!(
        judge(&only_rsa, &set().to_string(), &token),
        Invalid(Signature)
    );
}

#[test]
fn a_header_cannot_bring_a_key_or_an_extension() {
    for header in [
        json!({ "crit": ["exp"] }),
        json!({ "crit": [] }),
        json!({ "b64": false }),
        json!({ "cty": "JWT" }),
        json!({ "zip": "DEF" }),
        json!({ "enc": "A128GCM" }),
        json!({ "jwk": ed_jwk() }),
        json!({ "jku": 7 }),
        json!({ "x5c": "AAAA" }),
        json!({ "kid": 7 }),
        json!({ "kid": "x".repeat(4096) }),
        json!({ "typ": 7 }),
    ] {
        assert_eq!(
            header_gives(header.clone()),
            Invalid(Malformed),
            "{header:.60}"
        );
    }
    for kid in [
        "../../x",
        "https://evil.example/k",
        "a\0b",
        "ec",
        "rsa",
        "ED",
    ] {
        assert_eq!(header_gives(json!({ "kid": kid })), Stale(0), "{kid}");
    }
    // Certificates are no keys: no key of the issuer signed this.
    let header =
        json!({ "kid": null, "jku": "https://evil.example", "x5c": ["AAAA"], "x5t": "AAAA" });
    assert!(accepted(&header_gives(header.clone())));
    let mut header = header;
    header["alg"] = json!("EdDSA");
    header.as_object_mut().unwrap().remove("kid");
    let token = token_of(Algorithm::EdDsa, &header.to_string(), &claims().to_string());
    let others = json!({ "keys": [rsa_jwk(), ec_jwk()] }).to_string();
    assert_eq!(judge(&settings(), &others, &token), Stale(0));
}

#[test]
fn only_access_tokens_are_accepted() {
    for typ in [
        json!("at+jwt"),
        json!("AT+JWT"),
        json!("application/at+jwt"),
        json!("JWT"),
        json!(null),
    ] {
        assert!(accepted(&header_gives(json!({ "typ": typ }))), "{typ}");
    }
    for typ in [
        "oauth-id-jag+jwt",
        "dpop+jwt",
        "logout+jwt",
        "id_token",
        "secevent+jwt",
        "",
        "jwt ",
    ] {
        let verdict = header_gives(json!({ "typ": typ }));
        // An empty type is what a token without one has.
        assert_eq!(accepted(&verdict), typ.is_empty(), "{typ}: {verdict:?}");
    }
    let mut strict = settings();
    strict["issuers"][0]["types"] = json!(["at+jwt"]);
    for (typ, good) in [(json!("at+jwt"), true), (json!("JWT"), false)] {
        let token = token_of(
            Algorithm::EdDsa,
            &json!({ "alg": "EdDSA", "kid": "ed", "typ": typ }).to_string(),
            &claims().to_string(),
        );
        assert_eq!(accepted(&judge(&strict, &set().to_string(), &token)), good);
    }
}

#[test]
fn a_token_has_one_form() {
    let good = token_of(
        Algorithm::EdDsa,
        &header(Algorithm::EdDsa).to_string(),
        &claims().to_string(),
    );
    let parts: Vec<_> = good.split('.').collect();
    let [head, payload, signature] = parts[..] else {
        panic!()
    };
    // A signature of 64 bytes leaves four bits unused, which must be zero.
    let trailing = format!("{}{}", &signature[..signature.len() - 1], {
        let last = signature.as_bytes()[signature.len() - 1];
        char::from(if last == b'A' { b'B' } else { last + 1 })
    });
    for token in [
        format!("{head}.{payload}"),
        format!("{head}.{payload}."),
        format!(".{payload}.{signature}"),
        format!("{head}..{signature}"),
        format!("{good}."),
        format!("{good}.{signature}"),
        format!("{head}.{payload}.{signature}.{payload}.{head}"),
        format!("{good}=="),
        format!("{head}=.{payload}.{signature}"),
        format!("{head}.{payload}.{}", signature.replace(['-', '_'], "+")),
        format!("{head}.{payload}.{trailing}"),
        ".".repeat(1000),
        "a".repeat(MAX_TOKEN),
        encode(b"\xff"),
    ] {
        let verdict = judge(&settings(), &set().to_string(), &token);
        assert!(!accepted(&verdict), "{token:.80}: {verdict:?}");
    }
}

#[test]
fn json_that_readers_disagree_on_is_malformed() {
    let header = header(Algorithm::EdDsa).to_string();
    let claims = claims().to_string();
    let open = |text: &str, member: &str| format!("{{{member},{}", &text[1..]);
    for (header, claims) in [
        (open(&header, r#""alg":"none""#), claims.clone()),
        (open(&header, r#""\u0061lg":"EdDSA""#), claims.clone()),
        (
            header.clone(),
            open(&claims, r#""aud":"https://other.example""#),
        ),
        (header.clone(), open(&claims, r#""exp":1"#)),
        (header.clone(), open(&claims, r#""e\u0078p":9999999999"#)),
        (header.clone(), open(&claims, r#""a":{"b":1,"b":2}"#)),
        (header.clone(), open(&claims, r#""a":[{"b":1,"\u0062":2}]"#)),
        (header.clone(), format!("\u{feff}{claims}")),
        (header.clone(), format!("{claims} x")),
        (header.clone(), format!("[{claims}]")),
        (
            header.clone(),
            open(
                &claims,
                &format!(r#""a":{}1{}"#, "[".repeat(65), "]".repeat(65)),
            ),
        ),
        (header.clone(), open(&claims, r#""a":"\ud83d""#)),
        (header.clone(), open(&claims, r#""a":1e400"#)),
        (header.clone(), open(&claims, r#""a":[-1E+100]"#)),
        (
            header.clone(),
            open(&claims, &format!(r#""a":{}"#, "9".repeat(400))),
        ),
    ] {
        let token = token_of(Algorithm::EdDsa, &header, &claims);
        let verdict = judge(&settings(), &set().to_string(), &token);
        assert_eq!(verdict, Invalid(Malformed), "{header} {claims:.120}");
    }
    let token = token_of(
        Algorithm::EdDsa,
        &header,
        &open(&claims, r#""__proto__":{"sub":"root"}"#),
    );
    assert!(accepted(&judge(&settings(), &set().to_string(), &token)));
}

#[test]
fn times_are_numbers_within_the_leeway() {
    for (claims, expected) in [
        (json!({ "exp": NOW - 30 }), Some(Expired)),
        (json!({ "exp": NOW - 29 }), None),
        (json!({ "exp": NOW as f64 + 0.5 }), None),
        (json!({ "exp": NOW as f64 - 30.5 }), Some(Expired)),
        (json!({ "exp": NOW as f64 - 29.5 }), None),
        (json!({ "exp": 253_402_300_800_u64 }), Some(Claim)),
        (json!({ "exp": 0 }), Some(Expired)),
        (json!({ "exp": null }), Some(Claim)),
        (json!({ "exp": -1 }), Some(Claim)),
        (json!({ "exp": 1e30 }), Some(Claim)),
        (json!({ "exp": (NOW + 300).to_string() }), Some(Claim)),
        (json!({ "exp": [NOW + 300] }), Some(Claim)),
        (json!({ "nbf": NOW + 30 }), None),
        (json!({ "nbf": NOW + 31 }), Some(NotYetValid)),
        (json!({ "nbf": NOW as f64 + 30.5 }), Some(NotYetValid)),
        (json!({ "nbf": (NOW + 31).to_string() }), Some(Claim)),
        (json!({ "nbf": true }), Some(Claim)),
        (json!({ "iat": NOW + 30 }), None),
        (json!({ "iat": NOW + 31 }), Some(NotYetValid)),
        (json!({ "iat": "now" }), Some(Claim)),
        (json!({ "iat": null }), None),
    ] {
        let verdict = claims_give(claims.clone());
        match expected {
            Some(reason) => assert_eq!(verdict, Invalid(reason), "{claims}"),
            None => assert!(accepted(&verdict), "{claims}: {verdict:?}"),
        }
    }
    let huge = claims()
        .to_string()
        .replace(&(NOW + 300).to_string(), "1e400");
    let token = token_of(
        Algorithm::EdDsa,
        &header(Algorithm::EdDsa).to_string(),
        &huge,
    );
    assert_eq!(
        judge(&settings(), &set().to_string(), &token),
        Invalid(Malformed)
    );
}

#[test]
fn a_token_is_for_this_server_and_from_this_issuer() {
    for iss in [
        json!(null),
        json!([ISSUER]),
        json!("https://auth.example.com"),
        json!("https://AUTH.example.com/"),
        json!("https://auth.example.com/x"),
        json!("https://auth.example.com/ "),
        json!(""),
        json!(7),
    ] {
        assert_eq!(claims_give(json!({ "iss": iss })), Invalid(Issuer), "{iss}");
    }
    for aud in [
        json!(null),
        json!([]),
        json!(""),
        json!("https://mcp.example.com"),
        json!("https://mcp.example.com/mcp/"),
        json!("https://mcp.example.com/mcpx"),
        json!("https://mcp.example.com/MCP"),
        json!("mcp"),
        json!(["https://other.example"]),
        json!([RESOURCE, 7]),
        json!([[RESOURCE]]),
        json!({ "0": RESOURCE }),
        json!(7),
        json!("https://mcp.example.com/.well-known/oauth-protected-resource/mcp"),
    ] {
        assert_eq!(
            claims_give(json!({ "aud": aud })),
            Invalid(Audience),
            "{aud}"
        );
    }
    for aud in [
        json!(RESOURCE),
        json!([RESOURCE]),
        json!(["https://other.example", RESOURCE]),
    ] {
        assert!(accepted(&claims_give(json!({ "aud": aud }))), "{aud}");
    }
}

#[test]
fn the_keys_of_one_issuer_do_not_verify_tokens_of_another() {
    let mut two = settings();
    let mut other = two["issuers"][0].clone();
    other["issuer"] = json!("https://other.example");
    two["issuers"].as_array_mut().unwrap().push(other);
    let mut claims = claims();
    claims["iss"] = json!("https://other.example");
    let token = token_of(
        Algorithm::EdDsa,
        &header(Algorithm::EdDsa).to_string(),
        &claims.to_string(),
    );
    let settings = Settings::read(&two.to_string()).unwrap();
    let set = set().to_string();
    let verdict = settings.authenticate(
        bearer::Credentials::Bearer(&token),
        RESOURCE,
        |index| Some(if index == 0 { &set } else { r#"{"keys":[]}"# }),
        NOW,
    );
    assert_eq!(verdict, Stale(1));
}

#[test]
fn the_subject_names_one_caller() {
    for (claims, subject) in [
        (json!({ "sub": "a" }), Some("a")),
        (json!({ "sub": null }), Some("c-1")),
        (json!({ "sub": null, "client_id": null }), None),
        (json!({ "sub": "" }), None),
        (json!({ "sub": "a\0b" }), None),
        (json!({ "sub": 7 }), None),
        (json!({ "sub": ["a"] }), None),
        (json!({ "sub": "a".repeat(1025) }), None),
        // Who presents it must prove that it has a key.
        (json!({ "cnf": { "jkt": "x" } }), None),
        (json!({ "cnf": {} }), None),
    ] {
        match (claims_give(claims.clone()), subject) {
            (Known(caller), Some(subject)) => assert_eq!(caller.subject, subject),
            (verdict, None) => assert_eq!(verdict, Invalid(Claim), "{claims:.60}"),
            (verdict, _) => panic!("{claims}: {verdict:?}"),
        }
    }
}

#[test]
fn claims_can_be_required() {
    let mut settings = settings();
    settings["issuers"][0]["require"] = json!({ "tid": ["one", "two"], "roles": ["user"] });
    for (tid, roles, good) in [
        (json!("one"), json!(["admin", "user"]), true),
        (json!("two"), json!("user"), true),
        (json!("three"), json!("user"), false),
        (json!("one"), json!([]), false),
        (json!("one"), json!("users"), false),
        (json!(null), json!("user"), false),
        (json!(7), json!("user"), false),
    ] {
        let mut claims = claims();
        claims["tid"] = tid.clone();
        claims["roles"] = roles.clone();
        let token = token_of(
            Algorithm::EdDsa,
            &header(Algorithm::EdDsa).to_string(),
            &claims.to_string(),
        );
        assert_eq!(
            accepted(&judge(&settings, &set().to_string(), &token)),
            good,
            "{tid} {roles}"
        );
    }
}

#[test]
fn scopes_are_whole_and_imply_others() {
    for (claims, scopes) in [
        (json!({ "scope": "mcp:read" }), &["mcp:read"][..]),
        (json!({ "scope": "mcp:rea" }), &["mcp:rea"]),
        (json!({ "scope": "mcp:write" }), &["mcp:read", "mcp:write"]),
        (
            json!({ "scope": "admin" }),
            &["admin", "mcp:read", "mcp:write"],
        ),
        (
            json!({ "scope": null, "scp": ["a", "b c"] }),
            &["a", "b", "c"],
        ),
        (json!({ "scope": "a", "scp": "b a" }), &["a", "b"]),
        (json!({ "scope": "a\tb  c" }), &["c"]),
        (json!({ "scope": "a\"b c\\d e" }), &["e"]),
        (json!({ "scope": null }), &[]),
        (json!({ "scope": 7 }), &[]),
        (json!({ "scope": { "a": "b" } }), &[]),
    ] {
        let Known(caller) = claims_give(claims.clone()) else {
            panic!("{claims}")
        };
        assert_eq!(caller.scopes, scopes, "{claims}");
    }
}

#[test]
fn implied_scopes_may_form_a_circle() {
    let mut settings = settings();
    settings["implies"] = json!({ "a": ["b"], "b": ["c", "a"], "c": ["c"] });
    let settings = Settings::read(&settings.to_string()).unwrap();
    let mut scopes = vec!["a".to_owned()];
    settings.expand(&mut scopes);
    assert_eq!(scopes, ["a", "b", "c"]);
}

#[test]
fn keys_that_cannot_be_used_are_skipped() {
    let token = token_of(
        Algorithm::EdDsa,
        &header(Algorithm::EdDsa).to_string(),
        &claims().to_string(),
    );
    let with = |changes: Value| {
        let mut key = ed_jwk();
        key.as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        json!({ "keys": [{ "kty": "new", "kid": "ed" }, 7, key, ec_jwk()] }).to_string()
    };
    for good in [
        json!({}),
        json!({ "use": "sig" }),
        json!({ "key_ops": ["verify"] }),
        json!({ "alg": "EdDSA" }),
        json!({ "alg": "Ed25519" }),
        json!({ "x5c": ["whatever"] }),
    ] {
        assert!(
            accepted(&judge(&settings(), &with(good.clone()), &token)),
            "{good}"
        );
    }
    for bad in [
        json!({ "use": "enc" }),
        json!({ "key_ops": ["sign"] }),
        json!({ "key_ops": [] }),
        json!({ "alg": "ES256" }),
        json!({ "alg": 7 }),
        json!({ "d": "AAAA" }),
        json!({ "kid": "other" }),
        json!({ "kid": 7 }),
        json!({ "crv": "Ed448" }),
        json!({ "kty": "EC" }),
        json!({ "x": encode([0; 32]) }),
        json!({ "x": encode([0; 31]) }),
        json!({ "x": 7 }),
        json!({ "x": "====" }),
    ] {
        assert_eq!(
            judge(&settings(), &with(bad.clone()), &token),
            Stale(0),
            "{bad}"
        );
    }
    for set in [
        "",
        "{}",
        "[]",
        r#"{"keys":{}}"#,
        r#"{"keys":[],"keys":[]}"#,
        "<html>",
    ] {
        assert_eq!(judge(&settings(), set, &token), Unready(0), "{set}");
    }
    let many = json!({ "keys": vec![ed_jwk(); jwk::MAX_KEYS + 1] }).to_string();
    assert_eq!(judge(&settings(), &many, &token), Unready(0));
    let large = json!({ "keys": [ed_jwk()], "x": "x".repeat(jwk::MAX_SET) }).to_string();
    assert_eq!(judge(&settings(), &large, &token), Unready(0));
}

/// Anybody can sign for a key of small order.
#[test]
fn weak_keys_are_refused() {
    let set = |key: Value| json!({ "keys": [key] }).to_string();
    let usable = |key: Value| jwk::Set::read(&set(key)).unwrap().usable();
    assert_eq!(usable(rsa_jwk()) + usable(ec_jwk()) + usable(ed_jwk()), 3);
    let mut small = [0; 32];
    small[0] = 1;
    assert_eq!(
        usable(json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(small) })),
        0
    );
    let modulus = |bytes: usize| {
        let mut modulus = vec![0xff; bytes];
        modulus[0] = 0x80;
        encode(modulus)
    };
    let rsa = |n: String, e: &[u8]| usable(json!({ "kty": "RSA", "n": n, "e": encode(e) }));
    assert_eq!(rsa(modulus(256), &[1, 0, 1]), 1);
    for (n, e) in [
        (modulus(128), &[1, 0, 1][..]),
        (modulus(255), &[1, 0, 1]),
        (modulus(513), &[1, 0, 1]),
        (modulus(2048), &[1, 0, 1]),
        (modulus(256), &[1]),
        (modulus(256), &[2]),
        (modulus(256), &[]),
        (modulus(256), &[1; 6]),
        (String::new(), &[1, 0, 1]),
    ] {
        assert_eq!(rsa(n, e), 0, "{e:?}");
    }
    // Not on the curve.
    let mut point = ec_jwk();
    point["y"] = json!(encode([1; 32]));
    assert_eq!(usable(point), 0);
}

#[test]
fn a_token_without_kid_has_one_key_to_be_signed_with() {
    let header = json!({ "alg": "EdDSA" }).to_string();
    let token = token_of(Algorithm::EdDsa, &header, &claims().to_string());
    assert!(accepted(&judge(&settings(), &set().to_string(), &token)));
    let mut second = ed_jwk();
    second["kid"] = json!("ed-2");
    let two = json!({ "keys": [ed_jwk(), second] }).to_string();
    assert_eq!(judge(&settings(), &two, &token), Stale(0));
}

#[test]
fn settings_that_cannot_be_read_are_no_settings() {
    assert!(Settings::read(&settings().to_string()).is_some());
    for name in ["implies", "issuers", "api_keys", "store"] {
        for value in [None, Some(json!(7))] {
            let mut settings = settings();
            match value {
                None => drop(settings.as_object_mut().unwrap().remove(name)),
                Some(value) => settings[name] = value,
            }
            assert!(Settings::read(&settings.to_string()).is_none(), "{name}");
        }
    }
    for name in [
        "issuer",
        "algorithms",
        "types",
        "require",
        "subject",
        "scope_claims",
        "leeway",
        "jwks",
    ] {
        let mut settings = settings();
        settings["issuers"][0][name] = json!(null);
        assert!(Settings::read(&settings.to_string()).is_none(), "{name}");
    }
    for (name, value) in [
        // Tokens for anybody.
        ("audience", json!([])),
        ("jwks", json!({ "fetch": false })),
        ("jwks", json!({ "keys": {} })),
        ("jwks", json!({ "variable": null })),
        ("jwks", json!({})),
    ] {
        let mut settings = settings();
        settings["issuers"][0][name] = value;
        assert!(Settings::read(&settings.to_string()).is_none(), "{name}");
    }
}

#[test]
fn credentials_come_before_keys() {
    let settings = Settings::read(&settings().to_string()).unwrap();
    let say = |credentials| settings.authenticate(credentials, RESOURCE, |_| None, NOW);
    assert_eq!(say(bearer::Credentials::Absent), Missing);
    assert_eq!(say(bearer::Credentials::Malformed), Unreadable);
    let bearer = |token| say(bearer::Credentials::Bearer(token));
    assert_eq!(bearer("a.b.c"), Invalid(Malformed));
    assert_eq!(bearer("smcp_x"), Invalid(Key));
    let (header, claims) = (header(Algorithm::EdDsa), claims());
    let token = token_of(Algorithm::EdDsa, &header.to_string(), &claims.to_string());
    assert_eq!(bearer(&token), Unready(0));
}

/// A server at the root has two spellings.
#[test]
fn the_audience_is_the_server_or_what_the_settings_say() {
    let (header, mut claims) = (header(Algorithm::EdDsa).to_string(), claims());
    let mut given = |audience: Value, resource: &str, aud: &str| {
        claims["aud"] = json!(aud);
        let token = token_of(Algorithm::EdDsa, &header, &claims.to_string());
        let mut settings = settings();
        settings["issuers"][0]["audience"] = audience;
        settings["issuers"][0]["require"] = json!({ "client_id": ["c-1"] });
        let settings = Settings::read(&settings.to_string()).unwrap();
        let set = set().to_string();
        let bearer = bearer::Credentials::Bearer(&token);
        accepted(&settings.authenticate(bearer, resource, |_| Some(&set), NOW))
    };
    for (resource, aud, good) in [
        ("https://a.example", "https://a.example", true),
        ("https://a.example", "https://a.example/", true),
        ("https://a.example/", "https://a.example", true),
        ("https://a.example", "https://a.example//", false),
        ("https://a.example/mcp", "https://a.example/mcp/", false),
        ("https://a.example/mcp", "https://a.example", false),
        ("", "", false),
        ("", "/", false),
    ] {
        assert_eq!(given(json!(null), resource, aud), good, "{resource} {aud}");
    }
    assert!(given(json!(["api://x"]), RESOURCE, "api://x"));
    assert!(!given(json!(["api://x"]), RESOURCE, RESOURCE));
    assert!(given(json!([]), RESOURCE, "anything"));
}

#[test]
fn api_keys_of_a_variable_replace_those_of_their_subjects() {
    let key = |subject: &str, byte: &str| json!({ "subject": subject, "sha256": byte.repeat(32), "scopes": [], "expires": null });
    let mut settings = settings();
    settings["api_keys"] = json!([key("ci", "01"), key("ops", "02")]);
    let mut settings = Settings::read(&settings.to_string()).unwrap();
    let new = json!([key("ci", "03"), key("ci", "04")]).to_string();
    assert!(settings.replace_api_keys(&new));
    let keys: Vec<_> = settings.api_keys.iter().map(|key| key.sha256[0]).collect();
    assert_eq!(keys, [2, 3, 4]);
    for text in ["", "{}", "[{}]", "[7]"] {
        assert!(!settings.replace_api_keys(text), "{text}");
    }
    assert_eq!(settings.api_keys.len(), 3);
}
