//! What the examples of the templates answer, in each language.

use serde_json::{Value, json};

use super::{Server, rpc};

/// The notes of the feature of this name.
pub fn reads_notes(server: &Server, feature: &str) {
    let at = |path: &str| format!("notes://{feature}/{path}");
    let listed = result(server, "resources/list", json!({}));
    assert_eq!(
        listed["resources"],
        json!([{
            "uri": at(""),
            "name": "notes",
            "description": "The names of all notes, one on each line.",
            "mimeType": "text/plain",
        }])
    );
    let listed = result(server, "resources/templates/list", json!({}));
    assert_eq!(
        listed["resourceTemplates"],
        json!([{
            "uriTemplate": at("{name}"),
            "name": "note",
            "description": "One note.",
            "mimeType": "text/plain",
        }])
    );
    for (path, text) in [
        ("", "shopping\ntravel"),
        ("travel", "The train leaves at 9."),
        ("tra%76el", "The train leaves at 9."),
    ] {
        let read = result(server, "resources/read", json!({"uri": at(path)}));
        let contents = json!([{"uri": at(path), "mimeType": "text/plain", "text": text}]);
        assert_eq!(read["contents"], contents);
    }
    for path in ["work", "travel/", "trav%FF"] {
        let refused = error(server, "resources/read", json!({"uri": at(path)}));
        assert_eq!(refused["code"], -32602, "{refused}");
        let message = format!("unknown resource `{}`", at(path));
        assert_eq!(refused["message"], message);
    }
    let template = json!({"type": "ref/resource", "uri": at("{name}")});
    for (variable, typed, values) in [
        ("name", "", json!(["shopping", "travel"])),
        ("name", "tr", json!(["travel"])),
        ("other", "", json!([])),
    ] {
        assert_eq!(completions(server, &template, variable, typed), values);
    }
}

/// The prompt `summarize`, by the name that clients see.
pub fn gets_summarize(server: &Server, name: &str) {
    let listed = result(server, "prompts/list", json!({}));
    assert_eq!(
        listed["prompts"],
        json!([{
            "name": name,
            "description": "Asks for a summary of a text.",
            "arguments": [
                {"name": "text", "description": "What to sum up.", "required": true},
                {"name": "length", "description": "How long the summary may be.", "required": false},
            ],
        }])
    );
    let prompt = |arguments: Value| json!({"name": name, "arguments": arguments});
    for (arguments, text) in [
        (
            json!({"text": "One."}),
            "Summarize this text in one paragraph:\n\nOne.",
        ),
        (
            json!({"text": "1", "length": "page"}),
            "Summarize this text in one page:\n\n1",
        ),
    ] {
        let got = result(server, "prompts/get", prompt(arguments));
        let message = json!({"role": "user", "content": {"type": "text", "text": text}});
        assert_eq!(got["messages"], json!([message]));
    }
    for (arguments, why) in [
        (json!({}), "needs the argument `text`"),
        (json!({"text": " "}), "there is no text to sum up"),
        (
            json!({"text": "1", "length": "book"}),
            "invalid arguments: length: ",
        ),
        (
            json!({"text": "1", "tone": "dry"}),
            "invalid arguments: tone: ",
        ),
    ] {
        let refused = error(server, "prompts/get", prompt(arguments));
        assert_eq!(refused["code"], -32602, "{refused}");
        let message = refused["message"].as_str().unwrap();
        assert!(message.contains(why), "{message}");
    }
    let summarize = json!({"type": "ref/prompt", "name": name});
    for (argument, typed, values) in [
        ("length", "", json!(["sentence", "paragraph", "page"])),
        ("length", "pa", json!(["paragraph", "page"])),
        ("text", "", json!([])),
    ] {
        assert_eq!(completions(server, &summarize, argument, typed), values);
    }
}

fn completions(server: &Server, reference: &Value, argument: &str, typed: &str) -> Value {
    let params = json!({"ref": reference, "argument": {"name": argument, "value": typed}});
    result(server, "completion/complete", params)["completion"]["values"].take()
}

fn result(server: &Server, method: &str, params: Value) -> Value {
    answer(server, method, params, "result")
}

fn error(server: &Server, method: &str, params: Value) -> Value {
    answer(server, method, params, "error")
}

fn answer(server: &Server, method: &str, params: Value, kind: &str) -> Value {
    let mut answer = server.send(&rpc::modern(method, params)).json();
    assert!(answer[kind].is_object(), "{method}: {answer}");
    answer[kind].take()
}
