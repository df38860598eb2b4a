//! The compute providers that an org has configured.

use axum::extract::State;
use theazo_domain::providers::{ProviderKind, Providers};
use theazo_domain::{Mode, Scope};
use theazo_projections::Row;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;
use crate::authority::{Reader, Writer};
use crate::error::ApiError;
use crate::extract::{Empty, Id, Json, Query};
use crate::page::{PageBody, PageRequest};
use crate::wire::provider::{ConfigureProvider, ListProviders, Provider, ProviderCheck};
use crate::write::{Ok as OkBody, Shown, Written};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(provider_configure, provider_list))
        .routes(routes!(provider_remove))
        .routes(routes!(provider_check))
}

/// Configure a provider
///
/// Configuring one again replaces its credentials.
#[utoipa::path(post, path = "/v1/providers", tag = "providers",
    request_body = ConfigureProvider,
    responses((status = 201, description = "The provider", body = Provider)))]
async fn provider_configure(
    writer: Writer,
    State(state): State<AppState>,
    Json(body): Json<ConfigureProvider>,
) -> Result<Written<Provider>, ApiError> {
    let provider = body.provider;
    let available = available(&state, writer.scope());
    if !available.contains(&provider) {
        let names: Vec<_> = available.iter().map(|kind| format!("`{kind}`")).collect();
        let message = format!("`{provider}` is not available here; choose {}", names.join(" or "));
        return Err(ApiError::invalid("provider", message));
    }
    let (origin, credentials) = (writer.origin(), body.credentials.bytes());
    let done =
        writer.commander.configure_provider(origin, provider, credentials, body.is_default).await?;
    let shown = show(&state, &done.state).into_iter().find(|(kind, _)| *kind == provider);
    let (_, shown) = shown.ok_or_else(|| ApiError::not_found("provider"))?;
    Ok(Written::created(&writer.caller, done.position, shown))
}

/// List providers
///
/// Those that are configured, newest first.
#[utoipa::path(get, path = "/v1/providers", tag = "providers", params(ListProviders),
    responses((status = 200, description = "A page of providers", body = PageBody<Provider>)))]
async fn provider_list(
    State(state): State<AppState>,
    reader: Reader,
    Query(query): Query<ListProviders>,
) -> Result<Shown<PageBody<Provider>>, ApiError> {
    let (limit, cursor) = (query.limit, query.cursor.as_deref());
    let page = PageRequest::new(&state, reader.scope(), "providers", &[], limit, cursor)?;
    let row = reader.models.providers(reader.scope()).await?;
    let Some(Row { value, revision, .. }) = row else {
        return Ok(Shown(page.answer(Vec::<Row<Provider>>::new(), |row| row.value)));
    };
    // One row holds them all: a provider's place in the list is its kind, which never changes.
    let mut rows: Vec<_> = show(&state, &value)
        .into_iter()
        .map(|(kind, value)| Row { seq: place(kind), revision, value })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.seq));
    let asked = page.rows();
    rows.retain(|row| asked.before.is_none_or(|before| row.seq < before));
    Ok(Shown(page.answer(rows, |row| row.value)))
}

/// Remove a provider
///
/// Fails while agents that have not ended run on it.
#[utoipa::path(delete, path = "/v1/providers/{provider}", tag = "providers",
    params(("provider" = String, Path, description = "`local`, `e2b`, …")),
    responses((status = 200, description = "It is removed", body = OkBody),
        (status = 409, description = "It has active agents")))]
async fn provider_remove(
    writer: Writer,
    reader: Reader,
    Id(provider): Id<ProviderKind>,
) -> Result<Written<OkBody>, ApiError> {
    let active = reader.models.live_agents_on(reader.scope(), provider).await?;
    let done = writer.commander.remove_provider(writer.origin(), provider, active).await?;
    Ok(Written::ok(&writer.caller, done.position, OkBody::TRUE))
}

/// Check a provider
///
/// Looks now whether it takes work; one that does not is a `200` with `healthy: false`.
#[utoipa::path(post, path = "/v1/providers/{provider}/check", tag = "providers",
    params(("provider" = String, Path, description = "`local`, `e2b`, …")),
    responses((status = 200, description = "What was found", body = ProviderCheck)))]
async fn provider_check(
    reader: Reader,
    State(state): State<AppState>,
    Id(provider): Id<ProviderKind>,
    Json(Empty {}): Json<Empty>,
) -> Result<Shown<ProviderCheck>, ApiError> {
    if !available(&state, reader.scope()).contains(&provider) {
        return Err(ApiError::not_found("provider"));
    }
    let health = state.health.check(provider).await;
    let health = health.ok_or_else(|| ApiError::not_found("provider"))?;
    Ok(Shown(ProviderCheck::new(provider, health)))
}

/// What agents of `scope` can run on: those of test keys only on the mock.
fn available(state: &AppState, scope: Scope) -> Vec<ProviderKind> {
    match scope.mode {
        Mode::Live => state.available.clone(),
        Mode::Test => {
            let mut kinds = state.available.clone();
            if !kinds.contains(&ProviderKind::Mock) {
                kinds.push(ProviderKind::Mock);
            }
            kinds
        }
    }
}

fn show(state: &AppState, providers: &Providers) -> Vec<(ProviderKind, Provider)> {
    let shown = providers.configured.iter().map(|(kind, configured)| {
        let is_default = providers.default == Some(*kind);
        let healthy = state.health.last(*kind).is_none_or(|health| health.healthy);
        (*kind, Provider::new(*kind, is_default, healthy, configured.created_at))
    });
    shown.collect()
}

const fn place(kind: ProviderKind) -> u64 {
    kind as u64 + 1
}
