use proptest::prelude::*;

use super::*;
use crate::{
    state::services::{MemoryStore, Store},
    testing::TestServices,
};

fn kept(services: &mut TestServices, session: &[u8], expires: u64) -> Result<Kept, Unavailable> {
    super::kept(services, session, expires, true)
}

const NOW: u64 = 1_795_000_000_000;
const SECOND: u64 = 1000;

fn session(capabilities: &str, client_info: Option<&str>) -> Session {
    Session {
        version: Version::V2025_11_25,
        began: NOW,
        capabilities: capabilities.to_owned(),
        client_info: client_info.map(str::to_owned),
    }
}

fn round_trip(session: &Session) -> Session {
    let id = session.to_id([7; 16]);
    assert!(id.len() <= LONGEST, "{}", id.len());
    assert!(id.bytes().all(|byte| (0x21..=0x7E).contains(&byte)));
    Session::from_id(id.as_bytes(), NOW).unwrap()
}

#[test]
fn ids_carry_the_session() {
    for version in Version::ALL
        .into_iter()
        .filter(|version| !version.is_modern())
    {
        let session = Session {
            version,
            ..session(
                r#"{"roots":{"listChanged":true}}"#,
                Some(r#"{"name":"c","version":"1"}"#),
            )
        };
        assert_eq!(round_trip(&session), session);
    }
    assert_eq!(round_trip(&session("{}", None)), session("{}", None));
}

#[test]
fn of_the_client_only_name_title_and_version_are_kept() {
    let info = r#"{"icons":[{"src":"data:,x"}],"version":"1","name":"c","title":"C","name":"d"}"#;
    let expected = r#"{"name":"c","title":"C","version":"1"}"#;
    assert_eq!(
        round_trip(&session("{}", Some(info))).client_info.unwrap(),
        expected
    );
}

#[test]
fn what_does_not_fit_is_left_out() {
    let long = "x".repeat(LONGEST);
    let info = format!(r#"{{"name":"{long}"}}"#);
    assert_eq!(
        round_trip(&session(r#"{"roots":{}}"#, Some(&info))),
        session(r#"{"roots":{}}"#, None)
    );
    let capabilities = format!(
        r#"{{"experimental":{{"{long}":{{}}}},"elicitation":{{"url":{{"a":1}},"x":{{}}}},"sampling":{{}}}}"#
    );
    assert_eq!(
        round_trip(&session(&capabilities, Some("{}"))),
        session(r#"{"elicitation":{"url":{}},"sampling":{}}"#, None)
    );
}

#[test]
fn the_longest_session_that_fits_is_whole() {
    let room = LONGEST / 4 * 3 - BEFORE - CHECKSUM;
    let capabilities = format!(r#"{{"a":"{}"}}"#, "x".repeat(room - r#"{"a":""}"#.len()));
    assert_eq!(capabilities.len(), room);
    assert_eq!(session(&capabilities, None).to_id([0; 16]).len(), LONGEST);
    assert_eq!(
        round_trip(&session(&capabilities, None)).capabilities,
        capabilities
    );
}

#[test]
fn the_nonce_makes_ids_differ() {
    let session = session("{}", None);
    assert_ne!(session.to_id([1; 16]), session.to_id([2; 16]));
}

#[test]
fn modern_clients_have_no_sessions() {
    let session = Session {
        version: Version::V2026_07_28,
        ..session("{}", None)
    };
    assert_eq!(
        Session::from_id(session.to_id([0; 16]).as_bytes(), NOW),
        None
    );
}

#[test]
fn changed_ids_are_refused() {
    let id = session(r#"{"roots":{}}"#, Some("{}"))
        .to_id([9; 16])
        .into_bytes();
    for at in 0..id.len() {
        let mut changed = id.clone();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(Session::from_id(&changed, NOW), None, "at {at}");
        assert_eq!(Session::from_id(&id[..at], NOW), None, "up to {at}");
    }
    for id in [&b""[..], b"1868a90c-1234", b"\xff", b"===="] {
        assert_eq!(Session::from_id(id, NOW), None);
    }
    assert_eq!(Session::from_id(&vec![b'A'; LONGEST + 1], NOW), None);
}

#[test]
fn sessions_last_for_a_week() {
    let began = NOW + 999;
    let session = Session {
        began,
        ..session("{}", None)
    };
    assert_eq!(session.expires(), NOW + 604_800 * SECOND);
    let id = session.to_id([3; 16]);
    let at = |now| Session::from_id(id.as_bytes(), now);
    let whole = Session {
        began: NOW,
        ..session.clone()
    };
    for now in [NOW - 300 * SECOND, NOW, NOW + 604_800 * SECOND - 1] {
        assert_eq!(at(now), Some(whole.clone()), "{now}");
    }
    assert_eq!(whole.expires(), session.expires());
    for now in [0, NOW - 300 * SECOND - 1, NOW + 604_800 * SECOND, u64::MAX] {
        assert_eq!(at(now), None, "{now}");
    }
}

#[test]
fn what_was_stored_is_found_until_the_session_is_over() {
    let mut services = TestServices::default();
    let session = session("{}", None);
    let [one, other] = [[1; 16], [2; 16]].map(|nonce| session.to_id(nonce));
    assert_eq!(
        kept(
            &mut services,
            &digest(one.as_bytes(), ""),
            session.expires()
        ),
        Ok(Kept::default())
    );
    for level in [LogLevel::Debug, LogLevel::Emergency] {
        set_level(
            &mut services,
            &digest(one.as_bytes(), ""),
            session.expires(),
            level,
        )
        .unwrap();
        let expected = Kept {
            ended: false,
            level: Some(level),
        };
        assert_eq!(
            kept(
                &mut services,
                &digest(one.as_bytes(), ""),
                session.expires()
            ),
            Ok(expected)
        );
    }
    end(
        &mut services,
        &digest(one.as_bytes(), ""),
        session.expires(),
    )
    .unwrap();
    set_level(
        &mut services,
        &digest(one.as_bytes(), ""),
        session.expires(),
        LogLevel::Info,
    )
    .unwrap();
    let expected = Kept {
        ended: true,
        level: Some(LogLevel::Info),
    };
    assert_eq!(
        kept(
            &mut services,
            &digest(one.as_bytes(), ""),
            session.expires()
        ),
        Ok(expected)
    );
    assert_eq!(
        kept(
            &mut services,
            &digest(other.as_bytes(), ""),
            session.expires()
        ),
        Ok(Kept::default())
    );
    services.now = session.expires() - 1;
    crate::state::sweep::sweep(services.store.as_mut().unwrap(), services.now);
    assert_eq!(
        kept(
            &mut services,
            &digest(one.as_bytes(), ""),
            session.expires()
        ),
        Ok(expected)
    );
    services.now += 2 * 60 * 60 * 1000;
    crate::state::sweep::sweep(services.store.as_mut().unwrap(), services.now);
    assert_eq!(services.store.unwrap().keys().count(), 0);
}

#[test]
fn an_id_and_its_session_agree_on_where_things_are_stored() {
    let mut services = TestServices::default();
    let session = Session {
        began: NOW + 999,
        ..session("{}", None)
    };
    let id = session.to_id([1; 16]);
    end(&mut services, &digest(id.as_bytes(), ""), session.expires()).unwrap();
    let read = Session::from_id(id.as_bytes(), NOW).unwrap();
    assert!(
        kept(&mut services, &digest(id.as_bytes(), ""), read.expires())
            .unwrap()
            .ended
    );
}

#[test]
fn without_a_store_nothing_is_kept() {
    let mut services = TestServices {
        store: None,
        ..TestServices::default()
    };
    let session = session("{}", None);
    assert_eq!(
        kept(
            &mut services,
            &digest("id".as_bytes(), ""),
            session.expires()
        ),
        Ok(Kept::default())
    );
    let expected = Err(Unavailable(
        "this server was composed without a key-value store".to_owned(),
    ));
    assert_eq!(
        end(
            &mut services,
            &digest("id".as_bytes(), ""),
            session.expires()
        ),
        expected
    );
    assert_eq!(
        set_level(
            &mut services,
            &digest("id".as_bytes(), ""),
            session.expires(),
            LogLevel::Info
        ),
        expected
    );
}

#[test]
fn a_level_that_nobody_knows_is_none() {
    let mut services = TestServices::default();
    let session = session("{}", None);
    for value in [&b"loud"[..], b"\xff", b""] {
        let mut store = MemoryStore::default();
        store
            .set(&level_key(&digest(b"id", ""), session.expires()), value)
            .unwrap();
        services.store = Some(store);
        assert_eq!(
            kept(
                &mut services,
                &digest("id".as_bytes(), ""),
                session.expires()
            ),
            Ok(Kept::default())
        );
    }
}

/// What an id may hold, with the checksum that goes with it.
fn forged(mut bytes: Vec<u8>) -> String {
    bytes.extend_from_slice(&checksum(&bytes).to_le_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read(id in prop::collection::vec(any::<u8>(), 0..200), now in any::<u64>()) {
        prop_assert_eq!(Session::from_id(&id, now), None);
    }

    #[test]
    fn whoever_makes_ids_gets_only_what_they_say(
        version in 0..6u8,
        nonce in any::<[u8; 16]>(),
        began in any::<u32>(),
        length in 0..20u16,
        texts in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            prop::sample::select(vec!["{}", "{}{}", "{\"a\":1}", "{}[]"]).prop_map(|text| text.as_bytes().to_vec()),
        ],
        now in any::<u32>(),
    ) {
        let bytes = [&[FORMAT, version][..], &nonce, &began.to_le_bytes(), &length.to_le_bytes(), &texts].concat();
        let now = u64::from(now) * 1000;
        if let Some(session) = Session::from_id(forged(bytes).as_bytes(), now) {
            prop_assert!(!session.version.is_modern());
            prop_assert!(session.began <= now + SKEW && now < session.expires());
            prop_assert!(Value::parse(&session.capabilities).unwrap().is_object());
            let again = session.to_id(nonce);
            prop_assert_eq!(Session::from_id(again.as_bytes(), now).map(|session| session.began), Some(session.began));
        }
    }
}
