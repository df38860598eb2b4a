//! What a request of `/v1` passes before its handler: the key, the rate limit, and, when it has an
//! `Idempotency-Key`, whether it was answered before.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use theazo_commands::{Origin, Seed};
use theazo_domain::{Actor, RequestId};
use tracing::{Instrument, Span};

use crate::AppState;
use crate::authority::Caller;
use crate::edge::{Inner, run};
use crate::error::{ApiError, ErrorCode, render};
use crate::extract::read_body;
use crate::idempotency::{Begun, Keyed};
use crate::keys::KnownKey;
use crate::rate::Standing;

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
/// Characters of an idempotency key.
const MAX_KEY_LEN: usize = 255;
/// How long a repeat waits for the first request with its key.
const REPEAT_PATIENCE: Duration = Duration::from_secs(10);

/// Lets the request through to its handler, or answers it; the handler has `limit`.
pub(crate) async fn pass<S: Inner>(
    state: &AppState,
    inner: S,
    request: Request,
    request_id: RequestId,
    limit: Duration,
) -> Response {
    let key = match authenticate(state, request.headers()).await {
        Ok(key) => key,
        Err(error) => return error.into_response(),
    };
    Span::current().record("org", tracing::field::display(key.scope.org));
    let standing = state.rate.take(key.id, key.plan.requests_per_minute()).await;
    let mut response = if standing.allowed {
        let caller = caller(&key, request_id);
        let answered = admitted(state, inner, request, caller, limit).await;
        answered.unwrap_or_else(IntoResponse::into_response)
    } else {
        too_many(standing).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(LIMIT, HeaderValue::from(standing.limit));
    headers.insert(REMAINING, HeaderValue::from(standing.remaining));
    headers.insert(RESET, HeaderValue::from(standing.reset));
    response
}

async fn authenticate(state: &AppState, headers: &HeaderMap) -> Result<Arc<KnownKey>, ApiError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Err(ApiError::unauthorized(
            "No API key was sent: send it as `Authorization: Bearer th_live_…`.",
        ));
    };
    let token = value.to_str().ok().and_then(bearer).ok_or_else(|| {
        ApiError::unauthorized("The Authorization header must be `Bearer` and an API key.")
    })?;
    if !token.starts_with("th_live_") && !token.starts_with("th_test_") {
        return Err(ApiError::unauthorized("API keys begin with `th_live_` or `th_test_`."));
    }
    state.keys.find(token).await?.ok_or_else(|| {
        ApiError::unauthorized("This API key is not valid: it is mistyped, or was revoked.")
    })
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn caller(key: &KnownKey, request_id: RequestId) -> Caller {
    Caller {
        scope: key.scope,
        key_id: key.id,
        plan: key.plan,
        request_id,
        origin: Origin {
            scope: key.scope,
            actor: Actor::Key(key.id),
            request_id: Some(request_id),
            seed: None,
            cause: None,
        },
        written: key.written.clone(),
    }
}

fn too_many(standing: Standing) -> ApiError {
    let seconds = standing.reset;
    let message = format!("Too many requests. Retry after {seconds} seconds.");
    ApiError::new(ErrorCode::RateLimited, message).retry_after(seconds)
}

async fn admitted<S: Inner>(
    state: &AppState,
    inner: S,
    mut request: Request,
    caller: Caller,
    limit: Duration,
) -> Result<Response, ApiError> {
    if request.method() == Method::POST
        && let Some(value) = request.headers().get(IDEMPOTENCY_KEY)
    {
        let key = idempotency_key(value)?;
        // Boxed: requests without a key need not carry the room for it.
        return Box::pin(once(state, inner, request, caller, &key, limit)).await;
    }
    request.extensions_mut().insert(caller);
    Ok(run(limit, inner, request).await)
}

fn idempotency_key(value: &HeaderValue) -> Result<String, ApiError> {
    let key = value.to_str().ok().filter(|key| (1..=MAX_KEY_LEN).contains(&key.len()));
    key.map(str::to_owned).ok_or_else(|| {
        ApiError::invalid(
            "Idempotency-Key",
            format!("must be 1 to {MAX_KEY_LEN} printable ASCII characters"),
        )
    })
}

/// Runs the request if no other had its key; to its end, also when the caller goes away.
async fn once<S: Inner>(
    state: &AppState,
    inner: S,
    request: Request,
    mut caller: Caller,
    key: &str,
    limit: Duration,
) -> Result<Response, ApiError> {
    let (mut parts, body) = request.into_parts();
    let body = read_body(state, body, state.config.json_limit).await?;
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let keyed = Keyed::new(caller.scope, key, parts.method.as_str(), target, &body);
    // A repeat of a request that waits long waits with it.
    let patience = if limit > state.config.request_timeout { limit } else { REPEAT_PATIENCE };
    let place = match state.idempotency.begin(&keyed, patience).await? {
        Begun::Again(response) => return Ok(response),
        Begun::First(place) => place,
    };
    let seed = Seed::of_key(caller.scope, key).child(&keyed.request_name());
    let request_id = caller.request_id;
    caller.origin = caller.origin.seeded(seed);
    parts.extensions.insert(caller);
    let request = Request::from_parts(parts, Body::from(body));
    let running = {
        let state = state.clone();
        async move {
            let mut response = run(limit, inner, request).await;
            // The envelope is part of what is answered again.
            render(&mut response, request_id);
            let response = state.idempotency.finish(&keyed, response).await;
            drop(place);
            response
        }
    };
    let running = state.tasks.spawn(running.instrument(Span::current()));
    running.await.map_err(|error| ApiError::internal(&error))
}
