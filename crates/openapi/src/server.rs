//! The address of an API, which no argument changes.

use std::fmt;

use serde_json::Value;

use crate::document::{elements, members};

#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    pub is_tls: bool,
    /// Host, and port if it is not the usual one.
    pub authority: String,
    /// Empty, or begins with `/` and does not end with it.
    pub path: String,
}

impl Server {
    /// Reads `https://api.example.com/v1`. The error says what is wrong.
    pub fn parse(url: &str) -> Result<Server, &'static str> {
        let (is_tls, rest) = match url.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            _ => return Err("it must begin with `https://` or `http://`"),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = path.trim_end_matches('/');
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if authority.is_empty() || !authority.chars().all(is_host) {
            return Err("after `://` it must have a host, without a user");
        }
        if !path
            .chars()
            .all(|c| c.is_ascii_graphic() && !"?#{}\\\"<>^`|".contains(c))
        {
            return Err(
                "it must be an address without a query, a fragment, and variables in braces",
            );
        }
        if path
            .split('/')
            .any(|segment| segment == "." || segment == "..")
        {
            return Err("its path must not have `.` or `..`");
        }
        let usual = if is_tls { ":443" } else { ":80" };
        let authority = authority.strip_suffix(usual).unwrap_or(authority);
        Ok(Server {
            is_tls,
            authority: authority.to_ascii_lowercase(),
            path: path.to_owned(),
        })
    }

    /// As `allowed_outbound_hosts` has it.
    pub fn origin(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://{}", self.authority)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.path)
    }
}

/// The first server of a document, a path or an operation, its variables replaced by their defaults.
pub fn first(of: &Value) -> Option<String> {
    let server = elements(of.get("servers")).next()?;
    let mut url = server.get("url")?.as_str()?.to_owned();
    for (name, variable) in members(server.get("variables")) {
        let default = variable
            .get("default")
            .and_then(Value::as_str)
            .unwrap_or_default();
        url = url.replace(&format!("{{{name}}}"), default);
    }
    Some(url)
}
