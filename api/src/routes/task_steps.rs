//! The durable history of a task's run.

use axum::extract::State;
use theazo_log::Position;
use theazo_projections::Row;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::tasks::find;
use crate::AppState;
use crate::authority::{Reader, Writer};
use crate::error::ApiError;
use crate::extract::{Query, TaskPath};
use crate::page::{PageBody, PageRequest};
use crate::step_view;
use crate::task_view::View;
use crate::wire::step::{ListSteps, Step};
use crate::write::Shown;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(task_steps))
}

/// List a task's steps
///
/// Every model call and every tool call of its run, in the order in which they were begun. What is
/// here survives any crash and is never done again.
#[utoipa::path(
    get,
    path = "/v1/sessions/{id}/tasks/{taskId}/steps",
    tag = "tasks",
    params(
        ("id" = String, Path, description = "`ses_…`"),
        ("taskId" = String, Path, description = "`task_…`"),
        ListSteps,
    ),
    responses((status = 200, description = "A page of steps", body = PageBody<Step>)),
)]
async fn task_steps(
    State(state): State<AppState>,
    reader: Reader,
    writer: Writer,
    path: TaskPath,
    Query(query): Query<ListSteps>,
) -> Result<Shown<PageBody<Step>>, ApiError> {
    let scope = reader.scope();
    let task_text = path.task.to_string();
    let filters = [("taskId", Some(task_text.as_str()))];
    let cursor = query.cursor.as_deref();
    let page = PageRequest::new(&state, scope, "steps", &filters, query.limit, cursor)?;
    let (task, _) = find(&reader, &writer, path).await?;
    // Oldest first: the cursor is the last step that was shown.
    let asked = page.rows();
    let limit = usize::try_from(asked.limit).unwrap_or(usize::MAX);
    let after = |number: u32| asked.before.is_none_or(|shown| u64::from(number) > shown);
    let steps = task.steps.iter().filter(|step| after(step.number)).take(limit);
    let rows = steps.map(|step| Row {
        seq: u64::from(step.number),
        revision: Position::START,
        value: step.clone(),
    });
    let page = page.answer(rows.collect(), |row| row.value);
    let view = View { commander: &writer.commander, scope };
    let mut data = Vec::with_capacity(page.data.len());
    for step in &page.data {
        data.push(step_view::open(&view, &task, step).await?);
    }
    Ok(Shown(PageBody { data, next_cursor: page.next_cursor, has_more: page.has_more }))
}
