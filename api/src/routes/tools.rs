//! The tools that agents can be given.

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;
use crate::authority::Caller;
use crate::error::ApiError;
use crate::extract::Path;
use crate::page::PageBody;
use crate::wire::tool::Tool;
use crate::write::Shown;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(tool_list)).routes(routes!(tool_view))
}

/// List tools
///
/// All of them at once.
#[utoipa::path(get, path = "/v1/tools", tag = "tools",
    responses((status = 200, description = "The tools", body = PageBody<Tool>)))]
async fn tool_list(State(state): State<AppState>, _: Caller) -> Shown<PageBody<Tool>> {
    let data = state.tools.iter().map(Tool::from).collect();
    Shown(PageBody { data, next_cursor: None, has_more: false })
}

/// View a tool
#[utoipa::path(get, path = "/v1/tools/{name}", tag = "tools",
    params(("name" = String, Path, description = "`write_file`, …")),
    responses((status = 200, description = "The tool", body = Tool)))]
async fn tool_view(
    State(state): State<AppState>,
    _: Caller,
    Path(name): Path<String>,
) -> Result<Shown<Tool>, ApiError> {
    let tool = state.tools.iter().find(|tool| tool.name == name);
    tool.map(|tool| Shown(Tool::from(tool))).ok_or_else(|| ApiError::not_found("tool"))
}
