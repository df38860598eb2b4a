//! What the description of the API says beside what each route says about itself: who may call,
//! how errors look, and the headers that every route of a kind has.

use axum::http::{Method, StatusCode};
use serde_json::json;
use utoipa::OpenApi as _;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Components, Content, ContentBuilder, OpenApi, Ref, RefOr, Required, ResponseBuilder,
};

use crate::error::ErrorCode;
use crate::wire::error::ErrorEnvelope;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Theazo",
        description = "The control plane between companies that build AI agents and the compute \
                       that runs them.\n\nAuthenticate with `Authorization: Bearer th_live_…` or \
                       `th_test_…`. Test keys run the same pipeline without compute."
    ),
    components(schemas(ErrorEnvelope)),
    security(("apiKey" = [])),
    tags(
        (name = "sessions", description = "One per user of yours: isolation, limits, bill."),
        (name = "agents", description = "Sandboxes, and what runs in them."),
        (name = "tasks", description = "Runs of agents, from their submission to their end."),
        (name = "agent definitions", description = "Reusable, versioned configurations."),
        (name = "models", description = "Who agents think with, and what that costs."),
        (name = "tools", description = "What agents can do."),
        (name = "files", description = "An agent's `/workspace`."),
        (name = "ports", description = "What an agent serves, on a public URL."),
        (name = "snapshots", description = "An agent's files as they were."),
        (name = "providers", description = "Where agents run."),
        (name = "secrets", description = "Credentials that agents use and nobody sees."),
        (name = "settings", description = "What holds where nothing more specific is said."),
        (name = "api keys", description = "Who may call."),
        (name = "billing", description = "What your users' agents used, and what it costs."),
        (name = "audit", description = "What happened, what was, and proof of it."),
        (name = "service", description = "For those who run it."),
    )
)]
struct Base;

/// What routes are added to.
pub(crate) fn base() -> OpenApi {
    let mut spec = Base::openapi();
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("th_live_… or th_test_…")
        .build();
    let components = spec.components.get_or_insert_with(Components::new);
    components.add_security_scheme("apiKey", SecurityScheme::Http(scheme));
    spec
}

/// Adds what is the same for every route of a kind.
pub(crate) fn complete(mut spec: OpenApi) -> OpenApi {
    drop_empty_bodies(&mut spec);
    for (path, item) in &mut spec.paths.paths {
        let guarded = path.starts_with("/v1/");
        for (method, operation) in operations(item) {
            if guarded {
                add_headers(operation, method);
                add_errors(operation);
            }
            describe_errors(operation);
        }
    }
    spec
}

/// A route that takes no body refuses one with fields; that is no body to describe.
fn drop_empty_bodies(spec: &mut OpenApi) {
    for (_, operation) in spec.paths.paths.values_mut().flat_map(operations) {
        let is_empty = |body: &RequestBody| {
            let mut contents = body.content.values().filter_map(|content| match content {
                RefOr::T(content) => content.schema.as_ref(),
                RefOr::Ref(_) => None,
            });
            contents
                .any(|schema| matches!(schema, RefOr::Ref(r) if r.ref_location.ends_with("/Empty")))
        };
        if matches!(&operation.request_body, Some(RefOr::T(body)) if is_empty(body)) {
            operation.request_body = None;
        }
    }
    if let Some(components) = &mut spec.components {
        components.schemas.remove("Empty");
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let PathItem { get, put, post, patch, delete, .. } = item;
    let all = [
        (Method::GET, get),
        (Method::PUT, put),
        (Method::POST, post),
        (Method::PATCH, patch),
        (Method::DELETE, delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn add_headers(operation: &mut Operation, method: Method) {
    let (name, description) = match method {
        Method::POST => (
            "Idempotency-Key",
            "The same key and request get the first answer again, for 24 hours.",
        ),
        Method::GET => {
            ("X-Theazo-Min-Position", "Wait until the `X-Theazo-Position` of a write can be read.")
        }
        _ => return,
    };
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build();
    operation.parameters.get_or_insert_default().push(parameter.into());
}

/// The errors that the route's own description need not repeat.
fn add_errors(operation: &mut Operation) {
    let mut codes = vec![
        ErrorCode::Unauthorized,
        ErrorCode::UnprocessableEntity,
        ErrorCode::RateLimited,
        ErrorCode::InternalError,
        ErrorCode::Unavailable,
    ];
    let parameters = operation.parameters.iter().flatten();
    if parameters.into_iter().any(in_path) {
        codes.push(ErrorCode::NotFound);
    }
    if operation.request_body.is_some() {
        codes.extend([
            ErrorCode::Conflict,
            ErrorCode::PayloadTooLarge,
            ErrorCode::UnsupportedMediaType,
        ]);
    }
    for code in codes {
        let status = code.status().as_str().to_owned();
        let response = ResponseBuilder::new().description(format!("`{}`", code.as_str())).build();
        operation.responses.responses.entry(status).or_insert(response.into());
    }
}

fn in_path(parameter: &RefOr<utoipa::openapi::path::Parameter>) -> bool {
    matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Path)
}

/// Every error has the envelope.
fn describe_errors(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        let Some(code) = code_of(status) else { continue };
        if response.content.is_empty() {
            response.content.insert("application/json".to_owned(), RefOr::T(envelope(code)));
        }
    }
}

fn code_of(status: &str) -> Option<ErrorCode> {
    let status = StatusCode::from_bytes(status.as_bytes()).ok()?;
    ErrorCode::ALL.iter().copied().find(|code| code.status() == status)
}

fn envelope(code: ErrorCode) -> Content {
    let example = json!({ "error": {
        "code": code.as_str(),
        "message": "What is wrong, and what to do about it.",
        "requestId": "req_01KAMQ7W7DXK8Q9S8XJ0V3T5RB",
    } });
    ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("ErrorEnvelope")))
        .example(Some(example))
        .build()
}
