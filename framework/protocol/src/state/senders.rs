//! The senders that the authenticator of a server knows, for an instance that serves many requests: to
//! ask it again takes several times as long as to find its verdict here.

use std::{cell::RefCell, iter, rc::Rc};

use super::sender::Sender;

/// The most senders, and the most bytes of credentials that are kept.
const MOST: usize = 1024;
const LONGEST: usize = 4096;

/// Each sender has one place, by the end of its credentials; a newer one takes it. Nobody can fill the
/// places with credentials that the authenticator does not accept.
#[derive(Debug, Default)]
pub struct Senders(RefCell<Vec<Option<Kept>>>);

#[derive(Debug)]
struct Kept {
    key: Vec<u8>,
    sender: Rc<Sender>,
    /// In seconds since 1970.
    until: u64,
}

/// What a verdict is about: the URI of the server and the headers that the authenticator sees.
pub fn key<'h>(resource: &str, headers: impl Iterator<Item = (&'h str, &'h [u8])>) -> Vec<u8> {
    let mut key = resource.as_bytes().to_vec();
    for (name, value) in headers {
        key.push(0);
        key.extend(name.bytes().chain(iter::once(0)));
        key.extend((value.len() as u64).to_le_bytes());
        key.extend(value);
    }
    key
}

impl Senders {
    pub fn get(&self, key: &[u8], now: u64) -> Option<Rc<Sender>> {
        let places = self.0.borrow();
        let kept = places.get(place(key))?.as_ref()?;
        (now < kept.until && is_equal(&kept.key, key)).then(|| kept.sender.clone())
    }

    /// Keeps a sender until then, but not after its credentials expire.
    pub fn put(&self, key: Vec<u8>, sender: &Rc<Sender>, until: u64) {
        if key.len() > LONGEST {
            return;
        }
        let mut places = self.0.borrow_mut();
        places.resize_with(MOST, || None);
        let place = place(&key);
        places[place] = Some(Kept {
            key,
            sender: sender.clone(),
            until: until.min(sender.expires.map_or(u64::MAX, |expires| expires / 1000)),
        });
    }

    /// The authenticator may know better now.
    pub fn forget(&self) {
        self.0.borrow_mut().clear();
    }
}

/// By FNV-1a: signatures and keys are random at their end.
fn place(key: &[u8]) -> usize {
    let mix = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    let hash = key.iter().rev().take(16).fold(0x811c_9dc5, mix);
    (hash ^ hash >> 16) as usize % MOST
}

/// The time does not depend on how much is equal.
fn is_equal(one: &[u8], other: &[u8]) -> bool {
    let differences = iter::zip(one, other).fold(0, |all, (one, other)| all | (one ^ other));
    one.len() == other.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::types::{Caller, Known};

    fn sender(subject: &str, expires: Option<u64>) -> Rc<Sender> {
        let caller = Caller {
            subject: subject.to_owned(),
            issuer: String::new(),
            scopes: Vec::new(),
            claims: "{}".to_owned(),
        };
        let keep_until = None;
        let known = Known {
            caller,
            expires,
            keep_until,
        };
        Rc::new(Sender::known(known).unwrap())
    }

    fn of(token: &str) -> Vec<u8> {
        key("r", [("authorization", token.as_bytes())].into_iter())
    }

    #[test]
    fn a_sender_is_known_until_it_expires() {
        let senders = Senders::default();
        senders.put(of("a"), &sender("a", Some(50)), 60);
        senders.put(of("b"), &sender("b", None), 60);
        let knows = |token: &str, now| senders.get(&of(token), now).is_some();
        assert!(knows("a", 49) && !knows("a", 50));
        assert!(knows("b", 59) && !knows("b", 60) && !knows("c", 0));
        senders.forget();
        assert!(!knows("a", 0) && !knows("b", 0));
    }

    #[test]
    fn places_are_bounded_and_keys_are_compared() {
        let senders = Senders::default();
        let tokens: Vec<_> = (0..4 * MOST)
            .map(|number| of(&number.to_string()))
            .collect();
        for token in &tokens {
            senders.put(token.clone(), &sender("a", None), 60);
        }
        assert_eq!(senders.0.borrow().len(), MOST);
        let known = tokens
            .iter()
            .filter(|token| senders.get(token, 0).is_some());
        assert!((MOST / 2..=MOST).contains(&known.count()));
        // The same place, by an equal end.
        let (one, other) = (of(&format!("x{}", "a".repeat(16))), of(&"a".repeat(17)));
        assert_eq!(place(&one), place(&other));
        senders.put(one.clone(), &sender("a", None), 60);
        assert!(senders.get(&one, 0).is_some() && senders.get(&other, 0).is_none());
        let long = of(&"a".repeat(LONGEST));
        senders.put(long.clone(), &sender("a", None), 60);
        assert!(senders.get(&long, 0).is_none());
    }

    #[test]
    fn no_two_credentials_have_the_same_key() {
        let all: [&[(&str, &[u8])]; 6] = [
            &[],
            &[("a", b"bc")],
            &[("ab", b"c")],
            &[("a", b"b"), ("a", b"c")],
            &[("a", b"c"), ("a", b"b")],
            &[("a", b"b\0a\0\x01\0\0\0\0\0\0\0c")],
        ];
        let keys: Vec<_> = all
            .iter()
            .map(|all| key("r", all.iter().copied()))
            .collect();
        for (at, one) in keys.iter().enumerate() {
            assert!(!keys[..at].contains(one), "{:?}", all[at]);
        }
        assert_ne!(key("r", [].into_iter()), key("s", [].into_iter()));
    }
}
