//! The page that a browser on this machine gets at `/`: what the server offers, what it was
//! asked, and how clients connect to it.

use std::{
    borrow::Cow,
    collections::VecDeque,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, Response,
    body::Bytes,
    header::{ACCEPT, CONTENT_TYPE},
};
use serde_json::{Value, json};
use tokio::sync::watch;
use wasmtime_wasi_http::WasiBody;

use super::{
    Runner,
    exchange::{Exchange, Observer},
    http::{authority, is_loopback},
};

/// Requests that the page shows.
const KEPT: usize = 200;

/// Nothing from elsewhere, and no HTML that scripts make.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src data:; media-src data:; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

const HEADERS: [(&str, &str); 6] = [
    ("cache-control", "no-store"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("vary", "accept"),
    ("x-content-type-options", "nosniff"),
];

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! files {
    ($($name:literal)*) => {
        &[$((concat!("/.mcp/", $name), include_str!(concat!("page/", $name)))),*]
    };
}
const FILES: &[(&str, &str)] = files! {
    "page.css" "page.js" "app.js" "content.js" "dom.js" "form.js" "input.js" "mcp.js" "template.js"
};

/// The page of a series of servers.
pub struct Page {
    /// How clients connect, as JSON.
    clients: Bytes,
    /// When the page began, which tells it from that of an earlier process.
    start: u64,
    server: Mutex<(watch::Receiver<Runner>, usize)>,
    asked: Mutex<Asked>,
}

/// The last requests.
#[derive(Default)]
struct Asked {
    /// All requests so far.
    number: usize,
    last: VecDeque<Value>,
}

impl Page {
    pub(super) fn new(server: watch::Receiver<Runner>, clients: &Value) -> Self {
        Self {
            clients: clients.to_string().into(),
            start: now(),
            server: Mutex::new((server, 0)),
            asked: Mutex::default(),
        }
    }

    /// Passes on what it sees to another observer.
    pub(super) fn observer(self: Arc<Self>, next: Option<Observer>) -> Observer {
        Arc::new(move |exchange| {
            self.record(&exchange);
            next.iter().for_each(|next| next(exchange.clone()));
        })
    }

    fn record(&self, exchange: &Exchange) {
        let mut asked = self.asked.lock().unwrap_or_else(|e| e.into_inner());
        asked.number += 1;
        asked.last.truncate(KEPT - 1);
        let request = json!({
            "number": asked.number,
            "time": now(),
            "method": exchange.method,
            "name": exchange.name,
            "status": exchange.status,
            "error": exchange.error,
            "ms": exchange.duration.as_secs_f64() * 1000.0,
        });
        asked.last.push_front(request);
    }

    /// The answer to a request of a browser on this machine for the page, or of the page. A
    /// request that names another host may come from a page that DNS rebinding helps.
    pub(super) fn answer<B>(
        &self,
        request: &Request<B>,
        local: IpAddr,
    ) -> Option<Response<WasiBody>> {
        let host = authority(request.headers(), request.uri()).ok()?;
        let reads = [Method::GET, Method::HEAD].contains(request.method());
        if !reads || !local.is_loopback() || !is_loopback(host.host(), local) {
            return None;
        }
        let mut policy = Cow::Borrowed(POLICY);
        let (kind, body) = match request.uri().path() {
            "/" if wants_html(request) => (HTML, include_str!("page/index.html").into()),
            "/.mcp/app" => {
                policy = frame_policy(request.uri().query().unwrap_or_default()).into();
                (HTML, FRAME.into())
            }
            "/.mcp/clients" => ("application/json", self.clients.clone()),
            "/.mcp/requests" => ("application/json", self.news(request.uri().query())),
            path => {
                let (name, text) = FILES.iter().find(|(name, _)| *name == path)?;
                let is_style = name.ends_with(".css");
                (
                    if is_style {
                        "text/css; charset=utf-8"
                    } else {
                        SCRIPT
                    },
                    (*text).into(),
                )
            }
        };
        let response = Response::builder().header(CONTENT_TYPE, kind);
        let mut response = response.header("content-security-policy", &*policy);
        for (name, value) in HEADERS {
            response = response.header(name, value);
        }
        let body = Full::new(body).map_err(|never| match never {});
        response.body(body.boxed_unsync()).ok()
    }

    /// Which server runs, and the requests after the one that `query` names.
    fn news(&self, query: Option<&str>) -> Bytes {
        let after = query.and_then(|query| query.strip_prefix("after=")?.parse().ok());
        let number = {
            let mut server = self.server.lock().unwrap_or_else(|e| e.into_inner());
            if server.0.has_changed().unwrap_or_default() {
                server.0.mark_unchanged();
                server.1 += 1;
            }
            server.1
        };
        let asked = self.asked.lock().unwrap_or_else(|e| e.into_inner());
        let new = asked.number.saturating_sub(after.unwrap_or(0));
        // A page that knows more requests than there were is one of an earlier process.
        let new = if new == 0 && after > Some(asked.number) {
            KEPT
        } else {
            new
        };
        let requests: Vec<_> = asked.last.iter().take(new).rev().collect();
        let server = format!("{}.{number}", self.start);
        let news = json!({ "server": server, "last": asked.number, "requests": requests });
        news.to_string().into()
    }
}

/// The document of a frame for the page of an MCP App: it becomes what the page around it sends.
const FRAME: &str = "<!doctype html><script>addEventListener('message', ({ source, data }) => {
  if (source !== parent || data.method !== 'ui/notifications/sandbox-resource-ready') return;
  document.open();
  document.write(data.params.html);
  document.close();
});
parent.postMessage({ jsonrpc: '2.0', method: 'ui/notifications/sandbox-proxy-ready', params: {} }, '*');
</script>";

/// What such a frame may do: it has an origin of its own, and reaches only the sources in `query`, such
/// as `connect=https://example.com`.
fn frame_policy(query: &str) -> String {
    let is_source = |source: &&str| {
        let known = ["http://", "https://", "ws://", "wss://"];
        known.iter().any(|scheme| source.starts_with(scheme))
            && source
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".*:/[]_~-".contains(&byte))
    };
    let sources = |kind: &str, none: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let found = pairs
            .filter(|(name, _)| *name == kind)
            .map(|(_, source)| source);
        match found.filter(is_source).collect::<Vec<_>>().join(" ") {
            found if found.is_empty() => none.to_owned(),
            found => found,
        }
    };
    let resources = sources("resource", "");
    format!(
        "sandbox allow-scripts allow-forms; default-src 'none'; script-src 'unsafe-inline' {resources}; \
         style-src 'unsafe-inline' {resources}; img-src data: blob: {resources}; font-src data: {resources}; \
         media-src data: blob: {resources}; connect-src {}; frame-src {}; base-uri {}; form-action 'none'; \
         frame-ancestors 'self'",
        sources("connect", "'none'"),
        sources("frame", "'none'"),
        sources("base", "'none'"),
    )
}

/// What a browser gets at `/`. A server that has something there itself comes first.
pub(super) fn first(own: Response<WasiBody>, page: Response<WasiBody>) -> Response<WasiBody> {
    let has_own = own.status().is_success() || own.status().is_redirection();
    if has_own { own } else { page }
}

/// Whether the client asks for HTML by name.
fn wants_html<B>(request: &Request<B>) -> bool {
    let accepted = request.headers().get_all(ACCEPT).iter();
    accepted
        .filter_map(|value| value.to_str().ok())
        .any(|value| {
            let mut kinds = value.split(',').filter_map(|kind| kind.split(';').next());
            kinds.any(|kind| kind.trim().eq_ignore_ascii_case("text/html"))
        })
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::exchange::Exchange;

    fn page() -> Page {
        let (_, server) = watch::channel(crate::tests::runner("", crate::RunOptions::default()));
        Page::new(server, &json!([{"title": "A"}]))
    }

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const BROWSER: &str = "application/xml;q=0.9, Text/HTML;q=0.8, */*;q=0.1";

    fn status(method: &str, path: &str, host: &str, accept: &str, local: IpAddr) -> Option<u16> {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("host", host).header("accept", accept);
        let response = page().answer(&request.body(()).unwrap(), local);
        response.map(|response| response.status().as_u16())
    }

    #[test]
    fn browsers_on_this_machine_get_the_page() {
        let ipv6 = "::1".parse().unwrap();
        for (method, path, host, accept, local, shown) in [
            ("GET", "/", "localhost:3000", BROWSER, HERE, true),
            ("HEAD", "/", "127.0.0.1:3000", BROWSER, HERE, true),
            ("GET", "/", "[::1]:3000", "text/html", ipv6, true),
            ("GET", "/?a", "localhost", "text/html", HERE, true),
            ("GET", "/.mcp/page.js", "localhost", "*/*", HERE, true),
            ("GET", "/.mcp/clients", "localhost", "*/*", HERE, true),
            // Other clients, methods and paths are the server's.
            ("GET", "/", "localhost", "text/event-stream", HERE, false),
            ("GET", "/", "localhost", "*/*", HERE, false),
            ("GET", "/", "localhost", "text/htmlx", HERE, false),
            ("POST", "/", "localhost", BROWSER, HERE, false),
            ("POST", "/.mcp/requests", "localhost", "*/*", HERE, false),
            ("GET", "/mcp", "localhost", BROWSER, HERE, false),
            ("GET", "/.mcp/", "localhost", BROWSER, HERE, false),
            ("GET", "/.mcp/page.rs", "localhost", BROWSER, HERE, false),
            // DNS rebinding, and other machines.
            ("GET", "/", "evil.example:3000", BROWSER, HERE, false),
            ("GET", "/.mcp/requests", "evil.example", "*/*", HERE, false),
            ("GET", "/", "127.0.0.1.nip.io", BROWSER, HERE, false),
            ("GET", "/", "", BROWSER, HERE, false),
            (
                "GET",
                "/",
                "localhost",
                BROWSER,
                [10, 0, 0, 1].into(),
                false,
            ),
            ("GET", "/", "10.0.0.1", BROWSER, [10, 0, 0, 1].into(), false),
        ] {
            let found = status(method, path, host, accept, local);
            let expected = shown.then_some(200);
            assert_eq!(found, expected, "{method} {path} {host} {accept} {local}");
        }
    }

    #[test]
    fn every_answer_is_strict() {
        let page = page();
        for path in ["/", "/.mcp/requests", "/.mcp/page.css", "/.mcp/form.js"] {
            let request = Request::get(path).header("host", "localhost");
            let request = request.header("accept", "text/html").body(()).unwrap();
            let headers = page.answer(&request, HERE).unwrap().into_parts().0.headers;
            let policy = headers["content-security-policy"].to_str().unwrap();
            for part in [
                "default-src 'none'",
                "script-src 'self';",
                "frame-ancestors 'none'",
            ] {
                assert!(policy.contains(part), "{path}: {policy}");
            }
            assert!(!policy.contains("unsafe"), "{path}: {policy}");
            assert_eq!(headers["x-content-type-options"], "nosniff");
            assert_eq!(headers["cache-control"], "no-store");
            assert!(!headers.contains_key("access-control-allow-origin"));
        }
    }

    #[test]
    fn the_frame_of_an_app_reaches_what_it_declares() {
        let policy = |path: &str| {
            let request = Request::get(path).header("host", "localhost").body(());
            let response = page().answer(&request.unwrap(), HERE).unwrap();
            let policy = response.headers()["content-security-policy"].to_str();
            policy.unwrap().to_owned()
        };
        let nothing = policy("/.mcp/app");
        for part in [
            "sandbox allow-scripts allow-forms;",
            "default-src 'none'",
            "connect-src 'none'",
            "'self'",
        ] {
            assert!(nothing.contains(part), "{nothing}");
        }
        let declared = policy(
            "/.mcp/app?connect=https://a.example&connect=wss://*.b.example:1&resource=https://c.example/d",
        );
        assert!(
            declared.contains("connect-src https://a.example wss://*.b.example:1;"),
            "{declared}"
        );
        assert!(
            declared.contains("script-src 'unsafe-inline' https://c.example/d;"),
            "{declared}"
        );
        for bad in [
            "*",
            "https:",
            "'self'",
            "https://a;script-src",
            "https://a,b",
            "data:",
            "https://a%20b",
        ] {
            assert_eq!(
                policy(&format!("/.mcp/app?connect={bad}&frame={bad}&base={bad}")),
                nothing,
                "{bad}"
            );
        }
    }

    #[test]
    fn the_page_is_whole_and_small() {
        let html = include_str!("page/index.html");
        let all = FILES.iter().map(|(_, text)| text.len()).sum::<usize>() + html.len();
        assert!(all <= 72 * 1024, "the page has {all} bytes");
        for (name, text) in FILES {
            let imports = text.split(" from './").skip(1);
            for import in imports.filter_map(|rest| rest.split('\'').next()) {
                let path = format!("/.mcp/{import}");
                assert!(
                    FILES.iter().any(|(name, _)| *name == path),
                    "{name}: {import}"
                );
            }
            assert!(
                !text.contains("innerHTML") && !text.contains("localStorage"),
                "{name}"
            );
        }
    }

    #[test]
    fn a_server_with_something_at_the_root_comes_first() {
        let with = |status: u16| {
            let body = Full::new(Bytes::new()).map_err(|never| match never {});
            let response = Response::builder().status(status);
            response.body(body.boxed_unsync()).unwrap()
        };
        for (own, shown) in [
            (200, 200),
            (204, 204),
            (302, 302),
            (400, 201),
            (401, 201),
            (404, 201),
        ] {
            assert_eq!(first(with(own), with(201)).status(), shown);
        }
    }

    fn exchange(method: &str) -> Exchange {
        Exchange {
            method: method.into(),
            name: Some("<b>".into()),
            status: 200,
            error: None,
            duration: Duration::from_micros(1500),
        }
    }

    fn news(page: &Page, query: &str) -> (Value, Vec<u64>) {
        let news: Value = serde_json::from_slice(&page.news(Some(query))).unwrap();
        let all = news["requests"].as_array().unwrap().iter();
        let numbers = all.map(|one| one["number"].as_u64().unwrap()).collect();
        (news, numbers)
    }

    #[test]
    fn requests_are_told_once_and_the_oldest_go() {
        let page = page();
        assert_eq!(news(&page, "after=0").1, [0; 0]);
        for number in 0..3 {
            page.record(&exchange(&number.to_string()));
        }
        let (all, numbers) = news(&page, "after=1");
        assert_eq!(numbers, [2, 3]);
        assert_eq!(all["last"], 3);
        assert_eq!(all["requests"][1]["method"], "2");
        assert_eq!(all["requests"][1]["name"], "<b>");
        assert_eq!(all["requests"][1]["ms"], 1.5);
        assert_eq!(news(&page, "after=3").1, [0; 0]);
        // A page of an earlier process knows more.
        assert_eq!(news(&page, "after=9").1, [1, 2, 3]);
        for _ in 0..2 * KEPT {
            page.record(&exchange("a"));
        }
        let (_, numbers) = news(&page, "");
        assert_eq!((numbers.len(), numbers[0]), (KEPT, KEPT as u64 + 4));
    }

    #[test]
    fn another_observer_sees_requests_too() {
        let seen = Arc::new(Mutex::new(0));
        let (page, count) = (Arc::new(page()), seen.clone());
        let observer = page
            .clone()
            .observer(Some(Arc::new(move |_| *count.lock().unwrap() += 1)));
        observer(exchange("a"));
        assert_eq!((*seen.lock().unwrap(), news(&page, "").1.len()), (1, 1));
    }

    #[test]
    fn a_new_server_has_another_number() {
        let runner = crate::tests::runner("", crate::RunOptions::default());
        let (servers, server) = watch::channel(runner.clone());
        let page = Page::new(server, &json!([]));
        let number = || news(&page, "").0["server"].to_string();
        let before = number();
        assert_eq!(number(), before);
        servers.send_replace(runner);
        assert_ne!(number(), before);
    }
}
