//! An HTTP client without opinions: no redirects, no retries, no proxies, one TLS.

use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::{Request, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client as Pool, Error as PoolError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};

use super::guard::{Guard, GuardedResolver, Refused};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Vendors close idle connections after a minute or more; we do it first.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    pool: Pool<HttpsConnector<HttpConnector<GuardedResolver>>, Full<Bytes>>,
    guard: Guard,
}

/// Why there is no (whole) answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetError {
    /// The guard did not let it out: the same URL will be refused again.
    #[error("{0}")]
    Refused(String),
    /// The connection could not be made: nothing was sent.
    #[error("the connection could not be made: {0}")]
    Connect(String),
    /// The connection broke: the request may have been read.
    #[error("the connection broke: {0}")]
    Broken(String),
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    #[error("TLS could not be set up: {0}")]
    Tls(String),
}

/// An answer whose body has yet to be read.
#[derive(Debug)]
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    body: Incoming,
}

impl Client {
    pub fn new(guard: Guard) -> Result<Self, NetError> {
        let mut tcp = HttpConnector::new_with_resolver(GuardedResolver(guard));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tcp.set_keepalive(Some(Duration::from_secs(30)));
        let https = HttpsConnectorBuilder::new().with_tls_config(tls()?).https_or_http();
        let pool = Pool::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_timer(TokioTimer::new())
            .build(https.enable_http1().wrap_connector(tcp));
        Ok(Self { pool, guard })
    }

    /// Sends a request and waits for the head of the answer, however long that takes.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response, NetError> {
        // Literal addresses never reach the resolver.
        let host = request.uri().host().unwrap_or_default();
        self.guard.check_host(host).map_err(NetError::Refused)?;
        let response = self.pool.request(request.map(Full::new)).await.map_err(|e| classify(&e))?;
        let (head, body) = response.into_parts();
        Ok(Response { status: head.status, headers: head.headers, body })
    }
}

impl Response {
    /// The next piece of the body; `None` is its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, NetError> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|e| NetError::Broken(chain(&e)))?;
            // Trailers say nothing that we want to know.
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// The whole body, if it is not longer than `limit`.
    pub async fn bytes(mut self, limit: usize) -> Result<Bytes, NetError> {
        let mut all = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if all.len() + chunk.len() > limit {
                return Err(NetError::TooLarge(limit));
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all.into())
    }
}

fn classify(error: &PoolError) -> NetError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(Refused(why)) = error.downcast_ref::<Refused>() {
            return NetError::Refused(why.clone());
        }
        cause = error.source();
    }
    if error.is_connect() {
        NetError::Connect(chain(error))
    } else {
        NetError::Broken(chain(error))
    }
}

/// An error with its causes, outermost first.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

/// The system's root certificates (or those of `SSL_CERT_FILE`), read once.
fn tls() -> Result<ClientConfig, NetError> {
    static CONFIG: OnceLock<Result<ClientConfig, String>> = OnceLock::new();
    CONFIG.get_or_init(read_tls).clone().map_err(NetError::Tls)
}

fn read_tls() -> Result<ClientConfig, String> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a root certificate cannot be read");
    }
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        tracing::warn!(
            "this machine has no root certificates, so no https:// call can succeed: install \
             ca-certificates, or name a file of them in SSL_CERT_FILE"
        );
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
