//! Whatever this crate accepts, `jsonwebtoken` accepts.

use jsonwebtoken::{DecodingKey, Validation, decode, jwk::JwkSet};
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Whether `jsonwebtoken` accepts a token, with a key of its `kid`.
fn oracle(token: &str) -> bool {
    let Ok(head) = jsonwebtoken::decode_header(token) else {
        return false;
    };
    let set: JwkSet = serde_json::from_value(set()).unwrap();
    set.keys.iter().any(|jwk| {
        let mut validation = Validation::new(head.alg);
        validation.validate_exp = false;
        validation.set_audience(&[RESOURCE]);
        validation.set_issuer(&[ISSUER]);
        let Ok(key) = DecodingKey::from_jwk(jwk) else {
            return false;
        };
        decode::<serde_json::Value>(token, &key, &validation).is_ok()
    })
}

fn good(algorithm: Algorithm) -> String {
    token_of(
        algorithm,
        &header(algorithm).to_string(),
        &claims().to_string(),
    )
}

#[test]
fn the_oracle_accepts_good_tokens() {
    for algorithm in Algorithm::ALL {
        assert!(oracle(&good(algorithm)), "{algorithm:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Bytes of a good token are replaced, removed or repeated.
    #[test]
    fn no_damaged_token_is_accepted_that_the_oracle_refuses(
        algorithm in prop::sample::select(vec![Algorithm::Es256, Algorithm::EdDsa]),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..3u8, "[A-Za-z0-9_.=-]"), 1..4),
    ) {
        let mut token = good(algorithm);
        for (at, edit, text) in edits {
            let at = at.index(token.len());
            match edit {
                0 => token.replace_range(at..=at, &text),
                1 => drop(token.remove(at)),
                _ => token.insert_str(at, &text),
            }
        }
        let verdict = judge(&settings(), &set().to_string(), &token);
        if token != good(algorithm) && accepted(&verdict) {
            prop_assert!(oracle(&token), "{token}");
        }
    }

    /// Signed tokens with odd members.
    #[test]
    fn no_signed_token_is_accepted_that_the_oracle_refuses(
        name in prop::sample::select(vec!["iss", "aud", "nbf", "sub", "alg", "kid", "typ", "crit", "x"]),
        in_header in any::<bool>(),
        value in prop::sample::select(vec![
            json!(null), json!(0), json!(-1), json!(1.5), json!(""), json!("x"), json!([]), json!([RESOURCE]),
            json!({}), json!(true), json!("none"), json!("HS256"), json!("ES256"), json!(ISSUER), json!(RESOURCE),
        ]),
    ) {
        let (mut head, mut body) = (header(Algorithm::EdDsa), claims());
        *if in_header { &mut head[name] } else { &mut body[name] } = value;
        let token = token_of(Algorithm::EdDsa, &head.to_string(), &body.to_string());
        let verdict = judge(&settings(), &set().to_string(), &token);
        if accepted(&verdict) {
            prop_assert!(oracle(&token), "{head} {body}");
        }
    }
}
