use std::borrow::Cow;

use crate::wire::json::{Kind, Object, Value};

/// The stored task. Only creating and advancing it write it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    pub principal: String,
    /// Milliseconds since 1970.
    pub created: u64,
    /// Milliseconds since 1970.
    pub updated: u64,
    /// Milliseconds.
    pub ttl: u64,
    /// Milliseconds.
    pub poll: u64,
    /// How often the task changed.
    pub turn: u64,
    /// The name of the tool that clients know; empty if it was not recorded.
    pub tool: String,
    pub phase: Phase,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Phase {
    Open(Open),
    /// The result of the tool, as JSON.
    Completed(String),
    Failed {
        message: String,
        /// A JSON-RPC error, as JSON.
        error: String,
    },
}

/// A task that has not ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Open {
    pub tool: String,
    /// JSON.
    pub arguments: String,
    pub state: String,
    pub message: Option<String>,
    /// The open requests. The tool is not called until all are answered.
    pub asked: Vec<Asked>,
    /// All keys that clients ever saw.
    pub used: Vec<String>,
    /// The earlier responses: JSON, under the tool's keys.
    pub responses: Vec<(String, String)>,
}

/// One request for input.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    /// The key that the client sees.
    pub name: String,
    /// The key of the tool.
    pub key: String,
    pub method: String,
    /// A JSON object.
    pub params: String,
}

impl Record {
    /// JSON from elsewhere is stored as a string, so that it may nest as deep as any message.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut record = Object::begin(&mut out);
        record.string("principal", &self.principal);
        for (key, value) in self.numbers() {
            record.json(key, value.to_string().as_bytes());
        }
        // Which scopes it needs is decided by the tool. Of callers that are not known, none needs any.
        let is_ended = !matches!(self.phase, Phase::Open(_));
        if is_ended && !self.principal.is_empty() {
            record.string("tool", &self.tool);
        }
        match &self.phase {
            Phase::Open(open) => open.write(Object::begin(record.key("open"))),
            Phase::Completed(result) => record.string("result", result),
            Phase::Failed { message, error } => {
                record.string("message", message);
                record.string("error", error);
            }
        }
        record.end();
        out
    }

    fn numbers(&self) -> [(&'static str, u64); 5] {
        [
            ("created", self.created),
            ("updated", self.updated),
            ("ttl", self.ttl),
            ("poll", self.poll),
            ("turn", self.turn),
        ]
    }

    /// None if `write` did not make the bytes.
    pub fn read(bytes: &[u8]) -> Option<Record> {
        let record = Value::parse(str::from_utf8(bytes).ok()?).ok()?;
        let number = |key| {
            let number = record.member(key)?;
            (number.kind == Kind::Number).then(|| number.text.parse().ok())?
        };
        let phase = if let Some(open) = record.member("open") {
            Phase::Open(Open::read(&open)?)
        } else if let Some(result) = record.member("result") {
            Phase::Completed(json(&result, Kind::Object)?)
        } else {
            Phase::Failed {
                message: text(&record, "message")?,
                error: json(&record.member("error")?, Kind::Object)?,
            }
        };
        let tool = match &phase {
            Phase::Open(open) => open.tool.clone(),
            // Records of earlier versions do not have it.
            _ => text(&record, "tool").unwrap_or_default(),
        };
        Some(Record {
            tool,
            principal: text(&record, "principal")?,
            created: number("created")?,
            updated: number("updated")?,
            ttl: number("ttl")?,
            poll: number("poll")?,
            turn: number("turn")?,
            phase,
        })
    }
}

impl Open {
    fn write(&self, mut open: Object<'_>) {
        open.string("tool", &self.tool);
        open.string("state", &self.state);
        open.optional("message", self.message.as_deref());
        let mut asked = Object::begin(open.key("asked"));
        for request in &self.asked {
            let mut written = Object::begin(asked.key(&request.name));
            written.string("key", &request.key);
            written.string("method", &request.method);
            written.string("params", &request.params);
            written.end();
        }
        asked.end();
        let mut used = Object::begin(open.key("used"));
        self.used.iter().for_each(|name| used.json(name, b"1"));
        used.end();
        let mut responses = Object::begin(open.key("responses"));
        for (key, response) in &self.responses {
            responses.string(key, response);
        }
        responses.end();
        open.string("arguments", &self.arguments);
        open.end();
    }

    fn read(open: &Value<'_>) -> Option<Open> {
        let asked = open.member("asked")?.members().map(|(name, request)| {
            Some(Asked {
                name: name.as_str()?.into_owned(),
                key: text(&request, "key")?,
                method: text(&request, "method")?,
                params: json(&request.member("params")?, Kind::Object)?,
            })
        });
        let used = open.member("used")?.members();
        let responses = open.member("responses")?.members();
        Some(Open {
            tool: text(open, "tool")?,
            arguments: text(open, "arguments")?,
            state: text(open, "state")?,
            message: match open.member("message") {
                Some(message) => Some(message.as_str()?.into_owned()),
                None => None,
            },
            asked: asked.collect::<Option<_>>()?,
            used: used
                .map(|(name, _)| name.as_str().map(Cow::into_owned))
                .collect::<Option<_>>()?,
            responses: responses
                .map(|(key, value)| {
                    Some((key.as_str()?.into_owned(), value.as_str()?.into_owned()))
                })
                .collect::<Option<_>>()?,
        })
    }

    /// All responses, including those to the open requests.
    pub fn responses_with(&self, last: &[Option<StoredResponse>]) -> Vec<(String, String)> {
        let mut all = self.responses.clone();
        for (request, response) in self.asked.iter().zip(last) {
            let Some(response) = response else { continue };
            let text = response.text.clone();
            match all.iter_mut().find(|(key, _)| *key == request.key) {
                Some((_, earlier)) => *earlier = text,
                None => all.push((request.key.clone(), text)),
            }
        }
        all
    }
}

fn text(object: &Value<'_>, key: &str) -> Option<String> {
    object.member(key)?.as_str().map(Cow::into_owned)
}

/// JSON of this kind, in a string and on one line.
fn json(value: &Value<'_>, kind: Kind) -> Option<String> {
    let text = value.as_str()?;
    let is_whole = Value::parse(&text).ok()?.kind == kind && !text.contains('\n');
    is_whole.then(|| text.into_owned())
}

/// A client's response to one request. It has a key of its own, so that writing it does not
/// overwrite anything else.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StoredResponse {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// JSON.
    pub text: String,
}

impl StoredResponse {
    pub fn write(&self) -> Vec<u8> {
        [&self.at.to_be_bytes(), self.text.as_bytes()].concat()
    }

    pub fn read(bytes: &[u8]) -> Option<StoredResponse> {
        let (at, text) = bytes.split_first_chunk()?;
        let text = str::from_utf8(text).ok()?;
        Value::parse(text).ok()?;
        Some(StoredResponse {
            at: u64::from_be_bytes(*at),
            text: text.to_owned(),
        })
    }
}

/// The time and the turn of the last call, or of the cancellation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mark {
    /// Milliseconds since 1970.
    pub at: u64,
    pub turn: u64,
}

impl Mark {
    pub fn write(&self) -> Vec<u8> {
        [self.at.to_be_bytes(), self.turn.to_be_bytes()].concat()
    }

    pub fn read(bytes: &[u8]) -> Option<Mark> {
        let (at, turn) = bytes.split_first_chunk()?;
        Some(Mark {
            at: u64::from_be_bytes(*at),
            turn: u64::from_be_bytes(turn.try_into().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(phase: Phase) -> Record {
        Record {
            principal: "a \"b\"".to_owned(),
            created: 1,
            updated: u64::MAX,
            ttl: 3,
            poll: 4,
            turn: 5,
            tool: match &phase {
                Phase::Open(open) => open.tool.clone(),
                _ => "t".to_owned(),
            },
            phase,
        }
    }

    fn open() -> Phase {
        let asked = |name: &str, key: &str| Asked {
            name: name.to_owned(),
            key: key.to_owned(),
            method: "roots/list".to_owned(),
            params: "{\"a\":\"\\ud83d\\ude00\"}".to_owned(),
        };
        Phase::Open(Open {
            tool: "t".to_owned(),
            arguments: format!("{}{}", "[".repeat(64), "]".repeat(64)),
            state: "s\n".to_owned(),
            message: Some(String::new()),
            asked: vec![asked("a.2", "a"), asked("b", "b")],
            used: vec!["a".to_owned(), "a.2".to_owned(), "b".to_owned()],
            responses: vec![("a".to_owned(), "{}".to_owned())],
        })
    }

    fn records() -> [Record; 4] {
        [
            record(open()),
            record(Phase::Open(Open::default())),
            record(Phase::Completed("{\"content\":[]}".to_owned())),
            record(Phase::Failed {
                message: "m".to_owned(),
                error: "{}".to_owned(),
            }),
        ]
    }

    #[test]
    fn records_read_back() {
        for record in records() {
            assert_eq!(Record::read(&record.write()), Some(record));
        }
        let mark = Mark { at: 1, turn: 2 };
        assert_eq!(Mark::read(&mark.write()), Some(mark));
        let response = StoredResponse {
            at: 3,
            text: "{}".to_owned(),
        };
        assert_eq!(StoredResponse::read(&response.write()), Some(response));
    }

    #[test]
    fn records_without_a_tool_are_read() {
        let ended = record(Phase::Completed("{}".to_owned()));
        let text = String::from_utf8(ended.write()).unwrap();
        let earlier = text.replace(r#""tool":"t","#, "");
        assert_ne!(earlier, text);
        let read = Record::read(earlier.as_bytes()).unwrap();
        assert_eq!((&*read.tool, read.phase), ("", ended.phase));
    }

    #[test]
    fn json_that_is_none_is_not_read() {
        for phase in [
            Phase::Completed("{".to_owned()),
            Phase::Completed("[]".to_owned()),
            Phase::Failed {
                message: String::new(),
                error: "{}\n{}".to_owned(),
            },
            Phase::Completed("{\n}".to_owned()),
        ] {
            assert_eq!(Record::read(&record(phase).write()), None);
        }
        assert_eq!(StoredResponse::read(b"12345678{"), None);
    }

    proptest! {
        #[test]
        fn damaged_values_are_read_or_not(
            which in 0..4usize,
            at in any::<prop::sample::Index>(),
            byte: u8,
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = records()[which].write();
            let place = at.index(bytes.len());
            bytes[place] = byte;
            if let Some(record) = Record::read(&bytes) {
                prop_assert_eq!(Record::read(&record.write()), Some(record));
            }
            bytes.truncate(cut.index(bytes.len()));
            prop_assert_eq!(Record::read(&bytes), None);
        }

        #[test]
        fn any_bytes_are_read_or_not(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = (Record::read(&bytes), Mark::read(&bytes), StoredResponse::read(&bytes));
        }
    }
}
