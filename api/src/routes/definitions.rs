//! Agent definitions: the org's own, and those that exist from the start.

use axum::extract::State;
use theazo_commands::definition::built_in;
use theazo_domain::definition::{Definition, DefinitionContent};
use theazo_domain::{DefinitionId, Scope};
use theazo_log::Position;
use theazo_projections::{Page, Row};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;
use crate::authority::{Reader, Writer};
use crate::definitions::unknown;
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::page::{PageBody, PageRequest};
use crate::submit::check_model;
use crate::wire::definition::{
    AgentDefinition, CreateDefinition, ListDefinitions, ListVersions, UpdateDefinition,
};
use crate::write::{Ok as Confirmed, Shown, Written};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(definition_create, definition_list))
        .routes(routes!(definition_view, definition_update, definition_archive))
        .routes(routes!(definition_versions))
}

/// Create an agent definition
///
/// At version 1. An own definition goes before one that exists from the start.
#[utoipa::path(post, path = "/v1/agent-definitions", tag = "agent definitions",
    request_body = CreateDefinition,
    responses((status = 201, description = "The definition", body = AgentDefinition),
        (status = 409, description = "There is one of that name")))]
async fn definition_create(
    State(state): State<AppState>,
    writer: Writer,
    Json(body): Json<CreateDefinition>,
) -> Result<Written<AgentDefinition>, ApiError> {
    let (name, content) = body.into_parts()?;
    check(&state, &content)?;
    let done = writer.commander.create_definition(writer.origin(), name, content).await?;
    let shown = AgentDefinition::new(&done.state, false);
    Ok(Written::created(&writer.caller, done.position, shown))
}

/// List agent definitions
///
/// The org's own, newest first, then those that exist from the start and have no own one of their
/// name.
#[utoipa::path(get, path = "/v1/agent-definitions", tag = "agent definitions",
    params(ListDefinitions),
    responses((status = 200, description = "A page of definitions",
        body = PageBody<AgentDefinition>)))]
async fn definition_list(
    State(state): State<AppState>,
    reader: Reader,
    Query(query): Query<ListDefinitions>,
) -> Result<Shown<PageBody<AgentDefinition>>, ApiError> {
    let scope = reader.scope();
    let archived = query.include_archived.unwrap_or_default();
    let filters = [("includeArchived", archived.then_some("true"))];
    let cursor = query.cursor.as_deref();
    let page = PageRequest::new(&state, scope, "definitions", &filters, query.limit, cursor)?;
    let mut rows = own(&reader, archived, page.rows()).await?;
    let wanted = usize::try_from(page.rows().limit).unwrap_or(usize::MAX);
    if rows.len() < wanted {
        rows.extend(from_the_start(&reader, page.rows().before).await?);
    }
    let shown = page.answer(rows, |row| AgentDefinition::new(&row.value, row.seq <= BUILT_IN_MAX));
    Ok(Shown(shown))
}

/// Places in the list that are kept for definitions that exist from the start; the org's own come
/// before them, which is: at higher places.
const BUILT_IN_MAX: u64 = 1_000;

async fn own(
    reader: &Reader,
    archived: bool,
    page: Page,
) -> Result<Vec<Row<Definition>>, ApiError> {
    let before = match page.before {
        None => None,
        Some(place) if place > BUILT_IN_MAX => Some(place - BUILT_IN_MAX),
        Some(_) => return Ok(Vec::new()),
    };
    let page = Page { before, ..page };
    let rows = reader.models.definitions(reader.scope(), archived, page).await?;
    Ok(rows.into_iter().map(|row| Row { seq: row.seq + BUILT_IN_MAX, ..row }).collect())
}

async fn from_the_start(
    reader: &Reader,
    before: Option<u64>,
) -> Result<Vec<Row<Definition>>, ApiError> {
    let mut rows = Vec::new();
    for (n, definition) in (0..).zip(built_in()) {
        let seq = BUILT_IN_MAX - n;
        let hidden =
            reader.models.definition_by_name(reader.scope(), &definition.name).await?.is_some();
        if !hidden && before.is_none_or(|before| seq < before) {
            rows.push(Row { seq, revision: Position::START, value: definition });
        }
    }
    Ok(rows)
}

/// View an agent definition
///
/// By id, also an archived one, or by name.
#[utoipa::path(get, path = "/v1/agent-definitions/{id}", tag = "agent definitions",
    params(("id" = String, Path, description = "`adef_…`, or a name")),
    responses((status = 200, description = "The definition", body = AgentDefinition)))]
async fn definition_view(
    State(state): State<AppState>,
    reader: Reader,
    Path(reference): Path<String>,
) -> Result<Shown<AgentDefinition>, ApiError> {
    let (definition, built_in) = find(&state, &reader, &reference).await?;
    Ok(Shown(AgentDefinition::new(&definition, built_in)))
}

/// Change an agent definition
///
/// Makes its next version. Agents that exist are not affected.
#[utoipa::path(put, path = "/v1/agent-definitions/{id}", tag = "agent definitions",
    params(("id" = String, Path, description = "`adef_…`, or a name")),
    request_body = UpdateDefinition,
    responses((status = 200, description = "The definition", body = AgentDefinition),
        (status = 409, description = "It is archived, or exists from the start")))]
async fn definition_update(
    State(state): State<AppState>,
    reader: Reader,
    writer: Writer,
    Path(reference): Path<String>,
    Json(body): Json<UpdateDefinition>,
) -> Result<Written<AgentDefinition>, ApiError> {
    let id = find_own(&state, &reader, &reference).await?;
    let content = body.into_content()?;
    check(&state, &content)?;
    let done = writer.commander.update_definition(writer.origin(), id, content).await?;
    Ok(Written::ok(&writer.caller, done.position, AgentDefinition::new(&done.state, false)))
}

/// Archive an agent definition
///
/// No new agents are made of it; those that exist are not affected. Its name is free again.
#[utoipa::path(delete, path = "/v1/agent-definitions/{id}", tag = "agent definitions",
    params(("id" = String, Path, description = "`adef_…`, or a name")),
    responses((status = 200, description = "It is archived", body = Confirmed),
        (status = 409, description = "It exists from the start")))]
async fn definition_archive(
    State(state): State<AppState>,
    reader: Reader,
    writer: Writer,
    Path(reference): Path<String>,
) -> Result<Written<Confirmed>, ApiError> {
    let id = find_own(&state, &reader, &reference).await?;
    let done = writer.commander.archive_definition(writer.origin(), id).await?;
    Ok(Written::ok(&writer.caller, done.position, Confirmed::TRUE))
}

/// List an agent definition's versions
///
/// The definition as each of them has it, newest first.
#[utoipa::path(get, path = "/v1/agent-definitions/{id}/versions", tag = "agent definitions",
    params(("id" = String, Path, description = "`adef_…`, or a name"), ListVersions),
    responses((status = 200, description = "A page of versions",
        body = PageBody<AgentDefinition>)))]
async fn definition_versions(
    State(state): State<AppState>,
    reader: Reader,
    Path(reference): Path<String>,
    Query(query): Query<ListVersions>,
) -> Result<Shown<PageBody<AgentDefinition>>, ApiError> {
    let scope = reader.scope();
    let filters = [("definition", Some(reference.as_str()))];
    let cursor = query.cursor.as_deref();
    let page = PageRequest::new(&state, scope, "versions", &filters, query.limit, cursor)?;
    let (definition, built_in) = find(&state, &reader, &reference).await?;
    let asked = page.rows();
    let newest_first = definition.versions.iter().rev();
    let rows = newest_first
        .map(|version| Row {
            seq: u64::from(version.version),
            revision: Position::START,
            value: &**version,
        })
        .filter(|row| asked.before.is_none_or(|before| row.seq < before));
    let shown = |row: Row<_>| AgentDefinition::at(&definition, built_in, row.value);
    Ok(Shown(page.answer(rows.collect(), shown)))
}

/// Its names must be right now; whether its secrets are set is looked at when a task is submitted.
fn check(state: &AppState, content: &DefinitionContent) -> Result<(), ApiError> {
    check_model(state, content.model.as_ref())
}

/// The definition that `reference` names, and whether it exists from the start.
async fn find(
    state: &AppState,
    reader: &Reader,
    reference: &str,
) -> Result<(Definition, bool), ApiError> {
    let scope: Scope = reader.scope();
    let id = reference.parse::<DefinitionId>().ok();
    let own = match id {
        Some(id) => reader.models.definition(scope, id).await?,
        None => reader.models.definition_by_name(scope, reference).await?,
    };
    if let Some(row) = own {
        return Ok((row.value, false));
    }
    match built_in().find(|d| id.map_or(d.name == reference, |id| d.id == id)) {
        Some(definition) => Ok((definition, true)),
        None => Err(unknown(state, scope, reference).await?),
    }
}

async fn find_own(
    state: &AppState,
    reader: &Reader,
    reference: &str,
) -> Result<DefinitionId, ApiError> {
    match find(state, reader, reference).await? {
        (definition, false) => Ok(definition.id),
        (definition, true) => Err(ApiError::conflict(format!(
            "`{name}` exists from the start and stays as it is; create a definition of your own \
             named `{name}`, which goes before it.",
            name = definition.name,
        ))),
    }
}
