use proptest::prelude::*;

use super::*;
use crate::{
    state::services::{MemoryStore, Store as _},
    testing::TestServices,
    wire::failure::{INTERNAL_ERROR, INVALID_PARAMS},
};

const HOUR: u64 = 3_600_000;
const FOREIGN: &str =
    "invalid `requestState`: it does not belong to this request; call again without it";
const EXPIRED: &str = "invalid `requestState`: it expired; call again without it";
const HEX: &str = "00112233445566778899aAbBcCdDeEfF0123456789abcdef0123456789abcdef";

const BINDING: Binding<'_> = Binding {
    principal: "alice",
    method: "tools/call",
    target: "deploy",
    arguments: r#"{"a":1,"b":["x",{"c":null,"d":"é"}]}"#,
};

fn with_variable(value: &str) -> TestServices {
    TestServices {
        variables: vec![("mcp_state_key".to_owned(), value.to_owned())],
        store: None,
        ..TestServices::default()
    }
}

fn refusal(services: &mut TestServices, binding: &Binding<'_>, sealed: &str) -> String {
    let failure = open(services, binding, sealed).unwrap_err();
    assert_eq!((failure.status, failure.code), (200, INVALID_PARAMS));
    assert_eq!(failure.data, None);
    failure.message.into_owned()
}

fn internal<T: std::fmt::Debug>(result: Result<T, Failure>) -> String {
    let failure = result.unwrap_err();
    assert_eq!((failure.status, failure.code), (200, INTERNAL_ERROR));
    failure.message.into_owned()
}

fn keys(services: &mut TestServices) -> Vec<String> {
    crate::testing::keys(services.store.as_ref().unwrap())
}

#[test]
fn state_comes_back_to_its_request() {
    for mut services in [TestServices::default(), with_variable(HEX)] {
        for plain in [&b""[..], b"state", &[0; MAX_STATE]] {
            let sealed = seal(&mut services, &BINDING, HOUR, plain).unwrap();
            assert!(sealed.len() <= 64 << 10);
            assert_eq!(open(&mut services, &BINDING, &sealed).unwrap(), plain);
            assert_eq!(open(&mut services, &BINDING, &sealed).unwrap(), plain);
        }
        let one = seal(&mut services, &BINDING, HOUR, b"state").unwrap();
        assert_ne!(one, seal(&mut services, &BINDING, HOUR, b"state").unwrap());
        assert!(
            !URL_SAFE_NO_PAD
                .decode(one)
                .unwrap()
                .windows(5)
                .any(|part| part == b"state")
        );
    }
}

#[test]
fn arguments_may_be_written_otherwise() {
    let mut services = TestServices::default();
    let sealed = seal(&mut services, &BINDING, HOUR, b"state").unwrap();
    let arguments = "{ \"\\u0062\" : [\"\\u0078\", {\"d\":\"\\u00E9\",\n\"c\":null}], \"a\":1 }";
    let binding = Binding {
        arguments,
        ..BINDING
    };
    assert_eq!(open(&mut services, &binding, &sealed).unwrap(), b"state");
}

#[test]
fn foreign_state_is_refused() {
    let mut services = TestServices::default();
    let sealed = seal(&mut services, &BINDING, HOUR, b"state").unwrap();
    let others = [
        Binding {
            principal: "bob",
            ..BINDING
        },
        Binding {
            principal: "",
            ..BINDING
        },
        Binding {
            method: "prompts/get",
            ..BINDING
        },
        Binding {
            target: "destroy",
            ..BINDING
        },
        Binding {
            arguments: r#"{"a":2,"b":["x",{"c":null,"d":"é"}]}"#,
            ..BINDING
        },
        Binding {
            arguments: r#"{"a":1,"b":["x",{"c":null,"d":"e"}]}"#,
            ..BINDING
        },
        Binding {
            arguments: r#"{"a":1.0,"b":["x",{"c":null,"d":"é"}]}"#,
            ..BINDING
        },
        Binding {
            arguments: "{}",
            ..BINDING
        },
        // Parts that are moved from one to the next.
        Binding {
            principal: "alicetools/call",
            method: "",
            ..BINDING
        },
        Binding {
            method: "tools/calldeploy",
            target: "",
            ..BINDING
        },
    ];
    for other in others {
        assert_eq!(
            refusal(&mut services, &other, &sealed),
            FOREIGN,
            "{other:?}"
        );
    }
    let mut elsewhere = TestServices {
        randoms: 1000,
        ..TestServices::default()
    };
    assert_eq!(refusal(&mut elsewhere, &BINDING, &sealed), FOREIGN);
    seal(&mut elsewhere, &BINDING, HOUR, b"").unwrap();
    assert_eq!(refusal(&mut elsewhere, &BINDING, &sealed), FOREIGN);
}

#[test]
fn state_expires() {
    let mut services = TestServices::default();
    let sealed = seal(&mut services, &BINDING, HOUR, b"state").unwrap();
    services.now += HOUR - 1;
    assert_eq!(open(&mut services, &BINDING, &sealed).unwrap(), b"state");
    services.now += 1;
    assert_eq!(refusal(&mut services, &BINDING, &sealed), EXPIRED);
    let other = Binding {
        target: "destroy",
        ..BINDING
    };
    assert_eq!(refusal(&mut services, &other, &sealed), FOREIGN);
    let forever = seal(&mut services, &BINDING, u64::MAX, b"").unwrap();
    assert_eq!(open(&mut services, &BINDING, &forever).unwrap(), b"");
}

#[test]
fn every_changed_byte_is_noticed() {
    let mut services = TestServices::default();
    let sealed = seal(&mut services, &BINDING, HOUR, b"state").unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let changed = URL_SAFE_NO_PAD.encode(changed);
        assert_eq!(refusal(&mut services, &BINDING, &changed), FOREIGN, "{at}");
    }
    for end in 0..sealed.len() {
        assert_eq!(refusal(&mut services, &BINDING, &sealed[..end]), FOREIGN);
    }
    for text in ["é", "\0", &format!("{sealed}="), &"A".repeat(1 << 20)] {
        assert_eq!(refusal(&mut services, &BINDING, text), FOREIGN);
    }
}

#[test]
fn state_that_is_too_long_is_the_servers_fault() {
    let mut services = TestServices::default();
    let long = vec![0; MAX_STATE + 1];
    assert_eq!(
        internal(seal(&mut services, &BINDING, HOUR, &long)),
        "the request state is 32769 bytes long; at most 32768 bytes can be sent"
    );
}

#[test]
fn the_variable_must_be_a_key() {
    for value in [
        "secret",
        &HEX[1..],
        &format!("{HEX}0"),
        &format!("{HEX}00"),
        &HEX.replace('0', "g"),
        &HEX.replace('0', "+"),
        &HEX.replace("00", "é"),
    ] {
        for store in [None, Some(MemoryStore::default())] {
            let mut services = TestServices {
                store,
                ..with_variable(value)
            };
            let expected = "the variable `mcp_state_key` is not 64 hexadecimal digits; set it to 32 random bytes, such as `openssl rand -hex 32` prints";
            assert_eq!(internal(seal(&mut services, &BINDING, HOUR, b"")), expected);
            let (ticket, _) = mint_ticket(&mut TestServices::default(), b"", 1).unwrap();
            assert_eq!(
                internal(check_ticket(&mut services, b"", &ticket)),
                expected
            );
        }
    }
}

#[test]
fn without_a_variable_and_a_store_there_is_no_key() {
    let mut services = TestServices {
        store: None,
        ..TestServices::default()
    };
    let expected = "this server has no key to seal state with: it was composed without a key-value store; set the variable `mcp_state_key` to 64 hexadecimal digits";
    assert_eq!(internal(seal(&mut services, &BINDING, HOUR, b"")), expected);
    assert_eq!(internal(mint_ticket(&mut services, b"", 1)), expected);
    let sealed = seal(&mut TestServices::default(), &BINDING, HOUR, b"").unwrap();
    assert_eq!(internal(open(&mut services, &BINDING, &sealed)), expected);
    assert_eq!(refusal(&mut services, &BINDING, "bogus"), FOREIGN);
}

#[test]
fn the_variable_wins_over_the_store_and_leaves_it_alone() {
    let mut services = TestServices {
        store: Some(MemoryStore::default()),
        ..with_variable(HEX)
    };
    let sealed = seal(&mut services, &BINDING, HOUR, b"state").unwrap();
    assert_eq!(keys(&mut services), [""; 0]);
    let lower = HEX.to_lowercase();
    assert_eq!(
        open(&mut with_variable(&lower), &BINDING, &sealed).unwrap(),
        b"state"
    );
    let other = HEX.replace('0', "1");
    assert_eq!(
        refusal(&mut with_variable(&other), &BINDING, &sealed),
        FOREIGN
    );
}

#[test]
fn a_key_is_created_once() {
    let mut services = TestServices::default();
    let first = seal(&mut services, &BINDING, HOUR, b"1").unwrap();
    let created = keys(&mut services);
    let second = seal(&mut services, &BINDING, HOUR, b"2").unwrap();
    assert_eq!(keys(&mut services), created);
    assert_eq!(created.len(), 2);
    assert_eq!(created[0], "mcp:key");
    assert_eq!(created[1].strip_prefix("mcp:key:").unwrap().len(), 16);
    assert_eq!(open(&mut services, &BINDING, &first).unwrap(), b"1");
    assert_eq!(open(&mut services, &BINDING, &second).unwrap(), b"2");
}

#[test]
fn keys_that_lost_a_race_or_came_before_the_variable_still_open() {
    let mut services = TestServices::default();
    let lost = seal(&mut services, &BINDING, HOUR, b"lost").unwrap();
    let store = services.store.as_mut().unwrap();
    store.delete(&["mcp:key"]).unwrap();
    let won = seal(&mut services, &BINDING, HOUR, b"won").unwrap();
    assert_eq!(keys(&mut services).len(), 3);
    services.variables = with_variable(HEX).variables;
    assert_eq!(open(&mut services, &BINDING, &lost).unwrap(), b"lost");
    assert_eq!(open(&mut services, &BINDING, &won).unwrap(), b"won");
}

#[test]
fn damaged_keys_are_not_used() {
    let mut services = TestServices::default();
    let sealed = seal(&mut services, &BINDING, HOUR, b"").unwrap();
    let names = keys(&mut services);
    for value in [&b""[..], &[7; 32], &[7; 40]] {
        let store = services.store.as_mut().unwrap();
        names
            .iter()
            .for_each(|name| store.set(name, value).unwrap());
        assert_eq!(
            internal(seal(&mut services, &BINDING, HOUR, b"")),
            "the key-value store has a value that this server did not write under `mcp:key`; delete that key"
        );
        assert_eq!(refusal(&mut services, &BINDING, &sealed), FOREIGN);
    }
}

#[test]
fn a_key_under_the_name_of_another_one_is_not_used() {
    let mut services = TestServices::default();
    let sealed = seal(&mut services, &BINDING, HOUR, b"").unwrap();
    let names = keys(&mut services);
    let store = services.store.as_mut().unwrap();
    let key = store.get(&[&names[1]]).unwrap().remove(0).unwrap();
    store.set("mcp:key:0000000000000000", &key).unwrap();
    let mut bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
    bytes[1..9].fill(0);
    let renamed = URL_SAFE_NO_PAD.encode(bytes);
    assert_eq!(refusal(&mut services, &BINDING, &renamed), FOREIGN);
}

#[test]
fn tickets_are_good_for_one_purpose_until_they_expire() {
    let mut services = TestServices::default();
    let (ticket, expires) = mint_ticket(&mut services, b"reply", HOUR).unwrap();
    assert_eq!((ticket.len(), expires), (76, services.now + HOUR));
    assert_eq!(
        check_ticket(&mut services, b"reply", &ticket).unwrap(),
        Some(expires)
    );
    assert_eq!(
        check_ticket(&mut services, b"other", &ticket).unwrap(),
        None
    );
    let (other, _) = mint_ticket(&mut services, b"reply", HOUR).unwrap();
    assert_ne!(other, ticket);
    for text in [
        "",
        "1",
        &ticket[1..],
        &"A".repeat(76),
        &format!("{ticket}A"),
    ] {
        assert_eq!(check_ticket(&mut services, b"reply", text).unwrap(), None);
    }
    let state = seal(&mut services, &BINDING, HOUR, b"").unwrap();
    assert_eq!(check_ticket(&mut services, b"reply", &state).unwrap(), None);
    assert_eq!(refusal(&mut services, &BINDING, &ticket), FOREIGN);
    services.now += HOUR;
    assert_eq!(
        check_ticket(&mut services, b"reply", &ticket).unwrap(),
        None
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_other_text_opens(text in prop_oneof!["\\PC{0,100}", "AQ?[A-Za-z0-9_-]{0,200}"]) {
        let mut services = with_variable(HEX);
        prop_assert!(open(&mut services, &BINDING, &text).is_err());
        prop_assert_eq!(check_ticket(&mut services, b"", &text).unwrap(), None);
    }

    #[test]
    fn no_damaged_state_opens(
        plain in prop::collection::vec(any::<u8>(), 0..100),
        end in any::<prop::sample::Index>(),
        bits in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let mut services = TestServices::default();
        let sealed = seal(&mut services, &BINDING, HOUR, &plain).unwrap();
        let whole = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        let mut bytes = whole.clone();
        bytes.truncate(1 + end.index(whole.len()));
        for bit in bits {
            let bit = bit.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        let opened = open(&mut services, &BINDING, &URL_SAFE_NO_PAD.encode(&bytes));
        prop_assert_eq!(opened.ok(), (bytes == whole).then_some(plain));
    }
}
