use std::collections::BTreeSet;

use super::*;
use crate::{state::keys, wire::failure::INTERNAL_ERROR};

const EVERYTHING: &str = r#"{"toolsListChanged":true,"promptsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["a:b","a:c"]}"#;

fn names(services: &mut TestServices) -> Vec<String> {
    crate::testing::keys(services.store.as_ref().unwrap())
}

#[test]
fn events_have_the_name_of_their_window() {
    for offset in [0, HOUR - 1] {
        let mut services = at(offset);
        let end = services.now / HOUR * HOUR + 2 * HOUR;
        publish(&mut services, &[Change::Tools]).unwrap();
        assert_eq!(
            names(&mut services),
            [keys::key("changed", end, b"tools")],
            "{offset}"
        );
    }
}

#[test]
fn a_change_costs_one_write_however_often_it_is_given() {
    let mut services = at(0);
    publish(&mut services, &[]).unwrap();
    assert_eq!((services.randoms, names(&mut services).len()), (0, 0));
    let changes = [
        Change::Tools,
        resource("a:b"),
        Change::Tools,
        resource("a:b"),
    ];
    publish(&mut services, &changes).unwrap();
    // One for the stamp, and one for whether to sweep.
    assert_eq!((services.randoms, names(&mut services).len()), (2, 2));
}

#[test]
fn topics_differ() {
    let changes = [
        Change::Tools,
        Change::Prompts,
        Change::Resources,
        resource(""),
        resource("tools"),
        resource("s"),
        resource(":s"),
    ];
    let topics: BTreeSet<_> = changes
        .iter()
        .map(|change| change.topic().into_owned())
        .collect();
    assert_eq!(topics.len(), changes.len());
}

#[test]
fn each_event_is_told_once_to_each_listener() {
    let mut services = at(HOUR / 2);
    publish(&mut services, &[Change::Tools, resource("a:b")]).unwrap();
    let mut one = begun(modern(EVERYTHING), &mut services);
    let mut other = begun(modern(r#"{"promptsListChanged":true}"#), &mut services);
    for listener in [&mut one, &mut other] {
        assert!(heard(listener, &mut services).is_empty());
    }
    let changes = [
        resource("a:c"),
        Change::Resources,
        Change::Prompts,
        resource("a:d"),
    ];
    publish(&mut services, &changes).unwrap();
    services.now += POLL_MS;
    let prompts = "prompts/list_changed";
    let all = [prompts, "resources/list_changed", "resources/updated a:c"];
    assert_eq!(heard(&mut one, &mut services), all);
    assert_eq!(heard(&mut other, &mut services), [prompts]);
    let mut late = begun(modern(EVERYTHING), &mut services);
    for listener in [&mut one, &mut other, &mut late] {
        assert!(heard(listener, &mut services).is_empty());
    }
    publish(&mut services, &[Change::Prompts]).unwrap();
    publish(&mut services, &[Change::Prompts]).unwrap();
    for listener in [&mut one, &mut other, &mut late] {
        assert_eq!(heard(listener, &mut services), [prompts]);
        assert!(heard(listener, &mut services).is_empty());
    }
}

#[test]
fn the_acknowledgement_comes_after_the_baseline() {
    let mut services = at(0);
    let mut listener = modern(EVERYTHING);
    assert!(listener.begin(&mut services).unwrap().is_some());
    publish(&mut services, &[Change::Tools]).unwrap();
    assert_eq!(heard(&mut listener, &mut services), ["tools/list_changed"]);
}

#[test]
fn events_around_the_end_of_a_window_are_not_missed() {
    let offsets = [0, 1, 499, 500, 501, 59_999, 60_000, 60_001];
    for before in offsets {
        for after in offsets {
            let mut services = at(HOUR - 1 - before);
            let mut listener = begun(modern(EVERYTHING), &mut services);
            publish(&mut services, &[Change::Tools]).unwrap();
            services.now = at(HOUR + after).now;
            publish(&mut services, &[Change::Prompts]).unwrap();
            let expected = ["tools/list_changed", "prompts/list_changed"];
            assert_eq!(
                heard(&mut listener, &mut services),
                expected,
                "{before} {after}"
            );
            assert!(heard(&mut listener, &mut services).is_empty());
        }
    }
}

#[test]
fn the_same_change_in_both_windows_is_told_at_most_once_a_look() {
    let mut services = at(HOUR - 1);
    let mut listener = begun(modern(EVERYTHING), &mut services);
    publish(&mut services, &[Change::Tools]).unwrap();
    services.now += 2;
    publish(&mut services, &[Change::Tools]).unwrap();
    assert_eq!(heard(&mut listener, &mut services), ["tools/list_changed"]);
    assert!(heard(&mut listener, &mut services).is_empty());
}

#[test]
fn clocks_may_differ() {
    for (publisher, listener) in [
        (HOUR + 59_000, HOUR - 1000),
        (HOUR - 1000, HOUR + 58_000),
        (HOUR, HOUR - 1),
        (HOUR - 1, HOUR),
    ] {
        let mut services = at(listener);
        let mut listening = begun(modern(EVERYTHING), &mut services);
        services.now = at(publisher).now;
        publish(&mut services, &[Change::Tools]).unwrap();
        services.now = at(listener).now + POLL_MS;
        assert_eq!(
            heard(&mut listening, &mut services),
            ["tools/list_changed"],
            "{publisher} {listener}"
        );
    }
}

#[test]
fn clocks_may_be_set_back() {
    let mut services = at(HOUR + 1);
    let mut listener = begun(modern(EVERYTHING), &mut services);
    services.now -= 2 * HOUR;
    publish(&mut services, &[Change::Tools]).unwrap();
    assert_eq!(heard(&mut listener, &mut services), ["tools/list_changed"]);
    assert!(heard(&mut listener, &mut services).is_empty());
}

#[test]
fn clocks_at_the_end_of_time_do_no_harm() {
    let mut services = at(0);
    services.now = u64::MAX;
    let mut listener = begun(modern(EVERYTHING), &mut services);
    publish(&mut services, &[Change::Tools]).unwrap();
    assert_eq!(heard(&mut listener, &mut services), ["tools/list_changed"]);
}

#[test]
fn who_slept_while_events_expired_hears_that_all_may_have_changed() {
    let mut services = at(HOUR / 2);
    let mut listener = begun(modern(EVERYTHING), &mut services);
    services.now += HOUR - watch::LAG_MS;
    assert!(heard(&mut listener, &mut services).is_empty());
    services.now += HOUR - watch::LAG_MS + 1;
    assert_eq!(heard(&mut listener, &mut services).len(), 5);
    assert!(heard(&mut listener, &mut services).is_empty());
}

#[test]
fn a_look_is_one_question_about_few_names() {
    let mut store = Watched::default();
    let mut listener = modern(EVERYTHING);
    let now = at(HOUR / 2).now;
    listener.begin_at(now, None, &mut store).unwrap();
    listener.poll_at(now + POLL_MS, &mut store).unwrap();
    assert_eq!(store.gets, [5, 5]);
    // Near the end of a window there are two to look at.
    listener.begin_at(at(HOUR).now, None, &mut store).unwrap();
    assert_eq!(store.gets, [5, 5, 10]);
    assert_eq!(store.sets, 0);
    let mut silent = modern("{}");
    silent.begin_at(now, None, &mut store).unwrap();
    assert_eq!(silent.poll_at(now, &mut store), Ok(Vec::new()));
    assert_eq!(store.gets.len(), 3);
}

#[test]
fn what_happens_while_the_store_is_away_is_told_later() {
    let mut services = at(HOUR - 1);
    let mut listener = begun(modern(EVERYTHING), &mut services);
    publish(&mut services, &[Change::Tools]).unwrap();
    let mut store = Watched {
        store: services.store.unwrap(),
        broken: true,
        ..Watched::default()
    };
    let much_later = at(HOUR + HOUR / 2).now;
    for now in [at(HOUR).now, much_later] {
        assert!(listener.poll_at(now, &mut store).is_err());
    }
    store.broken = false;
    let told = listener.poll_at(much_later, &mut store).unwrap();
    assert_eq!(
        told.into_iter().map(brief).collect::<Vec<_>>(),
        ["tools/list_changed"]
    );
}

#[test]
fn old_stamps_of_a_slow_replica_are_no_news() {
    let mut services = at(0);
    publish(&mut services, &[Change::Tools]).unwrap();
    let mut listener = begun(modern(EVERYTHING), &mut services);
    let empty = TestServices {
        store: Some(MemoryStore::default()),
        ..services.clone()
    };
    let old = services.clone();
    publish(&mut services, &[Change::Tools]).unwrap();
    assert_eq!(heard(&mut listener, &mut services).len(), 1);
    for replica in [&old, &empty, &services, &old] {
        assert!(heard(&mut listener, &mut replica.clone()).is_empty());
    }
}

#[test]
fn values_that_are_no_stamps_are_ignored() {
    let mut services = at(HOUR / 2);
    let mut listener = begun(modern(EVERYTHING), &mut services);
    let name = watch::name(b"tools", watch::window(services.now));
    for value in [&[][..], &[1; 15], &[1; 17], &[1; 100_000]] {
        let store = services.store.as_mut().unwrap();
        store.set(&name, value).unwrap();
        assert!(heard(&mut listener, &mut services).is_empty());
    }
}

#[test]
fn without_a_store_nobody_listens() {
    let mut services = at(0);
    services.store = None;
    assert_eq!(publish(&mut services, &[Change::Tools]), Ok(()));
    let failure = modern(EVERYTHING).begin(&mut services).unwrap_err();
    assert_eq!(failure.code, INTERNAL_ERROR);
    assert!(failure.message.contains("no key-value store"));
    assert!(modern("{}").begin(&mut services).unwrap().is_some());
}
