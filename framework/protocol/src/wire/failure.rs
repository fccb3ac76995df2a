//! Failures of requests: JSON-RPC errors, and their HTTP statuses
//! (https://modelcontextprotocol.io/specification/2026-07-28/basic#error-codes).

use std::borrow::Cow;

use crate::wire::{json, types::types::Error, version::Version};

pub const PARSE_ERROR: i32 = -32700;
pub const INVALID_REQUEST: i32 = -32600;
pub const METHOD_NOT_FOUND: i32 = -32601;
pub const INVALID_PARAMS: i32 = -32602;
pub const INTERNAL_ERROR: i32 = -32603;
/// Codes of authorization. Features and middleware may use the second one.
pub const UNAUTHORIZED: i32 = -32010;
pub const FORBIDDEN: i32 = -32011;
pub const HEADER_MISMATCH: i32 = -32020;
pub const MISSING_CLIENT_CAPABILITY: i32 = -32021;
pub const UNSUPPORTED_VERSION: i32 = -32022;

/// Codes of earlier revisions. Later revisions must not use them.
pub const RESOURCE_NOT_FOUND: i32 = -32002;
const URL_ELICITATION_REQUIRED: i32 = -32042;

/// A JSON-RPC error, and the HTTP status of a response that consists of it.
///
/// Where the specification requires a status, it is that. Otherwise a malformed message is 400,
/// and a well-formed one that cannot be fulfilled (an unknown tool, a stale cursor, a failing
/// feature) is 200: if a 400 does not have one of the modern codes, clients assume that the
/// server does not know their revision.
#[derive(Clone, PartialEq, Debug)]
pub struct Failure {
    pub status: u16,
    pub code: i32,
    pub message: Cow<'static, str>,
    /// Compact JSON.
    pub data: Option<Vec<u8>>,
    /// The name or the method is unknown here, but another component may know it.
    pub unknown: bool,
    /// The header `www-authenticate` of the response.
    pub challenge: Option<String>,
}

impl Failure {
    pub fn new(status: u16, code: i32, message: impl Into<Cow<'static, str>>) -> Failure {
        Failure {
            status,
            code,
            message: message.into(),
            data: None,
            unknown: false,
            challenge: None,
        }
    }

    /// The message is not a message of the protocol.
    pub fn invalid_request(message: impl Into<Cow<'static, str>>) -> Failure {
        Failure::new(400, INVALID_REQUEST, message)
    }

    /// The parameters do not have the form that the method requires.
    pub fn malformed_params(message: impl Into<Cow<'static, str>>) -> Failure {
        Failure::new(400, INVALID_PARAMS, message)
    }

    /// The parameters name something that does not exist.
    pub fn invalid_params(message: impl Into<Cow<'static, str>>) -> Failure {
        Failure::new(200, INVALID_PARAMS, message)
    }

    pub fn internal(message: impl Into<Cow<'static, str>>) -> Failure {
        Failure::new(200, INTERNAL_ERROR, message)
    }

    pub fn header_mismatch(message: impl Into<Cow<'static, str>>) -> Failure {
        Failure::new(400, HEADER_MISMATCH, message)
    }

    pub fn method_not_found(method: &str, version: Version) -> Failure {
        let status = if version.is_modern() { 404 } else { 200 };
        let message = format!("unknown method `{}`", excerpt(method));
        Failure::new(status, METHOD_NOT_FOUND, message).unknown()
    }

    /// Marks the failure as one that another component may not have.
    pub fn unknown(self) -> Failure {
        Failure {
            unknown: true,
            ..self
        }
    }

    pub fn unsupported_version(requested: &str) -> Failure {
        let mut data = Vec::new();
        let mut object = json::Object::begin(&mut data);
        object.json("supported", &supported_versions());
        object.string("requested", requested);
        object.end();
        let message = format!("unsupported protocol version `{}`", excerpt(requested));
        Failure {
            data: Some(data),
            ..Failure::new(400, UNSUPPORTED_VERSION, message)
        }
    }

    /// The error of a feature, as this client may see it.
    pub fn of_feature(error: &Error, version: Version) -> Failure {
        let code = match error.code {
            RESOURCE_NOT_FOUND if version.is_modern() => INVALID_PARAMS,
            URL_ELICITATION_REQUIRED if version.has_url_elicitation_error() => error.code,
            MISSING_CLIENT_CAPABILITY if says_what(error) => error.code,
            -32099..=-32020 => INTERNAL_ERROR,
            code => code,
        };
        let status = match code {
            MISSING_CLIENT_CAPABILITY if version.is_modern() => 400,
            _ => 200,
        };
        let mut data = Vec::new();
        let data = error
            .data
            .as_ref()
            .and_then(|text| json::compact(&mut data, text).ok().map(|_| data));
        Failure {
            data,
            ..Failure::new(status, code, error.message.clone())
        }
    }

    /// Writes the JSON-RPC response. `id` is JSON; none if it could not be read.
    pub fn write(&self, out: &mut Vec<u8>, id: Option<&str>) {
        let mut response = json::Object::begin(out);
        response.string("jsonrpc", "2.0");
        if let Some(id) = id {
            response.json("id", id.as_bytes());
        }
        let mut error = json::Object::begin(response.key("error"));
        error.json("code", self.code.to_string().as_bytes());
        error.string("message", &self.message);
        if let Some(data) = &self.data {
            error.json("data", data);
        }
        error.end();
        response.end();
    }

    pub fn to_json(&self, id: Option<&str>) -> Vec<u8> {
        let mut out = Vec::with_capacity(128 + self.message.len());
        self.write(&mut out, id);
        out
    }
}

/// Whether an error names the capabilities that the client must declare.
fn says_what(error: &Error) -> bool {
    let data = error.data.as_deref().map(json::Value::parse);
    let required = data.and_then(|data| data.ok()?.member("requiredCapabilities"));
    required.is_some_and(|required| required.is_object())
}

/// A JSON array of the supported revisions, the latest first.
pub fn supported_versions() -> Vec<u8> {
    let names = Version::ALL.map(|version| format!("\"{}\"", version.as_str()));
    format!("[{}]", names.join(",")).into_bytes()
}

/// The beginning of a client's text, short enough for a message.
pub fn excerpt(text: &str) -> Cow<'_, str> {
    const LONGEST: usize = 128;
    if text.len() <= LONGEST {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(LONGEST);
    Cow::Owned(format!("{}…", &text[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feature_error(code: i32, version: Version) -> (u16, i32) {
        let error = Error {
            code,
            message: String::new(),
            data: None,
        };
        let failure = Failure::of_feature(&error, version);
        (failure.status, failure.code)
    }

    #[test]
    fn reserved_codes_of_features_are_replaced() {
        let modern = Version::V2026_07_28;
        assert_eq!(feature_error(-32050, modern), (200, -32603));
        assert_eq!(feature_error(-32099, modern), (200, -32603));
        for code in [-32020, -32021, -32022] {
            assert_eq!(feature_error(code, modern), (200, -32603));
        }
        assert_eq!(feature_error(-32019, modern), (200, -32019));
        assert_eq!(feature_error(-32002, modern), (200, -32602));
        assert_eq!(feature_error(-32042, modern), (200, -32603));
        assert_eq!(feature_error(-32601, modern), (200, -32601));
        assert_eq!(feature_error(7, modern), (200, 7));
        assert_eq!(feature_error(-32002, Version::V2025_11_25), (200, -32002));
        assert_eq!(feature_error(-32042, Version::V2025_11_25), (200, -32042));
        assert_eq!(feature_error(-32042, Version::V2025_06_18), (200, -32603));
        assert_eq!(feature_error(-32601, Version::V2025_11_25), (200, -32601));
    }

    #[test]
    fn a_missing_capability_is_named() {
        let missing = |data: &str, version| {
            let error = Error {
                code: MISSING_CLIENT_CAPABILITY,
                message: String::new(),
                data: Some(data.to_owned()),
            };
            let failure = Failure::of_feature(&error, version);
            (failure.status, failure.code, failure.data.is_some())
        };
        let (modern, legacy) = (Version::V2026_07_28, Version::V2025_11_25);
        let data = r#"{"requiredCapabilities":{"roots":{}}}"#;
        assert_eq!(
            missing(data, modern),
            (400, MISSING_CLIENT_CAPABILITY, true)
        );
        assert_eq!(
            missing(data, legacy),
            (200, MISSING_CLIENT_CAPABILITY, true)
        );
        assert_eq!(missing("{}", modern), (200, INTERNAL_ERROR, true));
    }

    #[test]
    fn data_that_is_not_json_is_left_out() {
        let with = |data: &str| {
            let error = Error {
                code: 1,
                message: "m".to_owned(),
                data: Some(data.to_owned()),
            };
            String::from_utf8(Failure::of_feature(&error, Version::V2026_07_28).to_json(Some("1")))
                .unwrap()
        };
        assert_eq!(
            with("{ \"a\": 1 }"),
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m","data":{"a":1}}}"#
        );
        assert_eq!(
            with("{"),
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m"}}"#
        );
    }

    #[test]
    fn excerpts_end_between_characters() {
        assert_eq!(excerpt("short"), "short");
        let cut = excerpt(&"é".repeat(100)).into_owned();
        assert_eq!(cut, "é".repeat(64) + "…");
    }
}
