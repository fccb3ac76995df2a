//! Outgoing HTTP requests, which are refused unless the user allowed the host.

use std::{collections::HashSet, fmt, str::FromStr, sync::Mutex, time::Duration};

use http_body_util::BodyExt as _;
use hyper::{
    Request,
    http::uri::{Authority, Scheme},
};
use spin_mcp_contract::grants::allows_origin;
use tokio::time::timeout;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks, default_send_request};

/// A host that guests may send requests to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    host: String,
    /// `None`: the default port of the request's scheme.
    port: Option<u16>,
}

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let usage = "expected `HOST` or `HOST:PORT`, such as `api.example.com` or `localhost:8080`";
        let wrong = || format!("{usage}, got `{text}`");
        let authority: Authority = text.parse().map_err(|_| wrong())?;
        let host = authority.host();
        if text.contains(['@', '*']) || host.is_empty() {
            return Err(wrong());
        }
        let port = match &authority.as_str()[host.len()..] {
            "" => None,
            port => Some(port[1..].parse().map_err(|_| wrong())?),
        };
        Ok(Self {
            host: host.to_ascii_lowercase(),
            port,
        })
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// The destinations that a server's guests may reach.
#[derive(Debug, Default)]
pub(super) struct Outbound {
    allowed: Vec<Destination>,
    /// As in `allowed_outbound_hosts` of `spin.toml`.
    hosts: Vec<String>,
    /// Refused authorities, each of which is reported once.
    refused: Mutex<HashSet<String>>,
}

impl Outbound {
    pub(super) fn new(allowed: Vec<Destination>, hosts: Vec<String>) -> Self {
        Self {
            allowed,
            hosts,
            refused: Mutex::default(),
        }
    }

    fn allows<B>(&self, request: &Request<B>) -> bool {
        let Some(authority) = request.uri().authority() else {
            return false;
        };
        let (scheme, default) = match request.uri().scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => ("http", 80),
            _ => ("https", 443),
        };
        let port = authority.port_u16().unwrap_or(default);
        let host = authority.host().to_ascii_lowercase();
        let origin = format!("{scheme}://{host}:{port}");
        allows_origin(&self.hosts, &origin)
            || self
                .allowed
                .iter()
                .any(|allowed| allowed.host == host && allowed.port.unwrap_or(default) == port)
    }

    /// Tells the user which flag allows the request. The guest only sees that it was denied.
    fn report<B>(&self, request: &Request<B>) {
        let authority = request.uri().authority().map_or("", |a| a.as_str());
        let mut refused = self.refused.lock().unwrap_or_else(|e| e.into_inner());
        // The guest chooses the names, so limit their number.
        if refused.len() < 64 && refused.insert(authority.to_owned()) {
            eprintln!(
                "denied a request of the server to `{authority}`; \
                 to allow it, pass `--allow-host {authority}`"
            );
        }
    }
}

/// The longest time for a guest to send the body of a refused request.
const PATIENCE: Duration = Duration::from_secs(1);

/// Reads the body of a refused request, so that the guest sees the refusal. Most clients send the
/// body before they read the answer, and would report a closed body as a broken connection.
async fn drain(mut body: WasiBody) {
    while let Some(Ok(_)) = body.frame().await {}
}

/// The hooks of one instance into [`Outbound`].
pub(super) struct Hooks(pub(super) std::sync::Arc<Outbound>);

type Sent = (
    hyper::Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        if !self.0.allows(&request) {
            self.0.report(&request);
            return Box::new(async {
                let _ = timeout(PATIENCE, drain(request.into_body())).await;
                Err(Error::HttpRequestDenied)
            });
        }
        Box::new(async move {
            let (response, io) = default_send_request(request, options).await?;
            let io: Box<dyn Future<Output = Result<(), Error>> + Send> = Box::new(io);
            Ok((response.map(|body| body.boxed_unsync()), io))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(allowed: &[&str], uri: &str) -> bool {
        let allowed = allowed.iter().map(|a| a.parse().unwrap()).collect();
        Outbound::new(allowed, Vec::new()).allows(&Request::builder().uri(uri).body(()).unwrap())
    }

    #[test]
    fn hosts_are_compared_completely() {
        assert!(allows(&["api.example.com"], "https://api.example.com/x"));
        assert!(allows(&["API.example.com"], "https://api.Example.com/x"));
        assert!(!allows(&["example.com"], "https://api.example.com/x"));
        assert!(!allows(
            &["api.example.com"],
            "https://api.example.com.evil.net/"
        ));
        assert!(!allows(&[], "https://api.example.com/"));
    }

    #[test]
    fn hosts_of_spin_toml_are_allowed() {
        let allows = |hosts: &[&str], uri: &str| {
            let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
            let request = Request::builder().uri(uri).body(()).unwrap();
            Outbound::new(Vec::new(), hosts).allows(&request)
        };
        for (host, uri, expected) in [
            ("https://a.test", "https://a.test/x", true),
            ("https://a.test", "https://A.test:443/x", true),
            ("https://a.test", "http://a.test/x", false),
            ("https://a.test", "https://a.test:444/x", false),
            ("https://a.test", "https://a.test.evil.net/", false),
            ("https://*.test", "https://a.test/", true),
            ("https://*.test", "https://atest/", false),
            ("http://127.0.0.1:4000", "http://127.0.0.1:4000/jwks", true),
            ("*://a.test:*", "http://a.test:81/", true),
            ("redis://a.test", "https://a.test/", false),
        ] {
            assert_eq!(allows(&[host], uri), expected, "{host} {uri}");
        }
    }

    #[test]
    fn a_port_is_the_default_one_unless_named() {
        assert!(allows(&["a.test"], "http://a.test/"));
        assert!(allows(&["a.test"], "http://a.test:80/"));
        assert!(!allows(&["a.test"], "http://a.test:8080/"));
        assert!(allows(&["a.test:8080"], "http://a.test:8080/"));
        assert!(!allows(&["a.test:8080"], "http://a.test/"));
        assert!(!allows(&["a.test:443"], "http://a.test/"));
        assert!(allows(&["a.test:443"], "https://a.test/"));
        assert!(allows(&["[::1]:9"], "http://[::1]:9/"));
    }

    #[test]
    fn only_a_host_is_a_destination() {
        for text in [
            "",
            "http://a.test",
            "a.test/x",
            "u@a.test",
            "*.a.test",
            "a:",
            "a:99999",
        ] {
            assert!(text.parse::<Destination>().is_err(), "{text}");
        }
        assert_eq!(
            "A.test:1".parse::<Destination>().unwrap().to_string(),
            "a.test:1"
        );
    }
}
