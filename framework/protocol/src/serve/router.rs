//! The hub at the end of a chain: it answers from the catalog, or asks features. The contract
//! is that of the interface `handler`.

pub mod sequence;

use std::borrow::Cow;

use crate::{
    answer::{bridge, extension, input},
    call::{
        Call, Outcome, Response, Step,
        client::{self, Client},
    },
    catalog::Catalog,
    serve::{
        chain,
        dispatch::{self, Answer},
    },
    state::services::Services,
    wire::{
        failure::Failure,
        json::{self, Fault, Object},
        message::{Params, Request},
        types::{
            prompt_types::PromptOutcome,
            resource_types::ReadOutcome,
            tool_types::ToolOutcome,
            types::{Error, InputRequired},
        },
        version::Version,
    },
};

/// What comes of a request by what is here.
#[derive(Debug)]
pub enum Own {
    Done(Result<String, Error>),
    /// It is about what is not here.
    Unknown(Error),
}

impl Own {
    /// The answer where nobody else can be asked.
    pub fn settled(self) -> Result<String, Error> {
        match self {
            Own::Done(answer) => answer,
            Own::Unknown(error) => Err(error),
        }
    }
}

/// What became of a request.
pub enum Handling<'a> {
    Done(Own),
    /// Features are to be asked.
    Call(Box<Call<'a>>),
}

/// What to do next with a call.
pub enum Next {
    /// Ask the feature in [`Call::slot`] for what [`Call::ask`] says.
    Invoke,
    Done(Own),
}

/// The `id` of the responses that are taken apart here.
const ID: &str = "0";
const BEFORE: &[u8] = b"{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":";

/// What tells the last link of a request that no part can ask `request` about: its id.
pub mod id {
    use super::{Call, Catalog, Version, chain, initialize};

    const VERSION: u64 = 0b011;
    const _: () = assert!(Version::ALL.len() as u64 <= VERSION + 1);
    const GATED: u64 = 0b100;
    const BITS: u32 = 3;

    /// The id of a call, the `number`th.
    pub fn of(call: &Call<'_>, number: u64) -> u64 {
        let version = Version::ALL
            .iter()
            .position(|version| *version == call.client.version);
        let gated = match chain::is_gated(call.target.method()) {
            true => GATED,
            false => 0,
        };
        number << BITS | gated | version.unwrap_or(0) as u64
    }

    /// The revision that its client speaks.
    pub fn version(id: u64) -> Version {
        Version::ALL[(id & VERSION) as usize]
    }

    /// The result of a request that the transport acts upon itself once it has it.
    pub fn result(catalog: &Catalog<'_>, id: u64, method: &str) -> Option<String> {
        if id & GATED == 0 || !chain::is_gated(method) {
            return None;
        }
        let version = version(id);
        Some(match method {
            "initialize" => initialize(catalog, version),
            "server/discover" if version.is_modern() => {
                String::from_utf8_lossy(catalog.discover(false)).into_owned()
            }
            _ => "{}".to_owned(),
        })
    }
}

/// Handles a request of a client that speaks `version` and declared `capabilities`, a JSON
/// object.
pub fn handle<'a, S: Services>(
    catalog: &Catalog<'a>,
    method: &'a str,
    params: &'a str,
    version: &str,
    capabilities: String,
    services: &mut S,
) -> Handling<'a> {
    // Nobody knows the request: it is answered as that of the latest client.
    let version = Version::parse(version).unwrap_or(Version::ALL[0]);
    if method == "initialize" {
        return Handling::Done(Own::Done(Ok(initialize(catalog, version))));
    }
    Handling::Done(
        match answer(catalog, method, params, version, capabilities, services) {
            Ok(Answer::Ready(body) | Answer::SetLevel(_, body)) => Own::Done(result(body)),
            Ok(Answer::Call(call)) => return Handling::Call(call),
            Ok(Answer::Listen(_) | Answer::Gate(_)) => {
                refused(&Failure::method_not_found(method, version))
            }
            Err(failure) => refused(&failure),
        },
    )
}

fn answer<'a, S: Services>(
    catalog: &Catalog<'a>,
    method: &'a str,
    text: &'a str,
    version: Version,
    capabilities: String,
    services: &mut S,
) -> Result<Answer<'a>, Failure> {
    let params = Params::parse(text).map_err(|fault| {
        Failure::malformed_params(match fault {
            Fault::Depth => "the parameters nest too deep",
            Fault::Syntax(_) => "the parameters are not a JSON object",
        })
    })?;
    client::check_params(&params)?;
    let client = Client {
        version,
        capabilities: Cow::Owned(capabilities),
        info: None,
        session_id: None,
        session_key: None,
        session_expires: 0,
        log_level: None,
    };
    let request = Request {
        id: ID,
        method: Cow::Borrowed(method),
        params,
    };
    dispatch::own(catalog, request, client, services)
}

/// Goes on with what a feature answered.
pub fn settle<S: Services>(call: &mut Call<'_>, outcome: Outcome, services: &mut S) -> Next {
    let answer = match outcome {
        Outcome::Tool(Ok(Some(ToolOutcome::InputRequired(required))))
        | Outcome::Prompt(Ok(Some(PromptOutcome::InputRequired(required))))
        | Outcome::Resource(Ok(Some(ReadOutcome::InputRequired(required)))) => {
            ask::<S>(call, &required)
        }
        // The transport knows what its kind means.
        Outcome::Tool(Ok(Some(ToolOutcome::Extension(result)))) => {
            let read = extension::read(call, &result).map(drop);
            read.map(|()| result)
        }
        outcome => match call.settle(outcome, services) {
            Step::Invoke => return Next::Invoke,
            Step::Done(response) => return Next::Done(done(response)),
            Step::Ask(_) => Err(Failure::internal(
                "a feature asked for input where none can be had",
            )),
        },
    };
    Next::Done(Own::Done(answer.map_err(|failure| error(&failure))))
}

/// A need for input as the transport takes it, for clients of any revision.
fn ask<S: Services>(call: &Call<'_>, required: &InputRequired) -> Result<String, Failure> {
    input::check_requests(call, required)?;
    if !call.client.version.is_modern() {
        bridge::check_reader::<S>(call)?;
    }
    let mut result = Vec::new();
    let mut object = Object::begin(&mut result);
    object.string("resultType", "input_required");
    input::write_requests(&mut object, required);
    object.optional("requestState", required.state.as_deref());
    object.end();
    text(result)
}

fn done(response: Response) -> Own {
    match response.failure {
        Some(failure) => refused(&failure),
        None => Own::Done(result(response.body)),
    }
}

fn refused(failure: &Failure) -> Own {
    match failure.unknown {
        true => Own::Unknown(error(failure)),
        false => Own::Done(Err(error(failure))),
    }
}

/// The result in a response.
fn result(mut body: Vec<u8>) -> Result<String, Error> {
    let result = if body.starts_with(BEFORE) && body.ends_with(b"}") {
        body.pop();
        body.drain(..BEFORE.len());
        text(body)
    } else {
        Err(Failure::internal("the hub cannot read its own answer"))
    };
    result.map_err(|failure| error(&failure))
}

fn text(bytes: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|_| Failure::internal("a feature sent what is not UTF-8"))
}

fn error(failure: &Failure) -> Error {
    let data = failure.data.clone();
    Error {
        code: failure.code,
        message: failure.message.to_string(),
        data: data.and_then(|data| String::from_utf8(data).ok()),
    }
}

/// For transports that prepare no answer of their own.
fn initialize(catalog: &Catalog<'_>, version: Version) -> String {
    let mut result = b"{\"protocolVersion\":".to_vec();
    json::string(&mut result, version.as_str());
    let shared = catalog.store().is_some();
    result.extend_from_slice(catalog.initialize(shared));
    String::from_utf8(result).unwrap_or_default()
}

#[cfg(test)]
mod tests;
