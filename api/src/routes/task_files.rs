//! What a task left behind: the files it made, and who was told of its end.

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use theazo_commands::TaskPart;
use theazo_domain::task::TaskAgent;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::tasks::{find, find_row};
use crate::AppState;
use crate::authority::{Reader, Writer};
use crate::error::{ApiError, ErrorCode};
use crate::extract::{Query, TaskPath};
use crate::page::{PageBody, PageRequest};
use crate::task_view::View;
use crate::wire::delivery::{Delivery, ListDeliveries};
use crate::wire::file::{FileQuery, RawBytes};
use crate::write::Shown;

const OCTET_STREAM: HeaderValue = HeaderValue::from_static("application/octet-stream");
/// What an agent wrote is never taken for a page of this origin.
const NO_SNIFF: (HeaderName, HeaderValue) =
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(task_artifact)).routes(routes!(task_deliveries))
}

/// Read a task's artifact
///
/// A file that was kept because its agent went with the task. Those of an agent that is still there
/// are among its files.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}/tasks/{taskId}/artifacts",
    tag = "tasks",
    params(
        ("id" = String, Path, description = "`ses_…`"),
        ("taskId" = String, Path, description = "`task_…`"),
        FileQuery,
    ),
    responses(
        (status = 200, description = "The file", body = RawBytes,
            content_type = "application/octet-stream"),
    ),
)]
async fn task_artifact(
    reader: Reader,
    writer: Writer,
    path: TaskPath,
    Query(query): Query<FileQuery>,
) -> Result<Response, ApiError> {
    let file = query.into_path()?;
    let (task, _) = find(&reader, &writer, path).await?;
    let found = (0u32..).zip(&task.artifacts).find(|(_, artifact)| artifact.path == file);
    let Some((index, artifact)) = found else {
        let message = "This task has no such artifact; its `artifacts` lists those it has.";
        return Err(ApiError::new(ErrorCode::NotFound, message));
    };
    let Some(content) = &artifact.content else {
        return Err(not_kept(&task.agent));
    };
    let part = TaskPart::Artifact { index };
    let data = writer.commander.open_task(reader.scope(), task.id, part, content).await?;
    Ok(([(header::CONTENT_TYPE, OCTET_STREAM), NO_SNIFF], data.to_vec()).into_response())
}

fn not_kept(agent: &TaskAgent) -> ApiError {
    let id = agent.id();
    let message = match agent {
        TaskAgent::Existing { .. } => format!(
            "This artifact is in the agent's workspace; read it with GET /v1/agents/{id}/files."
        ),
        TaskAgent::Own { .. } => {
            "This artifact was too large to be kept when its agent went.".to_owned()
        }
    };
    ApiError::new(ErrorCode::NotFound, message)
}

/// List a task's webhook deliveries
///
/// With how often each was tried, and what came of the last try.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}/tasks/{taskId}/deliveries",
    tag = "tasks",
    params(
        ("id" = String, Path, description = "`ses_…`"),
        ("taskId" = String, Path, description = "`task_…`"),
        ListDeliveries,
    ),
    responses((status = 200, description = "A page of deliveries", body = PageBody<Delivery>)),
)]
async fn task_deliveries(
    State(state): State<AppState>,
    reader: Reader,
    writer: Writer,
    path: TaskPath,
    Query(query): Query<ListDeliveries>,
) -> Result<Shown<PageBody<Delivery>>, ApiError> {
    let scope = reader.scope();
    let task_text = path.task.to_string();
    let filters = [("taskId", Some(task_text.as_str()))];
    let cursor = query.cursor.as_deref();
    let page = PageRequest::new(&state, scope, "deliveries", &filters, query.limit, cursor)?;
    let task = find_row(&reader, path).await?.value;
    let view = View { commander: &writer.commander, scope };
    let url = view.text(&task, TaskPart::Webhook, &task.webhook).await?.unwrap_or_default();
    let rows = reader.models.deliveries_of_task(scope, path.task, page.rows()).await?;
    Ok(Shown(page.answer(rows, |row| Delivery::new(row.value, url.clone()))))
}
