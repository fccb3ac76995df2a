//! Whatever this crate accepts, `jsonwebtoken` accepts. `FUZZ_RUNS` is how often each test tries.
//! `scripts/fuzz-auth.sh` tries ten million times.

use std::env;

use jsonwebtoken::{DecodingKey, Validation, decode, jwk::JwkSet};
use serde_json::json;

use super::*;

/// How often each test tries, and how often if nothing else is said.
fn runs(few: u64) -> impl Iterator<Item = Random> {
    let runs = env::var("FUZZ_RUNS").map_or(few, |runs| runs.parse().expect("a number"));
    (1..=runs).map(Random)
}

/// Numbers that follow from the number of the run (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }

    fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    /// Replaces, removes, repeats or moves some bytes. All texts here are ASCII.
    fn damage(&mut self, text: &mut String, alphabet: &[&str]) {
        for _ in 0..=self.below(3) {
            if text.len() < 2 {
                return;
            }
            let at = self.below(text.len());
            let end = (at + 1 + self.below(8)).min(text.len());
            match self.below(5) {
                0 => text.replace_range(at..=at, self.of(alphabet)),
                1 => text.replace_range(at..end, ""),
                2 => text.insert_str(at, self.of(alphabet)),
                3 => {
                    let part = text[at..end].to_owned();
                    text.insert_str(at, &part);
                }
                _ => {
                    let part: String = text.drain(at..end).collect();
                    let to = self.below(text.len() + 1);
                    text.insert_str(to, &part);
                }
            }
        }
    }
}

/// Whether `jsonwebtoken` accepts a token, with a key of the issuer. It reads the clock, so dates are
/// checked here.
fn oracle(token: &str) -> bool {
    let Ok(head) = jsonwebtoken::decode_header(token) else {
        return false;
    };
    let set: JwkSet = serde_json::from_value(set()).unwrap();
    set.keys.iter().any(|jwk| {
        let mut validation = Validation::new(head.alg);
        validation.validate_exp = false;
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_audience(&[RESOURCE]);
        validation.set_issuer(&[ISSUER]);
        let Ok(key) = DecodingKey::from_jwk(jwk) else {
            return false;
        };
        let decoded = decode::<Value>(token, &key, &validation);
        decoded.is_ok_and(|token| {
            let date = |name| token.claims.get(name).map(|date| date.as_f64());
            let (now, leeway) = (NOW as f64, 30.0);
            let begun =
                |name| date(name).is_none_or(|date| date.is_some_and(|at| at <= now + leeway));
            let left = date("exp").flatten().is_some_and(|at| now < at + leeway);
            left && begun("nbf") && begun("iat")
        })
    })
}

/// Judges many tokens with the same settings.
fn judge_all() -> impl Fn(&str) -> Verdict {
    let settings = Settings::read(&settings().to_string()).unwrap();
    let set = set().to_string();
    move |token| {
        let bearer = bearer::Credentials::Bearer(token);
        settings.authenticate(bearer, RESOURCE, |_| Some(&set), NOW)
    }
}

fn good(algorithm: Algorithm) -> String {
    let (header, claims) = (header(algorithm).to_string(), claims().to_string());
    token_of(algorithm, &header, &claims)
}

#[test]
fn the_oracle_accepts_good_tokens() {
    for algorithm in Algorithm::ALL {
        assert!(oracle(&good(algorithm)), "{algorithm:?}");
    }
}

#[test]
fn no_damaged_token_is_accepted_that_the_oracle_refuses() {
    let tokens = Algorithm::ALL.map(good);
    let judge = judge_all();
    let (mut same, mut runs_made) = (0, 0);
    for mut random in runs(20_000) {
        let mut token = random.of(&tokens.each_ref()).clone();
        if random.below(4) == 0 {
            // The parts of two tokens.
            let other = random.of(&tokens.each_ref());
            let at = |token: &str| token.rfind('.').unwrap();
            token.replace_range(at(&token).., &other[at(other)..]);
        }
        random.damage(
            &mut token,
            &[".", "=", "-", "_", "A", "Q", "g", "w", "9", "+", "/"],
        );
        runs_made += 1;
        same += u32::from(tokens.contains(&token));
        if accepted(&judge(&token)) {
            assert!(oracle(&token), "{token}");
        }
    }
    // Few may be what they were, or little was tested.
    assert!(same * 20 < runs_made, "{same} of {runs_made}");
}

#[test]
fn no_signed_token_is_accepted_that_the_oracle_refuses() {
    let (header, claims) = (header(Algorithm::EdDsa).to_string(), claims().to_string());
    let judge = judge_all();
    let (mut known, mut runs_made) = (0, 0);
    for mut random in runs(5_000) {
        let (mut head, mut body) = (header.clone(), claims.clone());
        for _ in 0..=random.below(2) {
            let part = if random.below(3) == 0 {
                &mut head
            } else {
                &mut body
            };
            match random.below(3) {
                0 => random.damage(part, PIECES),
                // Another member of the same name, before or after the first.
                1 => part.insert_str(
                    1,
                    &format!("\"{}\":{},", random.of(NAMES), random.of(VALUES)),
                ),
                _ => {
                    let mut members: Value = serde_json::from_str(part).unwrap_or(json!({}));
                    let value = serde_json::from_str(random.of(VALUES)).unwrap_or_default();
                    members[random.of(NAMES)] = value;
                    *part = members.to_string();
                }
            }
        }
        let token = token_of(Algorithm::EdDsa, &head, &body);
        runs_made += 1;
        if accepted(&judge(&token)) {
            known += 1;
            assert!(oracle(&token), "{head} {body}");
        }
    }
    // Some must be accepted, or nothing was tested.
    assert!(known * 100 > runs_made, "{known} of {runs_made}");
}

#[test]
fn no_damaged_key_is_accepted_that_the_oracle_refuses() {
    let good: [(Algorithm, String); 3] = [
        (Algorithm::Rs256, rsa_jwk().to_string()),
        (Algorithm::Es256, ec_jwk().to_string()),
        (Algorithm::EdDsa, ed_jwk().to_string()),
    ];
    let mut known = 0;
    for mut random in runs(5_000) {
        let (algorithm, key) = random.of(&good.each_ref());
        let mut key = key.clone();
        random.damage(&mut key, PIECES);
        let text = format!("{{\"keys\":[{key}]}}");
        let Some(found) = jwk::Set::read(&text).map(|set| set.find(*algorithm, None)) else {
            continue;
        };
        if !found.is_empty() {
            known += 1;
            let jwk: Result<jsonwebtoken::jwk::Jwk, _> = serde_json::from_str(&key);
            let jwk = jwk.unwrap_or_else(|error| panic!("{error}: {key}"));
            assert!(DecodingKey::from_jwk(&jwk).is_ok(), "{key}");
        }
    }
    assert!(known > 10);
}

const NAMES: &[&str] = &[
    "iss",
    "aud",
    "exp",
    "nbf",
    "iat",
    "sub",
    "scope",
    "cnf",
    "alg",
    "kid",
    "typ",
    "crit",
    "jwk",
    "jku",
    "x5u",
    "x5c",
    "x5t",
    "x5t#S256",
    "b64",
    "\\u0061lg",
    "ex\\u0070",
    "x",
    "",
];

/// Without `Ed25519` (RFC 9864), which the oracle does not know.
const VALUES: &[&str] = &[
    "null",
    "0",
    "-0",
    "-1",
    "1.5",
    "1800000000",
    "1800000300.5",
    "1799999970",
    "1799999971",
    "1800000031",
    "18000003e2",
    "1e400",
    "99999999999999999999",
    "\"1800000300\"",
    "true",
    "\"\"",
    "\"x\"",
    "[]",
    "{}",
    "[\"https://mcp.example.com/mcp\"]",
    "\"https://mcp.example.com/mcp\"",
    "\"https://mcp.example.com/mcp/\"",
    "[\"https://mcp.example.com/mcp\",1]",
    "\"https://auth.example.com/\"",
    "\"https://auth.example.com\"",
    "[\"https://auth.example.com/\"]",
    "\"none\"",
    "\"HS256\"",
    "\"ES256\"",
    "\"EdDSA\"",
    "\"RS256\"",
    "\"ed\"",
    "\"rsa\"",
    "[\"exp\"]",
    "false",
    "\"at+jwt\"",
    "\"JWT\"",
    "\"dpop+jwt\"",
];

/// What JSON is made of.
const PIECES: &[&str] = &[
    "\"", ",", ":", "{", "}", "[", "]", "\\", "\\u0000", " ", "\n", "0", "1", "9", "-", ".", "e",
    "E9", "null", "true", "A", "_", "=", "a", "Z",
];
