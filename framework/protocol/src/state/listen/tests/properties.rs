use proptest::prelude::*;

use super::*;
use crate::state::listen::subscriptions as record;

/// An action of one instance, after some milliseconds, by a clock that is off by some.
#[derive(Clone, Debug)]
enum Step {
    Publish { off: i64 },
    Poll,
    Sweep,
}

fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
    let wait = prop_oneof![0..2000u64, 0..120_000u64, 0..2 * HOUR];
    let off = -(watch::LAG_MS as i64) / 2..=watch::LAG_MS as i64 / 2;
    let step = prop_oneof![
        3 => off.prop_map(|off| Step::Publish { off }),
        3 => Just(Step::Poll),
        1 => Just(Step::Sweep),
    ];
    prop::collection::vec((wait, step), 0..40)
}

/// Deletes what is expired by its name.
fn sweep(services: &mut TestServices) {
    let store = services.store.as_mut().unwrap();
    for name in crate::testing::keys(store) {
        let seconds = u64::from_str_radix(&name[4..12], 16).unwrap();
        if seconds * 1000 <= services.now {
            store.delete(&[&name]).unwrap();
        }
    }
}

fn json() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "toolsListChanged",
        "promptsListChanged",
        "resourcesListChanged",
        "resourceSubscriptions",
        "taskIds",
        "other",
    ]);
    let leaf = prop_oneof![
        Just("true".to_owned()),
        Just("null".to_owned()),
        "-?[1-9][0-9]{0,3}",
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    leaf.prop_recursive(4, 40, 8, move |inner| {
        let member = (name.clone(), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..6)
                .prop_map(|items| format!("[ {} ]", items.join(" , "))),
            prop::collection::vec(member, 0..6).prop_map(|members| {
                let members: Vec<String> = members
                    .into_iter()
                    .map(|(name, value)| format!("\"{name}\" : {value}"))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

/// Filters of the right types, except that an item may be an array. Members may occur twice.
fn filters() -> impl Strategy<Value = String> {
    let flag = prop::sample::select(vec!["toolsListChanged", "promptsListChanged"]);
    let list = prop::sample::select(vec!["resourceSubscriptions", "taskIds", "other"]);
    let string = prop_oneof![
        20 => any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        20 => "\"[ab, \\]]\"",
        1 => Just("[]".to_owned()),
    ];
    let items = prop::collection::vec(string, 0..5);
    let space = || "[ \n]{0,2}";
    let member = prop_oneof![
        (flag, any::<bool>()).prop_map(|(name, value)| format!("\"{name}\":{value}")),
        (list, items, space(), space()).prop_map(|(name, items, before, after)| {
            let items = items.join(&format!("{before},{after}"));
            format!("\"{name}\":{before}[{after}{items}{before}]")
        }),
    ];
    let members = prop::collection::vec(member, 0..4);
    members.prop_map(|members| format!("{{{}}}", members.join(" , ")))
}

/// The meaning of a filter, by an independent reader.
fn model(filter: &str) -> Option<serde_json::Value> {
    let value: serde_json::Value = serde_json::from_str(filter).unwrap();
    let strings = |value: &serde_json::Value| {
        let mut strings: Vec<String> = Vec::new();
        for item in value.as_array()? {
            let item = item.as_str()?.to_owned();
            if !strings.contains(&item) {
                strings.push(item);
            }
        }
        Some(strings)
    };
    let mut agreed = serde_json::Map::new();
    for (name, value) in value.as_object()? {
        match name.as_str() {
            "resourceSubscriptions" | "taskIds" => {
                let strings = strings(value)?;
                if !strings.is_empty() {
                    agreed.insert(name.clone(), strings.into());
                }
            }
            "other" => {}
            _ => {
                if value.as_bool()? {
                    agreed.insert(name.clone(), true.into());
                }
            }
        }
    }
    Some(agreed.into())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_event_is_missed_and_none_is_made_up(start in 0..HOUR, steps in steps()) {
        let mut services = at(start);
        publish(&mut services, &[Change::Tools]).unwrap();
        services.now += 100;
        let mut listener = begun(modern(r#"{"toolsListChanged":true}"#), &mut services);
        let (mut published, mut polled) = (false, services.now);
        for (wait, step) in steps {
            services.now += wait;
            match step {
                Step::Publish { off } => {
                    let now = services.now;
                    services.now = now.saturating_add_signed(off);
                    publish(&mut services, &[Change::Tools, Change::Prompts]).unwrap();
                    services.now = now;
                    published = true;
                }
                Step::Sweep => sweep(&mut services),
                Step::Poll => {
                    let slept = services.now - polled > HOUR - watch::LAG_MS;
                    let told = heard(&mut listener, &mut services);
                    let expected: &[&str] = if published || slept { &["tools/list_changed"] } else { &[] };
                    prop_assert_eq!(told, expected);
                    (published, polled) = (false, services.now);
                }
            }
        }
    }

    #[test]
    fn any_filter_is_answered(filter in prop_oneof![json(), filters()]) {
        let value = Value::parse(&filter).unwrap();
        let twice = value.members().enumerate().any(|(index, (key, _))| {
            !key.is_str("other") && value.members().take(index).any(|(other, _)| other == key)
        });
        match Listener::modern("1", Some(value), ALL) {
            Ok(mut listener) => {
                prop_assert!(!twice);
                let message = listener.begin(&mut at(0)).unwrap().unwrap();
                let message: serde_json::Value = serde_json::from_slice(&message).unwrap();
                prop_assert_eq!(Some(message["params"]["notifications"].clone()), model(&filter));
            }
            Err(failure) => {
                prop_assert!(twice || model(&filter).is_none(), "{}", filter);
                prop_assert!(failure.message.starts_with("`notifications"));
            }
        }
    }

    #[test]
    fn any_record_is_read(bytes in prop::collection::vec(prop_oneof![Just(0u8), 0..4u8, any::<u8>()], 0..300)) {
        prop_assert!(record::decode(Some(&bytes)).len() <= MOST_RESOURCES);
    }

    #[test]
    fn subscriptions_are_a_list_without_repetitions(changes in prop::collection::vec((any::<bool>(), "[a-d]|é😀|"), 0..30)) {
        let mut services = at(0);
        let mut expected: Vec<String> = Vec::new();
        for (add, uri) in changes {
            if !add {
                unsubscribe(&mut services, b"s", 1, &uri).unwrap();
                expected.retain(|known| *known != uri);
            } else {
                subscribe(&mut services, b"s", 1, &uri).unwrap();
                if !expected.contains(&uri) {
                    expected.push(uri);
                }
            }
            prop_assert_eq!(&subscriptions(&mut services, b"s", 1).unwrap(), &expected);
        }
    }
}
