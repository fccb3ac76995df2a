use super::*;
use crate::wire::failure::{Failure, INVALID_PARAMS};

fn refused(filter: Option<&str>) -> Failure {
    let filter = filter.map(|filter| Value::parse(filter).unwrap());
    let failure = Listener::modern("1", filter, ALL).unwrap_err();
    assert_eq!((failure.status, failure.code), (400, INVALID_PARAMS));
    failure
}

/// The filter that the server confirms to the client.
fn agreed(filter: &str, offer: Offer) -> String {
    let filter = Value::parse(filter).unwrap();
    let mut listener = Listener::modern("1", Some(filter), offer).unwrap();
    let message = text(listener.begin(&mut at(0)).unwrap().unwrap());
    let before = r#"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":1},"notifications":"#;
    let agreed = message.strip_prefix(before).unwrap();
    agreed.strip_suffix("}}").unwrap().to_owned()
}

const EVERYTHING: &str = r#"{"taskIds":["t"],"resourceSubscriptions":["a:b","c:\u0064","a:b"],
    "resourcesListChanged":true , "promptsListChanged":true,"toolsListChanged":true}"#;

#[test]
fn what_is_asked_for_and_offered_is_agreed_to() {
    assert_eq!(
        agreed(EVERYTHING, ALL),
        r#"{"toolsListChanged":true,"promptsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["a:b","c:d"],"taskIds":["t"]}"#
    );
    assert_eq!(agreed(EVERYTHING, Offer::default()), "{}");
    for (offer, expected) in [
        (
            Offer {
                tools: true,
                ..Offer::default()
            },
            r#"{"toolsListChanged":true}"#,
        ),
        (
            Offer {
                prompts: true,
                ..Offer::default()
            },
            r#"{"promptsListChanged":true}"#,
        ),
        (
            Offer {
                resources: true,
                ..Offer::default()
            },
            r#"{"resourcesListChanged":true}"#,
        ),
        (
            Offer {
                updates: true,
                ..Offer::default()
            },
            r#"{"resourceSubscriptions":["a:b","c:d"]}"#,
        ),
        (
            Offer {
                tasks: true,
                ..Offer::default()
            },
            r#"{"taskIds":["t"]}"#,
        ),
    ] {
        assert_eq!(agreed(EVERYTHING, offer), expected);
    }
}

#[test]
fn what_is_not_asked_for_is_not_agreed_to() {
    for filter in [
        "{}",
        r#"{"toolsListChanged":false,"promptsListChanged":false,"resourcesListChanged":false}"#,
        r#"{"resourceSubscriptions":[],"taskIds":[ ]}"#,
        r#"{"ToolsListChanged":true,"com.example/other":{"taskIds":1},"":null}"#,
    ] {
        assert_eq!(agreed(filter, ALL), "{}", "{filter}");
    }
}

#[test]
fn tasks_can_be_left_out_before_the_client_is_told() {
    let mut listener = modern(r#"{"taskIds":["mine","other","mine"]}"#);
    assert_eq!(listener.task_ids(), ["mine", "other"]);
    listener.retain_tasks(|task| task == "mine");
    assert_eq!(listener.task_ids(), ["mine"]);
    let message = text(listener.begin(&mut at(0)).unwrap().unwrap());
    assert!(message.ends_with(r#""notifications":{"taskIds":["mine"]}}}"#));
}

#[test]
fn wrong_types_name_the_member() {
    assert_eq!(refused(None).message, "`notifications` is missing");
    for filter in ["[]", "null", "true", "\"x\"", "1"] {
        assert_eq!(
            refused(Some(filter)).message,
            "`notifications` is not an object"
        );
    }
    for name in [
        "toolsListChanged",
        "promptsListChanged",
        "resourcesListChanged",
    ] {
        for value in ["null", "1", "\"true\"", "[true]", "{}"] {
            assert_eq!(
                refused(Some(&format!("{{\"{name}\":{value}}}"))).message,
                format!("`notifications.{name}` is not a boolean")
            );
        }
    }
    for name in ["resourceSubscriptions", "taskIds"] {
        for value in [
            "null",
            "true",
            "\"a:b\"",
            "{}",
            "[1]",
            "[\"a:b\",null]",
            "[[\"a:b\"]]",
        ] {
            assert_eq!(
                refused(Some(&format!("{{\"{name}\":{value}}}"))).message,
                format!("`notifications.{name}` is not an array of strings"),
                "{value}"
            );
        }
    }
}

#[test]
fn members_occur_once_however_they_are_written() {
    let filter = r#"{"taskIds":["a"],"task\u0049ds":["b"]}"#;
    assert_eq!(
        refused(Some(filter)).message,
        "`notifications.taskIds` occurs twice"
    );
}

#[test]
fn filters_are_bounded() {
    for (name, most) in [
        ("resourceSubscriptions", MOST_RESOURCES),
        ("taskIds", MOST_TASKS),
    ] {
        let of = |count: usize| {
            let items: Vec<String> = (0..count).map(|n| format!("\"x:{n}\"")).collect();
            format!("{{\"{name}\":[{}]}}", items.join(","))
        };
        modern(&of(most));
        assert_eq!(
            refused(Some(&of(most + 1))).message,
            format!(
                "`notifications.{name}` has more than {most} items; listen for the others by another request"
            )
        );
        let of = |length: usize| format!("{{\"{name}\":[\"{}\"]}}", "é".repeat(length / 2));
        modern(&of(LONGEST_NAME));
        assert_eq!(
            refused(Some(&of(LONGEST_NAME + 2))).message,
            format!("`notifications.{name}` has an item of more than {LONGEST_NAME} bytes")
        );
    }
    let same = format!("{{\"taskIds\":[{}\"a\"]}}", "\"a\",".repeat(MOST_TASKS));
    refused(Some(&same));
}
