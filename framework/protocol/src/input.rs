//! What a tool still needs from the client
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr).

use crate::{
    answer::{broken, write_meta},
    call::Call,
    failure::{Failure, MISSING_CLIENT_CAPABILITY},
    json::{self, Object, Value},
    types::types::{InputRequest, InputRequired},
};

/// Appends the result that asks the client.
pub fn write(out: &mut Vec<u8>, call: &Call<'_>, required: &InputRequired) -> Result<(), Failure> {
    if !call.client().version.is_modern() {
        let name = call.tool().name();
        let version = call.client().version.as_str();
        return Err(Failure::internal(format!(
            "tool `{name}` needs input from the user, which this server cannot ask for in revision `{version}`; \
             use a client of revision `2026-07-28` or later"
        )));
    }
    if required.state.is_some() {
        return Err(Failure::internal(
            "request state is not supported by this version of the framework",
        ));
    }
    if required.requests.is_empty() {
        return Err(broken(call, "a need for input but no requests for it"));
    }
    let mut missing = Missing::default();
    let mut object = Object::begin(out);
    object.string("resultType", "input_required");
    let mut requests = Object::begin(object.key("inputRequests"));
    for (index, request) in required.requests.iter().enumerate() {
        if required.requests[..index]
            .iter()
            .any(|other| other.key == request.key)
        {
            return Err(broken(call, "two requests for input under one key"));
        }
        let params = Value::parse(&request.params).ok().filter(Value::is_object);
        let params = params.ok_or_else(|| {
            broken(
                call,
                "a request for input whose parameters are not a JSON object",
            )
        })?;
        missing.note(call, request, &params)?;
        let mut written = Object::begin(requests.key(&request.key));
        written.string("method", &request.method);
        // Well-formed, as it was just read.
        let _ = json::compact(written.key("params"), params.text);
        written.end();
    }
    requests.end();
    missing.into_result(call)?;
    write_meta(&mut object, call, None);
    object.end();
    Ok(())
}

/// What the client would have to declare, as far as it did not.
#[derive(Default)]
struct Missing {
    form: bool,
    url: bool,
    sampling: bool,
    sampling_tools: bool,
    roots: bool,
}

impl Missing {
    fn note(
        &mut self,
        call: &Call<'_>,
        request: &InputRequest,
        params: &Value<'_>,
    ) -> Result<(), Failure> {
        let declared = Value::parse(&call.client().capabilities).ok();
        let capability = |name| {
            declared
                .and_then(|declared| declared.member(name))
                .filter(Value::is_object)
        };
        match request.method.as_str() {
            "elicitation/create" => {
                let elicitation = capability("elicitation");
                let part = |name| {
                    elicitation.is_some_and(|elicitation| elicitation.member(name).is_some())
                };
                match params.member("mode") {
                    // Declaring no mode at all is declaring this one.
                    None => self.form |= elicitation.is_none() || part("url") && !part("form"),
                    Some(mode) if mode.is_str("form") => {
                        self.form |= elicitation.is_none() || part("url") && !part("form")
                    }
                    Some(mode) if mode.is_str("url") => self.url |= !part("url"),
                    Some(_) => {
                        return Err(broken(call, "a request for elicitation in an unknown mode"));
                    }
                }
            }
            "sampling/createMessage" => {
                let sampling = capability("sampling");
                self.sampling |= sampling.is_none();
                let uses_tools =
                    params.member("tools").is_some() || params.member("toolChoice").is_some();
                self.sampling_tools |= uses_tools
                    && sampling.is_none_or(|sampling| sampling.member("tools").is_none());
            }
            "roots/list" => self.roots |= capability("roots").is_none(),
            _ => return Err(broken(call, "a request for input by an unknown method")),
        }
        Ok(())
    }

    /// Error -32021 if there is anything.
    fn into_result(self, call: &Call<'_>) -> Result<(), Failure> {
        let mut names = Vec::new();
        let mut data = Vec::new();
        let mut object = Object::begin(&mut data);
        let mut required = Object::begin(object.key("requiredCapabilities"));
        let groups = [
            (
                "elicitation",
                self.form || self.url,
                [("form", self.form), ("url", self.url)],
            ),
            ("roots", self.roots, [("", false), ("", false)]),
            (
                "sampling",
                self.sampling || self.sampling_tools,
                [("tools", self.sampling_tools), ("", false)],
            ),
        ];
        for (name, is_missing, parts) in groups {
            if !is_missing {
                continue;
            }
            names.push(format!("`{name}`"));
            let mut capability = Object::begin(required.key(name));
            parts
                .iter()
                .filter(|(_, missing)| *missing)
                .for_each(|(part, _)| capability.json(part, b"{}"));
            capability.end();
        }
        required.end();
        object.end();
        if names.is_empty() {
            return Ok(());
        }
        let message = format!(
            "tool `{}` needs capabilities that the client did not declare: {}",
            call.tool().name(),
            names.join(", ")
        );
        Err(Failure {
            data: Some(data),
            ..Failure::new(400, MISSING_CLIENT_CAPABILITY, message)
        })
    }
}
