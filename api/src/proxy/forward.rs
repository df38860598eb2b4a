use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderValue, Method, StatusCode, Uri, Version, header};
use axum::response::{IntoResponse, Response};
use hyper::client::conn::http1;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use theazo_providers::{Duplex, SandboxGateway};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::address::{Addressed, PortAddress, PublicUrl, Target};
use super::connections::{Connections, MAX_PER_AGENT, Place};
use super::idle::idle_limited;
use super::{headers, tunnel};
use crate::error::{ApiError, ErrorCode};

/// To reach the port, with the wait for a sandbox that is being provisioned.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);
/// From the request to the head of its answer; with the upload of the request's body.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);
/// Between two parts of a body, or of what crosses a tunnel.
const SILENCE: Duration = Duration::from_secs(600);

/// Carries requests to exposed ports. Cheap to clone.
#[derive(Clone)]
pub struct PortProxy {
    gateway: Arc<dyn SandboxGateway>,
    public: Arc<PublicUrl>,
    connections: Connections,
    /// Each connection into a sandbox, and each tunnel.
    tasks: TaskTracker,
    /// Ends the tunnels, which would outlast a graceful shutdown.
    stop: CancellationToken,
}

impl PortProxy {
    /// `public` is the origin that callers use. Connections are among `tasks`; `stop` closes the
    /// tunnels.
    pub fn new(
        gateway: Arc<dyn SandboxGateway>,
        public: PublicUrl,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        Self { gateway, public: Arc::new(public), connections: Connections::default(), tasks, stop }
    }

    /// Answers a request for a port, before all routing; gives back one for the API.
    pub async fn intercept(&self, request: Request) -> Result<Response, Request> {
        let (parts, body) = request.into_parts();
        let addressed = self.public.find(&parts);
        let request = Request::from_parts(parts, body);
        Ok(match addressed {
            Addressed::Api => return Err(request),
            Addressed::Port(target) => {
                self.forward(target, request).await.unwrap_or_else(IntoResponse::into_response)
            }
            Addressed::Redirect(to) => redirect(&to),
            Addressed::Nothing => ApiError::not_found("exposed port").into_response(),
        })
    }

    async fn forward(&self, target: Target, mut request: Request) -> Result<Response, ApiError> {
        if request.method() == Method::CONNECT {
            let message = "A port is reached with a request, not with CONNECT.";
            return Err(ApiError::new(ErrorCode::MethodNotAllowed, message));
        }
        let protocol = headers::upgrade_of(request.headers());
        let caller = protocol.as_ref().map(|_| hyper::upgrade::on(&mut request));
        let outgoing = self.to_sandbox(&target, request, protocol)?;
        let (mut sender, place) = self.connect(target.address).await?;
        let answered = tokio::time::timeout(ANSWER_TIMEOUT, sender.send_request(outgoing)).await;
        let port = target.address.port;
        let answer = match answered {
            Ok(Ok(answer)) => answer.map(|body| idle_limited(body, SILENCE)),
            Ok(Err(error)) => return Err(no_answer(port, &error)),
            Err(_) => {
                let seconds = ANSWER_TIMEOUT.as_secs();
                return Err(ApiError::new(
                    ErrorCode::Timeout,
                    format!("What listens on port {port} did not answer within {seconds} s."),
                ));
            }
        };
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            return self.switch(&target, caller, answer, place);
        }
        Ok(to_caller(&target, answer))
    }

    /// The request as the sandbox gets it.
    fn to_sandbox(
        &self,
        target: &Target,
        request: Request,
        protocol: Option<HeaderValue>,
    ) -> Result<Request, ApiError> {
        let (mut parts, body) = request.into_parts();
        parts.uri = target
            .path_and_query
            .parse::<Uri>()
            .map_err(|_| ApiError::not_found("path of an exposed port"))?;
        parts.version = Version::HTTP_11;
        let peer = peer_of(&parts.extensions);
        headers::to_sandbox(&mut parts.headers, &target.form, self.public.scheme(), peer);
        if let Some(protocol) = protocol {
            parts.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            parts.headers.insert(header::UPGRADE, protocol);
        }
        let mut outgoing = Request::new(idle_limited(body, SILENCE));
        *outgoing.method_mut() = parts.method;
        *outgoing.uri_mut() = parts.uri;
        *outgoing.headers_mut() = parts.headers;
        Ok(outgoing)
    }

    /// A connection of HTTP/1.1 to the port; it is kept going until its last body ends.
    async fn connect(
        &self,
        PortAddress { agent, port }: PortAddress,
    ) -> Result<(http1::SendRequest<Body>, Arc<Place>), ApiError> {
        let place = self.connections.take(agent).ok_or_else(|| {
            ApiError::new(
                ErrorCode::Unavailable,
                format!("This agent's ports have {MAX_PER_AGENT} open connections; close some."),
            )
            .retry_after(1)
        })?;
        let place = Arc::new(place);
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, self.gateway.connect(agent, port));
        let stream = connecting.await.map_err(|_| {
            let message = format!("Port {port} of this agent could not be reached in time.");
            ApiError::new(ErrorCode::Timeout, message)
        })??;
        let (sender, connection) =
            http1::handshake::<TokioIo<Box<dyn Duplex>>, Body>(TokioIo::new(stream))
                .await
                .map_err(|error| no_answer(port, &error))?;
        let held = place.clone();
        self.tasks.spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%agent, port, %error, "a connection to an exposed port broke");
            }
            drop(held);
        });
        Ok((sender, place))
    }

    /// Both sides change their protocol, and the tunnel begins.
    fn switch(
        &self,
        target: &Target,
        caller: Option<OnUpgrade>,
        mut answer: Response,
        place: Arc<Place>,
    ) -> Result<Response, ApiError> {
        let PortAddress { agent, port } = target.address;
        let (Some(caller), Some(protocol)) = (caller, headers::upgrade_of(answer.headers())) else {
            return Err(ApiError::new(
                ErrorCode::ProviderError,
                format!("What listens on port {port} changed to a protocol that nobody asked for."),
            ));
        };
        let sandbox = hyper::upgrade::on(&mut answer);
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            let carried = match tokio::try_join!(caller, sandbox) {
                Ok((caller, sandbox)) => {
                    let (caller, sandbox) = (TokioIo::new(caller), TokioIo::new(sandbox));
                    tunnel::carry(caller, sandbox, SILENCE, &stop).await.map_err(|e| e.to_string())
                }
                Err(error) => Err(error.to_string()),
            };
            if let Err(error) = carried {
                tracing::debug!(%agent, port, error, "a tunnel to an exposed port broke");
            }
            drop(place);
        });
        let mut answer = to_caller(target, answer);
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        answer.headers_mut().insert(header::UPGRADE, protocol);
        *answer.body_mut() = Body::empty();
        Ok(answer)
    }
}

fn to_caller(target: &Target, mut answer: Response) -> Response {
    // An HTTP/1.0 program's answer goes on as one of this connection.
    *answer.version_mut() = Version::HTTP_11;
    headers::to_caller(answer.headers_mut(), &target.form);
    answer
}

fn peer_of(extensions: &axum::http::Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip())
}

fn no_answer(port: u16, error: &hyper::Error) -> ApiError {
    tracing::debug!(port, %error, "an exposed port did not answer");
    let message = format!("What listens on port {port} did not answer with HTTP.");
    ApiError::new(ErrorCode::ProviderError, message)
}

/// Keeps method and body (308).
fn redirect(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(to) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, to)]).into_response(),
        Err(_) => ApiError::not_found("exposed port").into_response(),
    }
}
