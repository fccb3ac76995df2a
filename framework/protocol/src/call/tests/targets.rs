//! Prompts, resources and completions.

use super::*;
use crate::{
    serve::http::HttpResponse,
    state::services::Services,
    wire::types::{
        completion_types::{Completion, CompletionReference},
        prompt_types::{PromptMessage, PromptOutcome, PromptResult},
        resource_types::{ReadOutcome, ReadResult},
        types::{CacheHint, CacheScope, Error, ResourceBody, ResourceContents, Role},
    },
};

/// The answer to a request of a modern client. `features` says what each asked feature
/// answers, and sees how it is asked.
fn modern(
    method: &str,
    name: Option<&str>,
    params: &str,
    mut features: impl FnMut(usize, Ask<'_>) -> FeatureOutcome,
) -> (u16, Json) {
    let body = modern_request(method, params, "");
    serve(&modern_headers(method, name), &body, &mut features)
}

fn legacy(
    method: &str,
    params: &str,
    mut features: impl FnMut(usize, Ask<'_>) -> FeatureOutcome,
) -> (u16, Json) {
    let body = legacy_request(method, params);
    serve(&headers(&LEGACY_HEADERS), &body, &mut features)
}

fn serve(
    list: &[(String, Vec<u8>)],
    body: &str,
    features: &mut dyn FnMut(usize, Ask<'_>) -> FeatureOutcome,
) -> (u16, Json) {
    let bytes = testing::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    let request = testing::post(list);
    let head = http::check_head(&request, &catalog).unwrap();
    let services = &mut TestServices::default();
    let read = |response: HttpResponse| {
        let json = serde_json::from_slice(&response.body).unwrap();
        (response.status, json)
    };
    match handle(&catalog, &head, body.as_bytes(), services) {
        http::HttpOutcome::Reply(response) => read(response),
        http::HttpOutcome::Call(mut call) => read(run(&mut call, features, services)),
        _ => panic!("nothing listens here"),
    }
}

fn run<S: Services>(
    call: &mut Call<'_>,
    features: &mut dyn FnMut(usize, Ask<'_>) -> FeatureOutcome,
    services: &mut S,
) -> HttpResponse {
    loop {
        let outcome = features(call.slot(), call.ask());
        match call.settle(outcome, services) {
            CallStep::Done(response) => return response.http(),
            CallStep::Invoke => {}
            CallStep::Ask(_) => panic!("nobody is asked here"),
        }
    }
}

fn untouched(_: usize, ask: Ask<'_>) -> FeatureOutcome {
    panic!("{ask:?} reached a feature")
}

fn contents(uri: &str, body: ResourceBody) -> ResourceContents {
    ResourceContents {
        uri: uri.to_owned(),
        mime_type: None,
        body,
        meta: None,
    }
}

fn read(contents: Vec<ResourceContents>, cache: Option<CacheHint>) -> FeatureOutcome {
    FeatureOutcome::Resource(Ok(Some(ReadOutcome::Complete(ReadResult {
        contents,
        cache,
        meta: None,
    }))))
}

fn prompt_result() -> FeatureOutcome {
    let block = ContentBlock::Text(TextContent {
        text: "hi".to_owned(),
        annotations: None,
        meta: None,
    });
    let message = |role| PromptMessage {
        role,
        content: block.clone(),
    };
    FeatureOutcome::Prompt(Ok(Some(PromptOutcome::Complete(PromptResult {
        description: Some("d".to_owned()),
        messages: vec![message(Role::User), message(Role::Assistant)],
        meta: None,
    }))))
}

fn completed(values: usize, total: Option<u32>) -> FeatureOutcome {
    FeatureOutcome::Completion(Ok(Some(Completion {
        values: (0..values).map(|value| value.to_string()).collect(),
        total,
        has_more: false,
    })))
}

#[test]
fn prompts_are_got_by_their_name_without_the_prefix() {
    let params = r#""name":"lib.review","arguments":{"book":"Emma","tone":"dry"},"#;
    let (status, json) = modern("prompts/get", Some("lib.review"), params, |slot, ask| {
        let Ask::Prompt { name, arguments } = ask else {
            panic!("{ask:?}")
        };
        let expected = [("book", "Emma"), ("tone", "dry")];
        let arguments: Vec<_> = arguments
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!((slot, name, &arguments[..]), (2, "review", &expected[..]));
        prompt_result()
    });
    let message = |role| json!({"role": role, "content": {"type": "text", "text": "hi"}});
    assert_eq!(status, 200);
    assert_eq!(json["result"]["resultType"], "complete");
    assert_eq!(json["result"]["description"], "d");
    assert_eq!(
        json["result"]["messages"],
        json!([message("user"), message("assistant")])
    );
    let (_, json) = legacy("prompts/get", r#"{"name":"lib.greet"}"#, |_, _| {
        prompt_result()
    });
    assert_eq!(
        json["result"],
        json!({"description": "d", "messages": [message("user"), message("assistant")]})
    );
}

#[test]
fn prompts_are_not_got_without_what_they_need() {
    for (arguments, message) in [
        ("{}", "prompt `lib.review` needs the argument `book`"),
        (
            r#"{"book":1}"#,
            "`arguments` has a member that is not a string",
        ),
        (
            r#"{"book":"a","b\u006fok":"b"}"#,
            "`arguments` names a member twice",
        ),
        ("[]", "`arguments` is not an object"),
    ] {
        let params = format!(r#"{{"name":"lib.review","arguments":{arguments}}}"#);
        let (status, json) = legacy("prompts/get", &params, untouched);
        assert_eq!(
            (status, &json["error"]),
            (200, &json!({"code": -32602, "message": message})),
            "{arguments}"
        );
    }
}

#[test]
fn resources_are_read_with_their_hint_or_none() {
    let uri = "test://library/readme";
    let params = format!(r#""uri":"{uri}","#);
    let hint = CacheHint {
        ttl_ms: 5,
        scope: CacheScope::Public,
    };
    for (cache, ttl, scope) in [(None, 0, "private"), (Some(hint), 5, "public")] {
        let (status, json) = modern("resources/read", Some(uri), &params, |slot, ask| {
            assert!(matches!(ask, Ask::Resource { uri: asked } if asked == uri));
            assert_eq!(slot, 2);
            let text = contents(uri, ResourceBody::Text("t".to_owned()));
            let blob = contents(uri, ResourceBody::Blob(vec![0, 255]));
            read(vec![text, blob], cache)
        });
        let expected = json!([{"uri": uri, "text": "t"}, {"uri": uri, "blob": "AP8="}]);
        assert_eq!((status, &json["result"]["contents"]), (200, &expected));
        assert_eq!(json["result"]["ttlMs"], ttl);
        assert_eq!(json["result"]["cacheScope"], scope);
    }
    let (_, json) = legacy(
        "resources/read",
        &format!(r#"{{"uri":"{uri}"}}"#),
        |_, _| {
            read(
                vec![contents(uri, ResourceBody::Text("t".to_owned()))],
                None,
            )
        },
    );
    assert_eq!(
        json["result"],
        json!({"contents": [{"uri": uri, "text": "t"}]})
    );
}

#[test]
fn a_resource_that_nobody_has_is_not_found() {
    let unlisted = "test://elsewhere";
    let nobody = |slot, _: Ask<'_>| {
        assert_eq!(slot, 2, "the only feature with resources");
        FeatureOutcome::Resource(Ok(None))
    };
    let message = format!("unknown resource `{unlisted}`");
    let params = format!(r#""uri":"{unlisted}","#);
    let (status, json) = modern("resources/read", Some(unlisted), &params, nobody);
    let error = |code| json!({"code": code, "message": message, "data": {"uri": unlisted}});
    assert_eq!((status, &json["error"]), (200, &error(-32602)));
    let (status, json) = legacy(
        "resources/read",
        &format!(r#"{{"uri":"{unlisted}"}}"#),
        nobody,
    );
    assert_eq!((status, &json["error"]), (200, &error(-32002)));
}

#[test]
fn completions_are_cut_to_a_hundred() {
    let ask_for = |reference: &str, features: &mut dyn FnMut(usize, Ask<'_>) -> FeatureOutcome| {
        let params = format!(
            r#"{{"ref":{reference},"argument":{{"name":"book","value":"E"}},"context":{{"arguments":{{"tone":"dry"}}}}}}"#
        );
        legacy("completion/complete", &params, features).1
    };
    let json = ask_for(
        r#"{"type":"ref/prompt","name":"lib.review"}"#,
        &mut |slot, ask| {
            let Ask::Completion {
                reference,
                argument,
                context,
            } = ask
            else {
                panic!("{ask:?}")
            };
            assert!(matches!(reference, CompletionReference::Prompt(name) if name == "review"));
            assert_eq!((slot, &*argument.name, &*argument.value), (2, "book", "E"));
            assert_eq!(context, [("tone".to_owned(), "dry".to_owned())]);
            completed(101, Some(500))
        },
    );
    let completion = &json["result"]["completion"];
    assert_eq!(completion["values"].as_array().unwrap().len(), 100);
    assert_eq!(
        (&completion["total"], &completion["hasMore"]),
        (&json!(500), &json!(true))
    );
    let template = r#"{"type":"ref/resource","uri":"test://library/books/{id}"}"#;
    let json = ask_for(template, &mut |_, _| FeatureOutcome::Completion(Ok(None)));
    assert_eq!(
        json["result"],
        json!({"completion": {"values": [], "hasMore": false}})
    );
    for reference in [
        r#"{"type":"ref/prompt","name":"review"}"#,
        r#"{"type":"ref/resource","uri":"test://{x}"}"#,
        r#"{"type":"ref/tool","name":"zeta"}"#,
        r#"{"type":"ref/prompt"}"#,
    ] {
        let json = ask_for(reference, &mut untouched);
        assert_eq!(json["error"]["code"], -32602, "{reference}");
    }
}

#[test]
fn errors_of_features_are_answers_of_prompts_and_resources_too() {
    let error = || Error {
        code: -32001,
        message: "closed".to_owned(),
        data: None,
    };
    let params = r#"{"uri":"test://library/readme"}"#;
    let (_, json) = legacy("resources/read", params, |_, _| {
        FeatureOutcome::Resource(Err(error()))
    });
    assert_eq!(json["error"], json!({"code": -32001, "message": "closed"}));
    let params = r#"{"name":"lib.greet"}"#;
    let (_, json) = legacy("prompts/get", params, |_, _| {
        FeatureOutcome::Prompt(Err(error()))
    });
    assert_eq!(json["error"], json!({"code": -32001, "message": "closed"}));
}

#[test]
fn only_tools_prompts_and_resources_ask_back() {
    let required = InputRequired {
        requests: vec![InputRequest {
            key: "who".to_owned(),
            method: "elicitation/create".to_owned(),
            params: r#"{"message":"?"}"#.to_owned(),
        }],
        state: None,
    };
    let body = modern_request("prompts/get", r#""name":"lib.greet","#, "").replace(
        "\"io.modelcontextprotocol/clientCapabilities\":{}",
        "\"io.modelcontextprotocol/clientCapabilities\":{\"elicitation\":{}}",
    );
    let (_, json) = serve(
        &modern_headers("prompts/get", Some("lib.greet")),
        &body,
        &mut |_, _| {
            FeatureOutcome::Prompt(Ok(Some(PromptOutcome::InputRequired(required.clone()))))
        },
    );
    assert_eq!(json["result"]["resultType"], "input_required");
    assert_eq!(
        json["result"]["inputRequests"],
        json!({"who": {"method": "elicitation/create", "params": {"message": "?"}}})
    );
}
