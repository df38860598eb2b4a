//! Running code in an agent's sandbox.

use axum::extract::State;
use axum::http::StatusCode;
use theazo_domain::{AgentId, ExecutionId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;
use crate::authority::Writer;
use crate::error::ApiError;
use crate::extract::{Id, Json};
use crate::wire::exec::{Exec, ExecResult};
use crate::write::Written;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(agent_exec))
}

/// Execute code
///
/// Blocks until the code ends. After 120 seconds it is killed with all it started, and the answer
/// is a 504 `timeout`. With an `Idempotency-Key`, code that has run is not run again.
#[utoipa::path(
    post,
    path = "/v1/agents/{id}/exec",
    tag = "agents",
    params(("id" = String, Path, description = "`agt_…`")),
    request_body = Exec,
    responses(
        (status = 200, description = "How the code ended", body = ExecResult),
        (status = 409, description = "The agent is paused or has ended"),
        (status = 413, description = "The body is too large"),
        (status = 502, description = "The provider failed"),
        (status = 504, description = "The code was killed after 120 seconds"),
    ),
)]
async fn agent_exec(
    State(state): State<AppState>,
    writer: Writer,
    Id(agent): Id<AgentId>,
    Json(body): Json<Exec>,
) -> Result<Written<ExecResult>, ApiError> {
    let lang = body.lang.into();
    let code = body.into_code()?;
    let id = ExecutionId::from_uuid(writer.origin().ids().uuid("execution"));
    let answer = state.gateway.exec(writer.caller.call(), agent, id, lang, code).await?;
    Ok(written(&writer, ExecResult::from(answer)).await)
}

/// The answer of what the host has done and committed by itself. Where that is in the log it does
/// not say; it is there by now, so the log's head is at or after it.
pub(super) async fn written<T>(writer: &Writer, body: T) -> Written<T> {
    match writer.commander.log().head().await {
        Ok(position) => Written::ok(&writer.caller, position, body),
        Err(error) => {
            // It is done all the same: only the position is missing.
            tracing::warn!(%error, "the log's head cannot be read");
            Written { status: StatusCode::OK, position: None, body }
        }
    }
}
