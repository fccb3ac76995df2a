use super::*;
use crate::state::keys;

fn expires() -> u64 {
    at(24 * HOUR).now
}

fn session(name: &str, services: &mut TestServices) -> Listener {
    let listener = Listener::session(name.as_bytes(), expires(), None, ALL);
    begun(listener, services)
}

fn subscribed(services: &mut TestServices, uri: &str) {
    subscribe(services, b"s", expires(), uri).unwrap();
}

#[test]
fn a_stream_tells_of_all_lists_and_of_what_its_session_subscribed_to() {
    let mut services = at(0);
    subscribed(&mut services, "a:b");
    let mut mine = session("s", &mut services);
    let mut other = session("t", &mut services);
    let changes = [
        resource("a:c"),
        resource("a:b"),
        Change::Resources,
        Change::Prompts,
        Change::Tools,
    ];
    publish(&mut services, &changes).unwrap();
    let lists = [
        "tools/list_changed",
        "prompts/list_changed",
        "resources/list_changed",
    ];
    assert_eq!(heard(&mut other, &mut services), lists);
    let all = heard(&mut mine, &mut services);
    assert_eq!(all[..3], lists);
    assert_eq!(all[3..], ["resources/updated a:b"]);
}

#[test]
fn what_is_not_offered_is_not_told() {
    let mut services = at(0);
    subscribed(&mut services, "a:b");
    let offer = Offer {
        prompts: true,
        ..Offer::default()
    };
    let mut listener = begun(
        Listener::session(b"s", expires(), None, offer),
        &mut services,
    );
    publish(
        &mut services,
        &[Change::Tools, Change::Prompts, resource("a:b")],
    )
    .unwrap();
    assert_eq!(
        heard(&mut listener, &mut services),
        ["prompts/list_changed"]
    );
    services.store = None;
    let mut nothing = Listener::session(b"s", expires(), None, Offer::default());
    assert_eq!(nothing.begin(&mut services), Ok(None));
    assert_eq!(nothing.poll(&mut services, |_, _| true), Ok(Vec::new()));
}

#[test]
fn subscriptions_that_are_made_during_the_stream_count() {
    let mut services = at(HOUR - 1000);
    publish(&mut services, &[resource("a:b"), resource("a:c")]).unwrap();
    let mut listener = session("s", &mut services);
    subscribed(&mut services, "a:b");
    subscribed(&mut services, "a:c");
    publish(&mut services, &[resource("a:b")]).unwrap();
    services.now += 2000;
    // Learns of the subscriptions, then of what has happened since they were made.
    assert!(heard(&mut listener, &mut services).is_empty());
    services.now += POLL_MS;
    assert_eq!(
        heard(&mut listener, &mut services),
        ["resources/updated a:b"]
    );
    assert!(heard(&mut listener, &mut services).is_empty());
}

#[test]
fn a_subscription_that_is_learnt_of_late_misses_nothing() {
    let mut services = at(HOUR / 2);
    let mut listener = session("s", &mut services);
    subscribed(&mut services, "a:b");
    publish(&mut services, &[resource("a:b")]).unwrap();
    services.now += HOUR - 2 * watch::LAG_MS;
    assert!(heard(&mut listener, &mut services).is_empty());
    services.now += POLL_MS;
    assert_eq!(
        heard(&mut listener, &mut services),
        ["resources/updated a:b"]
    );
}

#[test]
fn what_is_unsubscribed_from_is_not_told() {
    let mut services = at(0);
    subscribed(&mut services, "a:b");
    subscribed(&mut services, "a:c");
    let mut listener = session("s", &mut services);
    publish(&mut services, &[resource("a:b"), resource("a:c")]).unwrap();
    unsubscribe(&mut services, b"s", expires(), "a:b").unwrap();
    assert_eq!(
        heard(&mut listener, &mut services),
        ["resources/updated a:c"]
    );
    assert_eq!(listener.notice(&resource("a:b")), None);
    unsubscribe(&mut services, b"s", expires(), "a:c").unwrap();
    publish(&mut services, &[resource("a:c")]).unwrap();
    assert!(heard(&mut listener, &mut services).is_empty());
}

#[test]
fn the_latest_stream_of_a_session_gets_all() {
    let mut services = at(0);
    let mut first = session("s", &mut services);
    publish(&mut services, &[Change::Tools]).unwrap();
    assert_eq!(heard(&mut first, &mut services).len(), 1);
    let mut second = session("s", &mut services);
    let mut stranger = session("t", &mut services);
    publish(&mut services, &[Change::Tools]).unwrap();
    for (listener, expected) in [(&mut first, 0), (&mut second, 1), (&mut stranger, 1)] {
        assert_eq!(heard(listener, &mut services).len(), expected);
    }
    let mut third = session("s", &mut services);
    publish(&mut services, &[Change::Tools]).unwrap();
    for (listener, expected) in [(&mut first, 0), (&mut second, 0), (&mut third, 1)] {
        assert_eq!(heard(listener, &mut services).len(), expected);
    }
}

#[test]
fn a_replica_that_knows_the_stream_before_silences_none() {
    let mut services = at(0);
    session("s", &mut services);
    let mut replica = services.clone();
    let mut latest = session("s", &mut services);
    publish(&mut replica, &[Change::Tools]).unwrap();
    assert_eq!(heard(&mut latest, &mut replica).len(), 1);
}

#[test]
fn a_look_is_one_question() {
    let mut store = Watched::default();
    let now = at(HOUR / 2).now;
    let mut listener = Listener::session(b"s", expires(), None, ALL);
    listener.begin_at(now, Some([1; 16]), &mut store).unwrap();
    assert_eq!((store.gets.as_slice(), store.sets), (&[2, 3, 1, 1][..], 3));
    listener.poll_at(now + POLL_MS, &mut store).unwrap();
    assert_eq!(
        (store.gets.as_slice(), store.sets),
        (&[2, 3, 1, 1, 5][..], 3)
    );
}

#[test]
fn what_happens_between_two_streams_is_delivered_on_the_next() {
    let mut services = at(0);
    subscribed(&mut services, "a:b");
    let mut first = session("s", &mut services);
    publish(&mut services, &[Change::Tools]).unwrap();
    assert_eq!(heard(&mut first, &mut services), ["tools/list_changed"]);
    services.now += 25_000;
    publish(&mut services, &[Change::Prompts, resource("a:b")]).unwrap();
    services.now += 1_000;
    let mut next = session("s", &mut services);
    let expected = ["prompts/list_changed", "resources/updated a:b"];
    assert_eq!(heard(&mut next, &mut services), expected);
    // Nothing is delivered twice, and the first stream is silent.
    assert!(heard(&mut session("s", &mut services), &mut services).is_empty());
    assert!(heard(&mut first, &mut services).is_empty());
    // A day without changes is a day without messages.
    for _ in 0..50 {
        services.now += HOUR / 2;
        assert!(heard(&mut session("s", &mut services), &mut services).is_empty());
    }
}

#[test]
fn a_stream_leaves_what_it_may_not_tell_to_the_next_one() {
    let mut services = at(0);
    for uri in ["a:b", "a:secret"] {
        subscribed(&mut services, uri);
    }
    let mut weak = session("s", &mut services);
    publish(&mut services, &[resource("a:secret"), resource("a:b")]).unwrap();
    for expected in [1, 0, 0] {
        let told = weak.poll(&mut services, |uri, _| uri == "a:b").unwrap();
        let told: Vec<_> = told
            .into_iter()
            .map(|notice| text(weak.event(&notice)))
            .collect();
        assert_eq!(told.len(), expected, "{told:?}");
        assert!(
            told.iter()
                .all(|event| event.contains("\"a:b\"") && event.contains("id: changes.1\n"))
        );
    }
    let mut strong = session("s", &mut services);
    assert_eq!(
        heard(&mut strong, &mut services),
        ["resources/updated a:secret"]
    );
    assert!(heard(&mut strong, &mut services).is_empty());
}

#[test]
fn a_client_gets_again_what_it_did_not_receive() {
    let mut services = at(0);
    let mut first = session("s", &mut services);
    let mut ids = Vec::new();
    for change in [Change::Tools, Change::Prompts] {
        publish(&mut services, &[change]).unwrap();
        let notices = first.poll(&mut services, |_, _| true).unwrap();
        let event = text(first.event(&notices[0]));
        let id = event.lines().find_map(|line| line.strip_prefix("id: "));
        ids.push(id.unwrap().to_owned());
    }
    let after = |id: &str, services: &mut TestServices| {
        let listener = Listener::session(b"s", expires(), Some(id.as_bytes()), ALL);
        heard(&mut begun(listener, services), services)
    };
    assert_eq!(after(&ids[0], &mut services), ["prompts/list_changed"]);
    assert_eq!(after("changes.99", &mut services), [""; 0]);
    assert_eq!(after("changes.", &mut services), [""; 0]);
    assert_eq!(after("changes.0", &mut services).len(), 2);
}

#[test]
fn a_node_that_dies_with_a_change_loses_none() {
    let mut services = at(0);
    session("s", &mut services);
    publish(&mut services, &[Change::Tools]).unwrap();
    // This stream begins with the change, and dies before it looks again.
    session("s", &mut services);
    let mut next = session("s", &mut services);
    assert_eq!(heard(&mut next, &mut services), ["tools/list_changed"]);
}

#[test]
fn damaged_values_begin_anew() {
    let mut services = at(0);
    session("s", &mut services);
    let key = keys::key("stream", expires(), b"s");
    let store = services.store.as_mut().unwrap();
    let value = store.get(&[&key]).unwrap().remove(0).unwrap();
    for length in 0..value.len() {
        let mut services = services.clone();
        let store = services.store.as_mut().unwrap();
        store.set(&key, &value[..length]).unwrap();
        publish(&mut services, &[Change::Tools]).unwrap();
        let mut next = session("s", &mut services);
        heard(&mut next, &mut services);
        publish(&mut services, &[Change::Tools]).unwrap();
        assert_eq!(
            heard(&mut next, &mut services),
            ["tools/list_changed"],
            "{length}"
        );
    }
}
