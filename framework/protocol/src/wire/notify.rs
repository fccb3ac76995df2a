//! Notifications of a feature during a request.

use crate::wire::json::{self, Object};

/// Severities of RFC 5424, in the order of the contract: 0 is debug
/// (https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/logging#log-levels).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum LogLevel {
    Debug,
    Info,
    Notice,
    Warning,
    Error,
    Critical,
    Alert,
    Emergency,
}

impl LogLevel {
    /// The least severe first.
    pub const NAMES: [&str; 8] = [
        "debug",
        "info",
        "notice",
        "warning",
        "error",
        "critical",
        "alert",
        "emergency",
    ];
    const ALL: [LogLevel; 8] = [
        LogLevel::Debug,
        LogLevel::Info,
        LogLevel::Notice,
        LogLevel::Warning,
        LogLevel::Error,
        LogLevel::Critical,
        LogLevel::Alert,
        LogLevel::Emergency,
    ];

    pub fn parse(name: &str) -> Option<LogLevel> {
        LogLevel::NAMES
            .iter()
            .position(|&known| known == name)
            .map(|index| LogLevel::ALL[index])
    }
}

/// Writes the notifications of one request that its client wants.
#[derive(Clone, Debug, Default)]
pub struct Notifier {
    token: Option<String>,
    /// The least severe level that the client wants.
    level: Option<u8>,
    progress: Option<f64>,
}

impl Notifier {
    /// `token` is a JSON string or number. `level` is the least severe level that the client
    /// wants.
    pub fn new(token: Option<String>, level: Option<u8>) -> Notifier {
        Notifier {
            token,
            level,
            progress: None,
        }
    }

    /// A progress notification, if the client wants it and `progress` has grown
    /// (https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/progress).
    pub fn progress(
        &mut self,
        progress: f64,
        total: Option<f64>,
        message: Option<&str>,
    ) -> Option<Vec<u8>> {
        let token = self.token.as_ref()?;
        if !progress.is_finite() || self.progress.is_some_and(|last| progress <= last) {
            return None;
        }
        self.progress = Some(progress);
        Some(notification("notifications/progress", |params| {
            params.json("progressToken", token.as_bytes());
            json::float(params.key("progress"), progress);
            if let Some(total) = total.filter(|total| total.is_finite()) {
                json::float(params.key("total"), total);
            }
            params.optional("message", message);
        }))
    }

    /// A log notification, if the client wants this level
    /// (https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/logging#log-message-notifications).
    /// `data` that is not JSON becomes a string.
    pub fn log(&self, level: u8, logger: Option<&str>, data: &str) -> Option<Vec<u8>> {
        let name = LogLevel::NAMES.get(usize::from(level))?;
        if self.level.is_none_or(|least| level < least) {
            return None;
        }
        Some(notification("notifications/message", |params| {
            params.string("level", name);
            params.optional("logger", logger);
            let out = params.key("data");
            if json::compact(out, data).is_err() {
                json::string(out, data);
            }
        }))
    }
}

/// A JSON-RPC notification, on one line.
fn notification(method: &str, write_params: impl FnOnce(&mut Object<'_>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(192);
    let mut message = Object::begin(&mut out);
    message.string("jsonrpc", "2.0");
    message.string("method", method);
    let mut params = Object::begin(message.key("params"));
    write_params(&mut params);
    params.end();
    message.end();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(notification: Option<Vec<u8>>) -> Option<String> {
        notification.map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn progress_carries_the_token() {
        let mut notifier = Notifier::new(Some("\"a\\u0062\"".to_owned()), None);
        assert_eq!(
            text(notifier.progress(0.5, Some(2.0), Some("half \"way\"\n"))).unwrap(),
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"a\u0062","progress":0.5,"total":2,"message":"half \"way\"\n"}}"#
        );
        assert_eq!(
            text(notifier.progress(1.0, Some(f64::NAN), None)).unwrap(),
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"a\u0062","progress":1}}"#
        );
    }

    #[test]
    fn progress_that_does_not_grow_is_left_out() {
        let mut notifier = Notifier::new(Some("1".to_owned()), None);
        assert!(notifier.progress(-5.0, None, None).is_some());
        assert!(notifier.progress(0.0, None, None).is_some());
        for stale in [0.0, -0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(notifier.progress(stale, None, None), None, "{stale}");
        }
        assert!(notifier.progress(0.1, None, None).is_some());
    }

    #[test]
    fn nobody_gets_progress_without_a_token() {
        assert_eq!(Notifier::new(None, Some(0)).progress(1.0, None, None), None);
    }

    #[test]
    fn logs_below_the_level_are_left_out() {
        let warning = LogLevel::Warning as u8;
        let notifier = Notifier::new(None, Some(warning));
        for level in 0..=9u8 {
            assert_eq!(
                notifier.log(level, None, "1").is_some(),
                (warning..=7).contains(&level),
                "{level}"
            );
        }
        assert_eq!(
            Notifier::new(Some("1".to_owned()), None).log(7, None, "1"),
            None
        );
    }

    #[test]
    fn log_data_is_json_or_becomes_a_string() {
        let notifier = Notifier::new(None, Some(0));
        assert_eq!(
            text(notifier.log(1, Some("db"), "{\n \"a\": 1\n}")).unwrap(),
            r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","logger":"db","data":{"a":1}}}"#
        );
        for (data, written) in [
            ("no json\n", r#""no json\n""#),
            ("", r#""""#),
            ("{} {}", r#""{} {}""#),
            (" null ", "null"),
        ] {
            let message = text(notifier.log(0, None, data)).unwrap();
            assert!(
                message.ends_with(&format!(r#""data":{written}}}}}"#)),
                "{message}"
            );
        }
    }

    #[test]
    fn levels_have_names() {
        assert_eq!(LogLevel::parse("debug"), Some(LogLevel::Debug));
        assert_eq!(LogLevel::parse("emergency"), Some(LogLevel::Emergency));
        assert_eq!(LogLevel::parse("Info"), None);
        assert_eq!(LogLevel::NAMES[LogLevel::Critical as usize], "critical");
    }
}
