//! Results and errors of middleware. An input is a line with a revision and a method, and the
//! text of the result.

use super::{features, fuzz, messages};
use crate::{
    call::{CallStep, FeatureOutcome},
    catalog::Catalog,
    serve::stdio::{self, StdioSession},
    state::replies::Polled,
    testing::chain::Transport,
    wire::{json::Value, types::types::Error},
};

const CAPABILITIES: &str = r#"{"elicitation":{},"roots":{},"sampling":{},"extensions":{"io.modelcontextprotocol/tasks":{}}}"#;
/// Parameters that suit every method.
const PARAMS: &str = r#""name":"zeta","uri":"a:b","level":"info","taskId":"t","notifications":{},"protocolVersion":"2025-11-25""#;

#[test]
fn handled() {
    let bytes = features::catalog();
    let catalog = Catalog::new(&bytes).unwrap();
    fuzz("handled", |input| {
        let input = String::from_utf8_lossy(input);
        let (head, answer) = input.split_once('\n').unwrap_or((&input, ""));
        let (version, method) = head.split_once(' ').unwrap_or(("", head));
        let error = Error {
            code: answer.len() as i32 - 32_100,
            message: answer.to_owned(),
            data: Some(answer.to_owned()),
        };
        for handled in [Ok(answer.to_owned()), Err(error)] {
            answered(&catalog, version == "modern", method, handled);
        }
    });
}

fn answered(catalog: &Catalog<'_>, modern: bool, method: &str, handled: Result<String, Error>) {
    let (mut session, mut services) = (StdioSession::default(), Transport::default());
    let method = serde_json::to_string(method).unwrap();
    let meta = format!(
        r#""_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{CAPABILITIES}}}"#
    );
    let named = if modern { meta } else { "\"x\":1".to_owned() };
    let request = format!(
        r#"{{"jsonrpc":"2.0","id":"i","method":{method},"params":{{{PARAMS},"capabilities":{CAPABILITIES},{named}}}}}"#
    );
    let outcome = FeatureOutcome::Handled(handled);
    let line = match session.handle_line(catalog, request.as_bytes(), &mut services) {
        stdio::StdioOutcome::Gate(mut gate) => {
            let response = gate.settle(outcome, &mut services);
            check(&response.body, modern);
            match session.pass(catalog, *gate, response, &mut services) {
                stdio::StdioOutcome::Reply(line) => line,
                _ => return,
            }
        }
        stdio::StdioOutcome::Call(mut call) => match call.settle(outcome, &mut services) {
            CallStep::Done(response) => response.line(),
            CallStep::Ask(asking) => {
                for message in asking.messages() {
                    messages::request(message);
                }
                let polled = asking.poll(&mut services).unwrap();
                let nothing = asking.messages().count() == 0;
                assert_eq!(nothing, polled != Polled::Waiting);
                return;
            }
            CallStep::Invoke => panic!("there is one middleware to ask"),
        },
        _ => panic!("the chain is asked"),
    };
    let (end, line) = line.split_last().unwrap();
    assert_eq!(*end, b'\n');
    if !line.starts_with(b"{\"jsonrpc\":\"2.0\",\"method\"") {
        check(line, modern);
    }
}

/// Checks a response: its result fits the revision, and no name occurs twice.
fn check(body: &[u8], modern: bool) {
    let Some(result) = messages::response(body, Some("\"i\"")) else {
        return;
    };
    assert_eq!(result.contains_key("resultType"), modern);
    let value = Value::parse(str::from_utf8(body).unwrap()).ok();
    let written = value.and_then(|body| body.member("result"));
    if let Some(written) = written {
        assert_eq!(written.members().count(), result.len());
    }
}
