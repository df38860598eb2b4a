//! The HTTP client of S3: ours, because the one that comes with `object_store` brings a second TLS.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{HeaderValue, USER_AGENT};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use hyper_util::client::legacy::{Client as Pool, Error as PoolError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody,
    HttpResponse, HttpResponseBody, HttpService,
};
use object_store::{ClientConfigKey, ClientOptions};
use rustls::{ClientConfig, RootCertStore};
use tokio::time::{Instant, Sleep};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// Until the head of an answer has come: a part is on its way no longer.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// Until the next piece of a body has come.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// The metadata service of a cloud's machines answers at once, or is not there.
const METADATA: &str = "169.254.169.254";
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let allow_http = options.get_config_value(&ClientConfigKey::AllowHttp);
        let tls = tls()
            .map_err(|error| object_store::Error::Generic { store: "S3", source: error.into() })?;
        let mut tcp = Tcp::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let https = HttpsConnectorBuilder::new().with_tls_config(tls);
        let https = if allow_http.is_some_and(|allowed| allowed == "true") {
            https.https_or_http()
        } else {
            https.https_only()
        };
        let pool = Pool::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_timer(TokioTimer::new())
            .build(https.enable_http1().wrap_connector(tcp));
        Ok(HttpClient::new(Client(pool)))
    }
}

#[derive(Debug)]
struct Client(Pool<HttpsConnector<Tcp>, HttpRequestBody>);

#[async_trait]
impl HttpService for Client {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let agent = HeaderValue::from_static(concat!("theazo/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().entry(USER_AGENT).or_insert(agent);
        let metadata = request.uri().host() == Some(METADATA);
        let limit = if metadata { METADATA_TIMEOUT } else { HEAD_TIMEOUT };
        let answer = tokio::time::timeout(limit, self.0.request(request)).await;
        let answer = answer.map_err(|late| HttpError::new(HttpErrorKind::Timeout, late))?;
        let (head, body) = answer.map_err(classify)?.into_parts();
        Ok(HttpResponse::from_parts(head, HttpResponseBody::new(Prompt::new(body))))
    }
}

/// What may be repeated is decided by who asks; this says how far it came.
fn classify(error: PoolError) -> HttpError {
    let kind = if error.is_connect() { HttpErrorKind::Connect } else { HttpErrorKind::Interrupted };
    HttpError::new(kind, error)
}

/// A body that must keep coming.
struct Prompt {
    body: Incoming,
    late: Pin<Box<Sleep>>,
    /// Whether the body is waited for, and not its reader.
    waited_for: bool,
}

impl Prompt {
    fn new(body: Incoming) -> Self {
        Self { body, late: Box::pin(tokio::time::sleep(BODY_TIMEOUT)), waited_for: true }
    }
}

impl Body for Prompt {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.waited_for = false;
            let broken = |error| HttpError::new(HttpErrorKind::Interrupted, error);
            return Poll::Ready(frame.map(|frame| frame.map_err(broken)));
        }
        if !self.waited_for {
            self.waited_for = true;
            self.late.as_mut().reset(Instant::now() + BODY_TIMEOUT);
        }
        ready!(self.late.as_mut().poll(cx));
        let late = std::io::Error::from(std::io::ErrorKind::TimedOut);
        Poll::Ready(Some(Err(HttpError::new(HttpErrorKind::Timeout, late))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The system's root certificates (or those of `SSL_CERT_FILE`), read once.
fn tls() -> Result<ClientConfig, String> {
    static CONFIG: OnceLock<Result<ClientConfig, String>> = OnceLock::new();
    CONFIG.get_or_init(read_tls).clone()
}

fn read_tls() -> Result<ClientConfig, String> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a root certificate cannot be read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
