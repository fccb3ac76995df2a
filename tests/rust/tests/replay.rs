//! Questions, by replay: what a function that asks gives the framework, and what comes back.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use serde_json::{Value, json};
use spin_mcp_sdk::__private::{ToolEntry, ToolFunction};
use spin_mcp_sdk::bindings::imports::spin_mcp::server::tool_types::ToolOutcome;
use spin_mcp_sdk::{Context, Elicited, Error, Form, Json, Question, Sent, block_on, tool};

/// One call after the other, until the tool no longer asks. `answers` are by the words of questions.
/// Gives the number of questions of each round, all that was sent, and the result.
fn played(
    tool: &ToolEntry,
    answers: &[(&str, Value)],
) -> (Vec<usize>, Vec<Sent>, Result<Value, String>) {
    let (mut state, mut responses) = (None, vec![]);
    let (mut rounds, mut sent) = (vec![], vec![]);
    loop {
        let mut context = Context::test().with_replay(state.as_deref(), responses);
        let outcome = block_on((tool.call)(&mut context, "{}")).unwrap();
        let told = context.sent().into_iter();
        sent.extend(told.filter(|sent| !matches!(sent, Sent::Asked(..))));
        let required = match outcome {
            ToolOutcome::InputRequired(required) => required,
            ToolOutcome::Complete(result) => {
                let text = serde_json::to_string(&format!("{:?}", result.content)).unwrap();
                return (
                    rounds,
                    sent,
                    match result.is_error {
                        true => Err(text),
                        false => Ok(result
                            .structured_content
                            .map_or(text.into(), |text| serde_json::from_str(&text).unwrap())),
                    },
                );
            }
            ToolOutcome::Extension(_) => unreachable!("no task"),
        };
        rounds.push(required.requests.len());
        let answered = required.requests.into_iter().filter_map(|request| {
            let (_, answer) = answers
                .iter()
                .find(|(words, _)| request.params.contains(words))?;
            Some((request.key, answer.to_string()))
        });
        responses = answered.collect();
        state = required.state;
        assert!(rounds.len() < 9, "it asks for ever");
    }
}

fn accepted(value: Value) -> Value {
    json!({"action": "accept", "content": {"value": value}})
}

#[tool]
fn several(ctx: &mut Context) -> Result<Json<Value>, Error> {
    ctx.progress(1.0, 3.0, "one");
    let first = ctx.elicit::<u8>("first")?;
    let made = ctx.once("made", Box::<Vec<u8>>::default)?.len();
    ctx.info("two");
    let both = ctx.ask_all((Form::<bool>::new("same"), Form::<bool>::new("same")))?;
    let many = ctx.ask_all(vec![Form::<String>::new("x"), Form::new("y")])?;
    Ok(Json(json!([
        first.accepted(),
        made,
        both == (Elicited::Accept(true), Elicited::Accept(true)),
        many.len()
    ])))
}

#[test]
fn each_question_is_asked_once_and_each_message_sent_once() {
    let answers = [
        ("first", accepted(json!(7))),
        ("same", accepted(json!(true))),
        ("x", accepted(json!("x"))),
        ("y", json!({"action": "decline"})),
    ];
    let (rounds, sent, result) = played(&several::ENTRY, &answers);
    assert_eq!(rounds, [1, 2, 2]);
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert_eq!(result, Ok(json!([7, 0, true, 2])));
}

/// A client can leave answers out: the question is asked again.
#[test]
fn questions_without_an_answer_are_asked_again() {
    let tool = several::ENTRY;
    let first = |state: Option<&str>| {
        let mut context = Context::test().with_replay(state, vec![("other".into(), "{}".into())]);
        match block_on((tool.call)(&mut context, "{}")).unwrap() {
            ToolOutcome::InputRequired(required) => {
                (required.requests[0].key.clone(), required.state)
            }
            _ => panic!("it asks"),
        }
    };
    let (key, state) = first(None);
    assert_eq!(first(state.as_deref()).0, key);
}

#[test]
fn forms_are_as_clients_take_them() {
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[expect(dead_code, reason = "the schema is tested")]
    struct Trip {
        /// Where to.
        city: String,
        nights: Option<u32>,
        color: Option<Color>,
        also: Vec<Color>,
    }
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Color {
        /// The red one
        Red,
        Blue,
    }
    let mut context = Context::test();
    assert!(context.elicit::<Trip>("Which?").is_err());
    let sent = context.sent();
    let Sent::Asked(method, params) = &sent[0] else {
        panic!("{sent:?}");
    };
    assert_eq!(method, "elicitation/create");
    let options =
        json!([{"const": "blue", "title": "blue"}, {"const": "red", "title": "The red one"}]);
    let properties = &params["requestedSchema"]["properties"];
    assert_eq!(
        properties["city"],
        json!({"type": "string", "description": "Where to."})
    );
    assert_eq!(
        properties["nights"],
        json!({"type": "integer", "minimum": 0})
    );
    let sorted = |options: &Value| {
        let mut options = options.as_array().unwrap().clone();
        options.sort_by_key(Value::to_string);
        json!(options)
    };
    assert_eq!(sorted(&properties["color"]["oneOf"]), options);
    assert_eq!(properties["color"]["type"], "string");
    assert_eq!(sorted(&properties["also"]["items"]["anyOf"]), options);
    assert_eq!(
        params["requestedSchema"]["required"],
        json!(["city", "also"])
    );

    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[expect(dead_code, reason = "the schema is tested")]
    struct Deep {
        inner: Vec<Vec<u8>>,
    }
    let why = Context::test().elicit::<Deep>("What?").err().unwrap();
    assert!(
        why.to_string()
            .starts_with("a form cannot have the field `inner`"),
        "{why}"
    );
}

#[test]
fn answers_that_do_not_fit_are_said() {
    let mut context = Context::test().accepts("seven");
    let why = context.elicit::<u8>("How many?").unwrap_err().to_string();
    assert_eq!(
        why,
        "the answer does not fit the form: invalid type: string \"seven\", expected u8"
    );
}

#[tool]
fn differing(ctx: &mut Context) -> Result<&'static str, Error> {
    let address = std::time::SystemTime::now();
    ctx.elicit::<bool>(format!("At {address:?}?"))?;
    Ok("never")
}

#[test]
fn another_question_than_before_is_an_error() {
    let (rounds, _, result) = played(&differing::ENTRY, &[("At", accepted(json!(true)))]);
    assert_eq!(rounds, [1]);
    let why = result.unwrap_err();
    assert!(
        why.contains("`differing` asked something else than before: `At "),
        "{why}"
    );
    assert!(why.contains("ctx.once"), "{why}");
}

#[tool]
fn heavy(ctx: &mut Context) -> Result<(), Error> {
    ctx.once("much", || "x".repeat(40_000))?;
    ctx.elicit::<bool>("Sure?")?;
    Ok(())
}

#[test]
fn state_has_a_limit() {
    let why = played(&heavy::ENTRY, &[]).2.unwrap_err();
    assert!(
        why.contains("and at most 32768 can be kept between two questions"),
        "{why}"
    );
}

/// `?` carries the question out of functions with whatever error.
#[test]
fn errors_of_any_type_carry_questions() {
    #[tool]
    fn text(ctx: &mut Context) -> Result<(), String> {
        ctx.elicit::<bool>("Sure?")?;
        Ok(())
    }
    #[tool]
    fn boxed(ctx: &mut Context) -> Result<(), Box<dyn std::error::Error>> {
        ctx.elicit::<bool>("Sure?")?;
        Ok(())
    }
    #[tool]
    async fn waiting(ctx: &mut Context) -> Result<u8, Error> {
        let kept = ctx.once_async("kept", async { 7 }).await?;
        ctx.elicit::<bool>("Sure?")?;
        Ok(kept)
    }
    for tool in [text::ENTRY, boxed::ENTRY, waiting::ENTRY] {
        let (rounds, ..) = played(&tool, &[("Sure?", accepted(json!(true)))]);
        assert_eq!(rounds, [1]);
    }
}

/// A page at an address that an author draws at random.
struct Drawn;

impl Question for Drawn {
    type Answer = Value;
    const METHOD: &'static str = "elicitation/create";

    fn params(&self) -> Result<Value, Error> {
        static DRAWN: AtomicU32 = AtomicU32::new(0);
        let id = format!("id-{}", DRAWN.fetch_add(1, Relaxed));
        let url = format!("https://example.com/?id={id}");
        Ok(json!({"mode": "url", "message": "pay", "url": url, "elicitationId": id}))
    }

    fn answer(&self, result: Value) -> Result<Value, Error> {
        Ok(result)
    }
}

#[tool]
fn drawing(ctx: &mut Context) -> Result<Json<Value>, Error> {
    let first = ctx.ask(Drawn)?;
    Ok(Json(json!([first, ctx.ask(Drawn)?])))
}

#[test]
fn a_drawn_id_does_not_make_another_question() {
    let answers = [("pay", json!({"action": "accept"}))];
    let (rounds, _, result) = played(&drawing::ENTRY, &answers);
    assert_eq!(rounds, [1, 1]);
    assert_eq!(result.unwrap()[1]["action"], "accept");
}
