//! Files of an agent, as raw bytes.

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use theazo_commands::Origin;
use theazo_domain::{AgentId, FileOperationId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::exec::written;
use crate::AppState;
use crate::authority::{Caller, Writer};
use crate::error::ApiError;
use crate::extract::{Id, Query, RawBody};
use crate::page::PageBody;
use crate::wire::file::{DirectoryQuery, FileEntry, FileQuery, RawBytes, WrittenFile};
use crate::write::{Ok as Confirmed, Shown, Written};

const OCTET_STREAM: HeaderValue = HeaderValue::from_static("application/octet-stream");
/// What an agent wrote is never taken for a page of this origin.
const NO_SNIFF: (HeaderName, HeaderValue) =
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(file_read, file_write, file_delete))
        .routes(routes!(file_list))
}

/// Read a file
///
/// At most 32 MiB.
#[utoipa::path(
    get,
    path = "/v1/agents/{id}/files",
    tag = "files",
    params(("id" = String, Path, description = "`agt_…`"), FileQuery),
    responses(
        (status = 200, description = "The file", body = RawBytes,
            content_type = "application/octet-stream"),
        (status = 409, description = "The agent is paused or has ended"),
        (status = 413, description = "It is larger than 32 MiB"),
        (status = 502, description = "The provider failed"),
    ),
)]
async fn file_read(
    State(state): State<AppState>,
    caller: Caller,
    Id(agent): Id<AgentId>,
    Query(query): Query<FileQuery>,
) -> Result<Response, ApiError> {
    let data = state.gateway.read_file(caller.call(), agent, query.into_path()?).await?;
    Ok(([(header::CONTENT_TYPE, OCTET_STREAM), NO_SNIFF], data).into_response())
}

/// Write a file
///
/// The body is the whole file, as it is, at most 32 MiB. Missing directories are made; a file
/// that is there is replaced.
#[utoipa::path(
    put,
    path = "/v1/agents/{id}/files",
    tag = "files",
    params(("id" = String, Path, description = "`agt_…`"), FileQuery),
    request_body(content = RawBytes, content_type = "application/octet-stream"),
    responses(
        (status = 200, description = "The file is written", body = WrittenFile),
        (status = 409, description = "The agent is paused or has ended, or its disk is full"),
        (status = 413, description = "It is larger than 32 MiB"),
        (status = 502, description = "The provider failed"),
    ),
)]
async fn file_write(
    State(state): State<AppState>,
    writer: Writer,
    Id(agent): Id<AgentId>,
    Query(query): Query<FileQuery>,
    RawBody(data): RawBody,
) -> Result<Written<WrittenFile>, ApiError> {
    let path = query.into_path()?;
    let file = WrittenFile { path: path.clone(), size: data.len() as u64 };
    let id = new_id(writer.origin());
    state.gateway.write_file(writer.caller.call(), agent, id, path, data).await?;
    Ok(written(&writer, file).await)
}

/// Delete a file, or a directory with all that is in it
#[utoipa::path(
    delete,
    path = "/v1/agents/{id}/files",
    tag = "files",
    params(("id" = String, Path, description = "`agt_…`"), FileQuery),
    responses(
        (status = 200, description = "It is deleted", body = Confirmed),
        (status = 409, description = "The agent is paused or has ended"),
        (status = 502, description = "The provider failed"),
    ),
)]
async fn file_delete(
    State(state): State<AppState>,
    writer: Writer,
    Id(agent): Id<AgentId>,
    Query(query): Query<FileQuery>,
) -> Result<Written<Confirmed>, ApiError> {
    let path = query.into_path()?;
    let id = new_id(writer.origin());
    state.gateway.delete_file(writer.caller.call(), agent, id, path).await?;
    Ok(written(&writer, Confirmed::TRUE).await)
}

/// List a directory
///
/// All of its entries at once, by name.
#[utoipa::path(
    get,
    path = "/v1/agents/{id}/files/list",
    tag = "files",
    params(("id" = String, Path, description = "`agt_…`"), DirectoryQuery),
    responses(
        (status = 200, description = "The entries", body = PageBody<FileEntry>),
        (status = 409, description = "The agent is paused or has ended"),
        (status = 502, description = "The provider failed"),
    ),
)]
async fn file_list(
    State(state): State<AppState>,
    caller: Caller,
    Id(agent): Id<AgentId>,
    Query(query): Query<DirectoryQuery>,
) -> Result<Shown<PageBody<FileEntry>>, ApiError> {
    let entries = state.gateway.list_files(caller.call(), agent, query.into_path()?).await?;
    let data = entries.into_iter().map(FileEntry::from).collect();
    Ok(Shown(PageBody { data, next_cursor: None, has_more: false }))
}

fn new_id(origin: &Origin) -> FileOperationId {
    FileOperationId::from_uuid(origin.ids().uuid("file operation"))
}
