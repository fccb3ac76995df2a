use super::*;
use crate::{
    state::{keys, listen::subscriptions as record},
    wire::failure,
};

const EXPIRES: u64 = 1_795_086_400_000;

fn of(services: &mut TestServices, session: &[u8]) -> Vec<String> {
    subscriptions(services, session, EXPIRES).unwrap()
}

#[test]
fn sessions_have_their_own() {
    let mut services = at(0);
    for (session, uri) in [(b"s", "a:b"), (b"s", "a:c"), (b"t", "a:d"), (b"s", "a:b")] {
        subscribe(&mut services, session, EXPIRES, uri).unwrap();
    }
    assert_eq!(of(&mut services, b"s"), ["a:b", "a:c"]);
    assert_eq!(of(&mut services, b"t"), ["a:d"]);
    assert!(of(&mut services, b"u").is_empty());
    unsubscribe(&mut services, b"s", EXPIRES, "a:d").unwrap();
    unsubscribe(&mut services, b"s", EXPIRES, "a:b").unwrap();
    assert_eq!(of(&mut services, b"s"), ["a:c"]);
    unsubscribe(&mut services, b"s", EXPIRES, "a:c").unwrap();
    unsubscribe(&mut services, b"s", EXPIRES, "a:c").unwrap();
    assert!(of(&mut services, b"s").is_empty());
    let key = keys::key("subscribed", EXPIRES, b"t");
    let keys = crate::testing::keys(&services.store.unwrap());
    assert_eq!(keys, [key]);
}

#[test]
fn a_lost_race_is_found_out_and_made_good() {
    let mut services = at(0);
    subscribe(&mut services, b"s", EXPIRES, "a:old").unwrap();
    // Another instance read before the first one wrote, and writes after it.
    let mut other = services.clone();
    subscribe(&mut services, b"s", EXPIRES, "a:lost").unwrap();
    assert_eq!(
        confirmed(&mut services, b"s", EXPIRES, "a:lost", true),
        Ok(true)
    );
    subscribe(&mut other, b"s", EXPIRES, "a:won").unwrap();
    unsubscribe(&mut other, b"s", EXPIRES, "a:old").unwrap();
    services.store = other.store;
    for (uri, there) in [("a:lost", false), ("a:won", true), ("a:old", false)] {
        for wanted in [false, true] {
            assert_eq!(
                confirmed(&mut services, b"s", EXPIRES, uri, wanted),
                Ok(there == wanted),
                "{uri} {wanted}"
            );
        }
    }
    subscribe(&mut services, b"s", EXPIRES, "a:lost").unwrap();
    assert_eq!(of(&mut services, b"s"), ["a:won", "a:lost"]);
}

#[test]
fn they_are_bounded() {
    let mut services = at(0);
    let long = |n: usize| format!("{n:>0$}", LONGEST_NAME);
    for n in 0..MOST_RESOURCES {
        subscribe(&mut services, b"s", EXPIRES, &long(n)).unwrap();
    }
    let refused = subscribe(&mut services, b"s", EXPIRES, "a:b").unwrap_err();
    assert_eq!(refused, Refused::TooMany);
    assert_eq!(refused.failure().code, failure::INVALID_PARAMS);
    subscribe(&mut services, b"s", EXPIRES, &long(0)).unwrap();
    unsubscribe(&mut services, b"s", EXPIRES, &long(0)).unwrap();
    subscribe(&mut services, b"s", EXPIRES, "a:b").unwrap();
    assert_eq!(of(&mut services, b"s").len(), MOST_RESOURCES);
    let refused = subscribe(&mut services, b"t", EXPIRES, &(long(0) + "0")).unwrap_err();
    assert_eq!(refused, Refused::TooLong);
    assert_eq!(refused.failure().code, failure::INVALID_PARAMS);
}

#[test]
fn the_largest_record_fits_into_a_value() {
    // Just before the end of a window with the most stamps: two for each resource.
    let mut services = at(HOUR - 1);
    let long = |n: usize| format!("{n:>0$}", LONGEST_NAME);
    for n in 0..MOST_RESOURCES {
        publish(&mut services, &[resource(&long(n))]).unwrap();
    }
    services.now += 1;
    for n in 0..MOST_RESOURCES {
        publish(&mut services, &[resource(&long(n))]).unwrap();
        subscribe(&mut services, b"s", EXPIRES, &long(n)).unwrap();
    }
    let store = services.store.as_mut().unwrap();
    let key = keys::key("subscribed", EXPIRES, b"s");
    let value = store.get(&[&key]).unwrap().remove(0).unwrap();
    assert_eq!(value.len(), MOST_RESOURCES * (2 + LONGEST_NAME + 1 + 32));
    assert!(value.len() < 1_000_000);
}

#[test]
fn damaged_records_are_read_as_far_as_they_go() {
    let mut services = at(0);
    publish(&mut services, &[resource("a:b")]).unwrap();
    for uri in ["a:b", "a:c"] {
        subscribe(&mut services, b"s", EXPIRES, uri).unwrap();
    }
    let key = keys::key("subscribed", EXPIRES, b"s");
    let whole = services.store.as_mut().unwrap().get(&[&key]).unwrap();
    let whole = whole[0].clone().unwrap();
    assert_eq!(record::decode(Some(&whole)).len(), 2);
    for length in 0..whole.len() {
        let count = record::decode(Some(&whole[..length])).len();
        assert_eq!(count, usize::from(length >= whole.len() - 6), "{length}");
    }
    let mut no_text = whole.clone();
    no_text[3] = 0xFF;
    assert!(record::decode(Some(&no_text)).is_empty());
    let many = [1, 0, b'a', 0].repeat(MOST_RESOURCES + 1);
    assert_eq!(record::decode(Some(&many)).len(), MOST_RESOURCES);
}

#[test]
fn stores_that_are_away_or_absent_are_told_from_refusals() {
    let mut services = at(0);
    services.store = None;
    let refused = subscribe(&mut services, b"s", EXPIRES, "a:b").unwrap_err();
    assert!(matches!(refused, Refused::Unavailable(_)));
    assert_eq!(refused.failure().code, failure::INTERNAL_ERROR);
    assert!(unsubscribe(&mut services, b"s", EXPIRES, "a:b").is_err());
    assert!(confirmed(&mut services, b"s", EXPIRES, "a:b", true).is_err());
    assert!(subscriptions(&mut services, b"s", EXPIRES).is_err());
}
