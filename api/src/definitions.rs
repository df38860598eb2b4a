//! Agent definitions by what callers call them.

use theazo_commands::FoundDefinition;
use theazo_commands::definition::built_in;
use theazo_domain::Scope;
use theazo_projections::Page;

use crate::AppState;
use crate::authority::Caller;
use crate::error::{ApiError, ErrorCode};

/// How many of an org's own definitions an error names, besides those that are always there.
const NAMED_MAX: u32 = 17;

/// The definition that `reference`, an id or a name, stands for.
///
/// # Errors
/// 404 that lists those there are.
pub(crate) async fn find(
    state: &AppState,
    caller: &Caller,
    reference: &str,
) -> Result<FoundDefinition, ApiError> {
    match state.commander.find_definition(caller.scope, reference).await? {
        Some(found) => Ok(found),
        None => {
            caller.catch_up(&state.reads).await;
            Err(unknown(state, caller.scope, reference).await?)
        }
    }
}

/// The answer for a definition that is not there.
pub(crate) async fn unknown(
    state: &AppState,
    scope: Scope,
    reference: &str,
) -> Result<ApiError, ApiError> {
    let own = state.reads.definitions(scope, false, Page::first(NAMED_MAX + 1)).await?;
    let more = if own.len() > NAMED_MAX as usize { " and more" } else { "" };
    let mut names: Vec<String> =
        own.into_iter().take(NAMED_MAX as usize).map(|row| row.value.name).collect();
    for definition in built_in() {
        if !names.contains(&definition.name) {
            names.push(definition.name);
        }
    }
    let shown: String = reference.chars().take(200).collect();
    let message = format!(
        "There is no agent definition `{shown}`; there are `{}`{more}.",
        names.join("`, `"),
    );
    Ok(ApiError::new(ErrorCode::NotFound, message))
}
