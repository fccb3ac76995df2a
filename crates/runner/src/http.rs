//! The HTTP server: connections, checks before a guest sees a request, and shutdown.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, StatusCode, Uri,
    body::{Body, Bytes, Frame, Incoming},
    header::{HOST, HeaderMap, HeaderValue},
    http::uri::{Authority, PathAndQuery, Scheme},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use spin_mcp_protocol::http::is_host;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout, timeout_at},
};
use wasmtime_wasi_http::WasiBody;

use super::{
    Runner,
    answer::{Answer, INVALID, RequestId, refuse},
    exchange::{Observer, Sight},
    fate::Fate,
    page::{self, Page},
};

/// The path of the MCP endpoint.
pub const PATH: &str = "/mcp";

/// Bytes of a body that are read before an instance gets the request. The guest refuses a longer
/// body, so the rest is left for it to read or not.
const READ_AHEAD: usize = 4 << 20;

/// Connections that the system queues until they are accepted, up to a limit of its own.
const BACKLOG: u32 = 4096;

/// How long before the end of an idle connection clients should leave it.
const MARGIN: Duration = Duration::from_secs(5);

/// Listens with a queue for thousands of simultaneous connections.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // On Unix this only allows a restart. On Windows it would let two servers share a port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The newest of a series of servers, which have their address in common.
#[derive(Clone)]
pub struct Newest {
    server: watch::Receiver<Runner>,
    observer: Option<Observer>,
    page: Option<Arc<Page>>,
}

impl Newest {
    /// A request goes to what `server` holds when it arrives. Requests in progress end where they
    /// began. `observer` sees each request after its end.
    pub fn new(server: watch::Receiver<Runner>, observer: Option<Observer>) -> Self {
        Self {
            server,
            observer,
            page: None,
        }
    }

    /// Shows browsers on this machine a page at `/`. `clients` is how clients connect.
    pub fn with_page(mut self, clients: &serde_json::Value) -> Self {
        let page = Arc::new(Page::new(self.server.clone(), clients));
        self.observer = Some(page.clone().observer(self.observer));
        self.page = Some(page);
        self
    }

    fn server(&self) -> Runner {
        self.server.borrow().clone()
    }

    /// Serves until `shutdown` resolves. Requests in progress then have
    /// [`RunOptions::shutdown_grace`](super::RunOptions) to end.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        let local = listener.local_addr()?.ip();
        let (stop, stopped) = watch::channel(());
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                () = &mut shutdown => break,
                accepted = listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
            };
            match accepted {
                Ok((stream, _)) => {
                    let server = self.clone();
                    connections.spawn(server.connection(stream, local, stopped.clone()));
                }
                Err(error) => {
                    // With too many open files, for example, wait until connections close.
                    eprintln!("error: cannot accept a connection: {error}");
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop((listener, stop));
        let _ = timeout(self.server().times.shutdown_grace, async {
            while connections.join_next().await.is_some() {}
        })
        .await;
        Ok(())
    }

    async fn connection(self, stream: TcpStream, local: IpAddr, mut stopped: watch::Receiver<()>) {
        // Send events as soon as they are written.
        let _ = stream.set_nodelay(true);
        let head_timeout = self.server().times.head_timeout;
        // A client that uses the connection again a moment too late gets no answer.
        let idle = head_timeout.saturating_sub(MARGIN).as_secs();
        let idle = HeaderValue::try_from(format!("timeout={idle}")).ok();
        let service = service_fn(|request| async {
            let mut response = self.respond(request, local).await;
            let headers = response.headers_mut();
            idle.iter()
                .for_each(|idle| drop(headers.insert("keep-alive", idle.clone())));
            Ok::<_, Infallible>(response)
        });
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(head_timeout)
                .serve_connection(TokioIo::new(stream), service)
        );
        // A broken connection is not an error of the server.
        tokio::select! {
            _ = connection.as_mut() => {}
            _ = stopped.changed() => {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        }
    }

    async fn respond(&self, request: Request<Incoming>, local: IpAddr) -> Response<WasiBody> {
        let page = self.page.as_ref();
        if let Some(shown) = page.and_then(|page| page.answer(&request, local)) {
            if request.uri().path() != "/" {
                return shown;
            }
            let own = self.server();
            let own = own.route(request, local, &mut Sight::default()).await;
            return page::first(own, shown);
        }
        let mut sight = Sight::new(&self.observer, &request);
        let response = self.server().route(request, local, &mut sight).await;
        sight.follow(response)
    }
}

impl Runner {
    /// Serves as [`Newest`] does, without successors.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        let newest = Newest::new(watch::channel(self.clone()).1, None);
        newest.serve(listener, shutdown).await
    }

    async fn route(
        &self,
        request: Request<Incoming>,
        local: IpAddr,
        sight: &mut Sight,
    ) -> Response<WasiBody> {
        let authority = match authority(request.headers(), request.uri()) {
            Ok(authority) => authority,
            Err(message) => {
                return refuse(
                    StatusCode::BAD_REQUEST,
                    &RequestId::default(),
                    INVALID,
                    message,
                );
            }
        };
        let is_allowed =
            |allowed: &String| is_host(authority.as_str().as_bytes(), allowed.as_bytes());
        if local.is_loopback()
            && !is_loopback(authority.host(), local)
            && !self.allowed_hosts.iter().any(is_allowed)
        {
            let message = format!(
                "the host `{authority}` is not this machine; add it to `allowed_hosts` below \
                 `[component.ID.tool.mcp.server]` in spin.toml, and compose again"
            );
            return refuse(
                StatusCode::FORBIDDEN,
                &RequestId::default(),
                INVALID,
                &message,
            );
        }
        self.answer(request, authority, sight).await
    }

    /// Sends the server one request without a connection.
    pub async fn request(&self, request: Request<Bytes>) -> Response<WasiBody> {
        let local = Authority::from_static("localhost");
        let request = request.map(Full::new);
        self.answer(request, local, &mut Sight::default()).await
    }

    async fn answer<B>(
        &self,
        request: Request<B>,
        authority: Authority,
        sight: &mut Sight,
    ) -> Response<WasiBody>
    where
        B: Body<Data = Bytes, Error: Into<wasmtime_wasi_http::Error>> + Send + Unpin + 'static,
    {
        let fate = Fate::new(self.times.timeout);
        let (mut parts, body) = request.into_parts();
        let (start, rest) = match timeout_at(fate.deadline(), read_ahead(body)).await {
            Ok(Ok(read)) => read,
            Ok(Err(_)) => {
                let message = "the request body ended early";
                return refuse(
                    StatusCode::BAD_REQUEST,
                    &RequestId::default(),
                    INVALID,
                    message,
                );
            }
            Err(_) => {
                let message = format!(
                    "the request body took longer than {} s",
                    fate.timeout.as_secs()
                );
                return refuse(
                    StatusCode::REQUEST_TIMEOUT,
                    &RequestId::default(),
                    INVALID,
                    &message,
                );
            }
        };
        sight.read(&start);
        let mut uri = std::mem::take(&mut parts.uri).into_parts();
        uri.scheme = Some(Scheme::HTTP);
        uri.authority = Some(authority);
        uri.path_and_query
            .get_or_insert(PathAndQuery::from_static(PATH));
        parts.uri = Uri::from_parts(uri).expect("all three parts are set");

        let body = Replay {
            start: Some(start.clone()),
            rest,
        };
        let request = Request::from_parts(parts, body.map_err(Into::into).boxed_unsync());
        match self.pool.handle(request, &fate).await {
            Ok((response, reading)) => Answer::wrap(response, fate, start, reading),
            Err(failure) => failure.response(&fate, &RequestId::of(&start)),
        }
    }
}

/// The start of a body, and the rest of it if it is longer than [`READ_AHEAD`].
async fn read_ahead<B: Body<Data = Bytes> + Unpin>(
    mut body: B,
) -> Result<(Bytes, Option<B>), B::Error> {
    let mut start = Bytes::new();
    if body.size_hint().lower() > READ_AHEAD as u64 {
        return Ok((start, Some(body)));
    }
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        start = match start.is_empty() {
            true => data,
            false => {
                let mut joined = Vec::from(start);
                joined.extend_from_slice(&data);
                joined.into()
            }
        };
        if start.len() > READ_AHEAD {
            return Ok((start, Some(body)));
        }
    }
    Ok((start, None))
}

/// A body whose start was already read.
struct Replay<B> {
    start: Option<Bytes>,
    rest: Option<B>,
}

impl<B: Body<Data = Bytes> + Unpin> Body for Replay<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if let Some(start) = self.start.take().filter(|start| !start.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(start))));
        }
        match &mut self.rest {
            Some(rest) => Pin::new(rest).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.start.as_ref().is_none_or(Bytes::is_empty)
            && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }
}

/// The host that the request names.
pub(super) fn authority(headers: &HeaderMap, uri: &Uri) -> Result<Authority, &'static str> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (hosts.next(), uri.authority()) {
        (Some(host), Some(authority)) if !is_same(host, authority) => {
            return Err("the `Host` header and the target name different hosts");
        }
        (Some(host), _) => Authority::try_from(host.as_bytes()).ok(),
        (None, Some(authority)) => Some(authority.clone()),
        (None, None) => return Err("the request has no `Host` header"),
    };
    match host {
        _ if hosts.next().is_some() => Err("the request has more than one `Host` header"),
        Some(host) if !host.as_str().contains('@') => Ok(host),
        _ => Err("the `Host` header is not a host"),
    }
}

fn is_same(host: &HeaderValue, authority: &Authority) -> bool {
    host.as_bytes()
        .eq_ignore_ascii_case(authority.as_str().as_bytes())
}

/// Whether a host is a loopback name of this machine. A browser that DNS rebinding tricks into
/// sending requests here names another host.
pub(super) fn is_loopback(host: &str, local: IpAddr) -> bool {
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || ["127.0.0.1", "[::1]"].contains(&host)
        || address.parse() == Ok(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        let local = IpAddr::from([127, 0, 0, 1]);
        for host in ["localhost", "LocalHost", "127.0.0.1", "[::1]"] {
            assert!(is_loopback(host, local), "{host}");
        }
        for host in [
            "localhost.evil.com",
            "evil.com",
            "127.0.0.1.nip.io",
            "127.0.0.2",
            "0.0.0.0",
            "::1",
            "localhost.",
            "",
        ] {
            assert!(!is_loopback(host, local), "{host}");
        }
        assert!(is_loopback("127.0.0.2", IpAddr::from([127, 0, 0, 2])));
    }

    fn host_of(hosts: &[&str], uri: &str) -> Result<String, &'static str> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_str(host).unwrap());
        }
        authority(&headers, &uri.parse().unwrap()).map(|authority| authority.to_string())
    }

    #[test]
    fn a_request_names_one_host() {
        assert_eq!(host_of(&["a:1"], "/mcp").unwrap(), "a:1");
        assert_eq!(host_of(&[], "http://b/mcp").unwrap(), "b");
        assert_eq!(host_of(&["B"], "http://b/mcp").unwrap(), "B");
        assert!(
            host_of(&["localhost"], "http://b/mcp")
                .unwrap_err()
                .contains("different")
        );
        assert!(host_of(&[], "/mcp").unwrap_err().contains("no `Host`"));
        assert!(
            host_of(&["a", "a"], "/mcp")
                .unwrap_err()
                .contains("more than one")
        );
        for bad in ["", "a b", "u@a", "a/b"] {
            assert!(
                host_of(&[bad], "/mcp").unwrap_err().contains("not a host"),
                "{bad}"
            );
        }
    }

    #[tokio::test]
    async fn a_long_body_is_passed_on_completely() {
        for length in [0, 1, READ_AHEAD, READ_AHEAD + 1] {
            let body = Full::new(Bytes::from(vec![7; length]));
            let (start, rest) = read_ahead(body).await.unwrap();
            assert_eq!(rest.is_some(), length > READ_AHEAD);
            let replay = Replay {
                start: Some(start),
                rest,
            };
            assert_eq!(replay.collect().await.unwrap().to_bytes().len(), length);
        }
    }
}
