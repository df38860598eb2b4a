//! What is the same for every request: its id, the trace, the metrics, the proxy's turn, the time
//! limit, panics, and the error envelope. One layer by hand, because all of it is on the hot path.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use theazo_domain::RequestId;
use tower::{Layer, Service};
use tracing::Instrument;

use crate::error::{ApiError, ErrorCode, render};
use crate::wire::task::WaitQuery;
use crate::{ApiConfig, AppState, gate};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const JSON: &str = "application/json";
/// What needs a key.
const GUARDED: &str = "/v1/";

/// Routes whose callers wait for a run.
const LONG: [&str; 2] = ["/v1/sessions/{id}/tasks/{taskId}/wait", "/v1/sessions/{id}/run"];
/// How long they may wait, besides what any other request may take.
const LONG_MAX: Duration = Duration::from_millis(WaitQuery::MAX_MS);

/// Until a request of this route must have been answered.
pub(crate) fn time_limit(config: &ApiConfig, route: &str) -> Duration {
    let more = if LONG.contains(&route) { LONG_MAX } else { Duration::ZERO };
    config.request_timeout + more
}

/// The service below: a route's handler.
pub(crate) trait Inner:
    Service<Request, Response = Response, Error = Infallible, Future: Send> + Send + 'static
{
}
impl<S> Inner for S where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Send + 'static
{
}

#[derive(Clone)]
pub(crate) struct EdgeLayer(AppState);

impl EdgeLayer {
    pub fn new(state: AppState) -> Self {
        Self(state)
    }
}

impl<S> Layer<S> for EdgeLayer {
    type Service = Edge<S>;

    fn layer(&self, inner: S) -> Edge<S> {
        Edge { state: self.0.clone(), inner }
    }
}

#[derive(Clone)]
pub(crate) struct Edge<S> {
    state: AppState,
    inner: S,
}

impl<S: Inner + Clone> Service<Request> for Edge<S> {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The one that was polled ready is the one to be called.
        let next = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, next);
        let state = self.state.clone();
        Box::pin(async move { Ok(handle(&state, inner, request).await) })
    }
}

async fn handle<S: Inner>(state: &AppState, inner: S, request: Request) -> Response {
    let began = Instant::now();
    let request_id = new_request_id();
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("none", MatchedPath::as_str);
    let span = tracing::info_span!(
        "request",
        requestId = %request_id,
        %method,
        route,
        org = tracing::field::Empty,
    );
    let (mut response, route) = match state.proxy.intercept(request).instrument(span.clone()).await
    {
        Ok(response) => (response, "port"),
        Err(request) => {
            let answer = answer(state, inner, request, request_id, route);
            (answer.instrument(span.clone()).await, route)
        }
    };
    render(&mut response, request_id);
    if let Ok(value) = HeaderValue::try_from(request_id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let (status, took) = (response.status().as_u16(), began.elapsed());
    state.routes.record(&method, route, status, took);
    span.in_scope(|| log(status, took));
    response
}

async fn answer<S: Inner>(
    state: &AppState,
    inner: S,
    request: Request,
    request_id: RequestId,
    route: &str,
) -> Response {
    let guarded = route.starts_with(GUARDED);
    let mut response = if guarded {
        let limit = time_limit(&state.config, route);
        gate::pass(state, inner, request, request_id, limit).await
    } else {
        run(state.config.request_timeout, inner, request).await
    };
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if guarded {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    response
}

/// An error of the framework's own gets the envelope too.
fn with_envelope(response: Response) -> Response {
    let ours = response.extensions().get::<ApiError>().is_some()
        || response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == JSON);
    if ours {
        return response;
    }
    let code = ErrorCode::ALL.iter().copied().find(|code| code.status() == response.status());
    let message = "The request is not one that this route takes; see /docs.";
    match code {
        Some(code) => ApiError::new(code, message).into_response(),
        None if response.status().is_client_error() => {
            ApiError::new(ErrorCode::UnprocessableEntity, message).into_response()
        }
        None => ApiError::internal(&format_args!("{} without an error", response.status()))
            .into_response(),
    }
}

/// Runs the handler: within its time, and without taking others down with it.
pub(crate) async fn run<S: Inner>(limit: Duration, mut inner: S, request: Request) -> Response {
    let handled = AssertUnwindSafe(async move { inner.call(request).await }).catch_unwind();
    match tokio::time::timeout(limit, handled).await {
        Ok(Ok(Ok(response))) if response.status().as_u16() >= 400 => with_envelope(response),
        Ok(Ok(Ok(response))) => response,
        Ok(Err(panic)) => panicked(&*panic).into_response(),
        Err(_) => ApiError::new(
            ErrorCode::Timeout,
            "The request took longer than it may; it may have taken effect. Look, then repeat it.",
        )
        .into_response(),
    }
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> ApiError {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    ApiError::internal(&format_args!("a handler panicked: {}", text.unwrap_or("no message")))
}

fn log(status: u16, took: Duration) {
    let ms = took.as_secs_f64() * 1_000.0;
    match status {
        500.. => tracing::warn!(status, ms, "answered"),
        // A line for each request costs more than many a request: `debug` asks for them.
        _ => tracing::debug!(status, ms, "answered"),
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the edge where request ids are made")]
fn new_request_id() -> RequestId {
    RequestId::from_uuid(uuid::Uuid::now_v7())
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use tower::service_fn;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(1);

    async fn code_of<F>(handler: impl Fn() -> F + Clone + Send + 'static) -> ErrorCode
    where
        F: Future<Output = Response> + Send + 'static,
    {
        let inner = service_fn(move |_: Request| {
            let answer = handler();
            async move { Ok(answer.await) }
        });
        let response = run(LIMIT, inner, Request::default()).await;
        let error = response.extensions().get::<ApiError>().cloned().unwrap();
        assert_eq!(error.code.status(), response.status());
        error.code
    }

    #[test]
    fn who_waits_for_a_run_has_time_for_it() {
        let config = ApiConfig::new("http://localhost", "/tmp");
        let described = crate::openapi();
        for route in LONG {
            assert!(described.paths.paths.contains_key(route), "{route}");
            assert!(time_limit(&config, route) > LONG_MAX);
        }
        assert_eq!(time_limit(&config, "/v1/sessions"), config.request_timeout);
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_goes_wrong_is_an_error_of_ours() {
        let panics = || async { panic!("at the disco") };
        assert_eq!(code_of(panics).await, ErrorCode::InternalError);
        assert_eq!(code_of(std::future::pending).await, ErrorCode::Timeout);
        let plain = || async { (StatusCode::PAYLOAD_TOO_LARGE, "too big").into_response() };
        assert_eq!(code_of(plain).await, ErrorCode::PayloadTooLarge);
        let bad = || async { (StatusCode::BAD_REQUEST, "bad").into_response() };
        assert_eq!(code_of(bad).await, ErrorCode::UnprocessableEntity);
        let teapot = || async { StatusCode::INSUFFICIENT_STORAGE.into_response() };
        assert_eq!(code_of(teapot).await, ErrorCode::InternalError);
    }
}
