//! Each request of a client passes through `handle` on its way to the features, and so does the
//! answer on its way back.

mod mcp;

use std::time::Instant;

use mcp::Error;
use serde::Deserialize;

/// What `settings` of this middleware in spin.toml may hold.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Requests that take less time are not logged.
    slow_ms: u128,
}

/// Logs how long a request took, to stderr: stdout may belong to the client.
///
/// `method` is a method of MCP, such as `tools/call`; `params` and the answer are JSON objects.
/// `next` passes a request on, unchanged or changed. A middleware can also answer itself.
{% if async == "yes" %}async {% endif %}fn handle(
    settings: &Settings,
    method: &str,
    params: &str,
    next: impl {% if async == "yes" %}Async{% endif %}Fn(&str, &str) -> Result<String, Error>,
) -> Result<String, Error> {
    let begun = Instant::now();
    let answer = next(method, params){% if async == "yes" %}.await{% endif %};
    let ms = begun.elapsed().as_millis();
    if ms >= settings.slow_ms {
        let outcome = if answer.is_ok() { "answered" } else { "failed" };
        eprintln!("{method:?} {outcome} in {ms} ms");
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    {%- if async == "yes" %}
    use futures::executor::block_on;
    {%- endif %}

    #[test]
    fn passes_answers_on() {
        let settings = Settings::default();
        let next = {% if async == "yes" %}async {% endif %}|method: &str, params: &str| {
            assert_eq!((method, params), ("ping", "{}"));
            Ok(r#"{"a":1}"#.into())
        };
        let answer = {% if async == "yes" %}block_on(handle(&settings, "ping", "{}", next)){% else %}handle(&settings, "ping", "{}", next){% endif %};
        assert_eq!(answer.unwrap(), r#"{"a":1}"#);
    }

    #[test]
    fn passes_errors_on() {
        let settings = Settings { slow_ms: 10 };
        let next = {% if async == "yes" %}async {% endif %}|_: &str, _: &str| Err(mcp::error(-32602, "unknown tool"));
        let answer = {% if async == "yes" %}block_on(handle(&settings, "tools/call", "{}", next)){% else %}handle(&settings, "tools/call", "{}", next){% endif %};
        assert_eq!(answer.unwrap_err().code, -32602);
    }
}
