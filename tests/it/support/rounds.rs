//! The tools `rounds` and `diverging`, which ask in each language: what clients of both eras get.

use serde_json::{Value, json};

use super::{Server, Stream, rpc};

pub fn asks_clients(server: &Server) {
    asks_clients_of_2026(server);
    asks_clients_of_2025(server);
}

/// What can be asked, and the answers: the keys and contents by the first word of the message.
fn answer_to(asked: &Value) -> Value {
    let message = asked["params"]["message"].as_str().unwrap_or_default();
    match (
        asked["method"].as_str().unwrap(),
        message.split(' ').next().unwrap(),
    ) {
        ("roots/list", _) => json!({"roots": [{"uri": "file:///w"}]}),
        ("sampling/createMessage", _) => {
            json!({"role": "assistant", "model": "m", "content": {"type": "text", "text": "it"}})
        }
        (_, "Which") => json!({"action": "accept", "content": {"city": "Oslo"}}),
        (_, "Sure") => json!({"action": "accept", "content": {"value": true}}),
        (_, "How?") => json!({"action": "decline"}),
        (_, word) => json!({"action": "accept", "content": {"value": word}}),
    }
}

fn all_rounds() -> Value {
    let trip = json!({"city": "Oslo", "nights": 3, "color": "red"});
    json!({"trip": trip, "number": true, "sure": true, "paid": null, "roots": ["file:///w"], "said": "it"})
}

fn asks_clients_of_2026(server: &Server) {
    let all = json!({"elicitation": {}, "sampling": {}, "roots": {}});
    let ask = |tool: &str, more: &Value| {
        let mut params = json!({"name": tool, "arguments": {}});
        let members = more.as_object().unwrap().clone();
        params.as_object_mut().unwrap().extend(members);
        let answer = server.send(&rpc::modern_with("tools/call", params, all.clone()));
        answer.json()["result"].clone()
    };
    let finished = |tool: &str| {
        let mut rounds = vec![];
        let mut more = json!({});
        loop {
            let result = ask(tool, &more);
            let Some(requests) = result["inputRequests"].as_object() else {
                return (rounds, result);
            };
            rounds.push(requests.len());
            let answers = requests
                .iter()
                .map(|(key, asked)| (key.clone(), answer_to(asked)));
            let answers: serde_json::Map<_, _> = answers.collect();
            more = json!({"inputResponses": answers, "requestState": result["requestState"]});
        }
    };
    let (rounds, result) = finished("rounds");
    assert_eq!(
        rounds,
        [1, 2, 1, 1],
        "the second round asks twice: {result}"
    );
    assert_eq!(result["structuredContent"], all_rounds());
    let (_, diverged) = finished("diverging");
    assert_eq!(diverged["isError"], true);
    let why = diverged["content"][0]["text"].as_str().unwrap();
    assert!(why.contains("asked something else than before"), "{why}");
}

fn asks_clients_of_2025(server: &Server) {
    let all = json!({"elicitation": {}, "sampling": {}, "roots": {}});
    let session = rpc::session(server, all);
    let params = json!({"name": "rounds", "_meta": {"progressToken": "p"}});
    let stream = Stream::open(server, &rpc::legacy(Some(&session), "tools/call", params));
    let mut progress = vec![];
    let result = loop {
        let message = stream.message();
        if message["method"] == "notifications/progress" {
            progress.push(message["params"]["progress"].as_f64().unwrap());
        } else if message["method"].is_string() {
            let reply = json!({"result": answer_to(&message)});
            let response = server.send(&rpc::reply(&session, &message["id"], reply));
            assert_eq!(response.status, 202);
        } else {
            break message["result"].clone();
        }
    };
    assert_eq!(result["structuredContent"], all_rounds());
    assert_eq!(progress, [1.0, 2.0, 3.0], "each is told once");
}
