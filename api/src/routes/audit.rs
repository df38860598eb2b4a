//! What happened, what was, and that nobody changed the record of it.

mod verify;

use std::sync::atomic::{AtomicI64, Ordering};

use axum::extract::State;
use serde_json::value::RawValue;
use theazo_commands::Commander;
use theazo_domain::{
    Aggregate, Kind, StreamId, Timestamp, agent, api_key, definition, delivery, execution, export,
    file_operation, model_prices, org, providers, secret, session, settings, snapshot, task,
};
use theazo_log::Position;
use theazo_projections::audit::redacted;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;
use crate::authority::{Reader, Writer};
use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::page::{PageBody, PageRequest};
use crate::wire::audit::{AsOf, Event, ListEvents, StateAsOf};
use crate::wire::common::When;
use crate::write::Shown;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(audit_events))
        .routes(routes!(audit_state))
        .routes(routes!(verify::audit_verify))
}

/// List events
///
/// The whole history, newest first; every filter that is given must match.
#[utoipa::path(get, path = "/v1/audit/events", tag = "audit", params(ListEvents),
    responses((status = 200, description = "A page of events", body = PageBody<Event>)))]
async fn audit_events(
    State(state): State<AppState>,
    reader: Reader,
    Query(query): Query<ListEvents>,
) -> Result<Shown<PageBody<Event>>, ApiError> {
    let text = |id: Option<&dyn ToString>| id.map(ToString::to_string);
    let (from, until) = (query.from.map(|when| when.0), query.until.map(|when| when.0));
    let (from, until) = (text(some(&from)), text(some(&until)));
    let (actor, request) = (text(some(&query.actor)), text(some(&query.request_id)));
    let (session, agent) = (text(some(&query.session_id)), text(some(&query.agent_id)));
    let filters = [
        ("from", from.as_deref()),
        ("until", until.as_deref()),
        ("actor", actor.as_deref()),
        ("type", query.event_type.as_deref()),
        ("sessionId", session.as_deref()),
        ("agentId", agent.as_deref()),
        ("taskId", query.task_id.as_deref()),
        ("userId", query.user_id.as_deref()),
        ("requestId", request.as_deref()),
    ];
    let (limit, cursor) = (query.limit, query.cursor.as_deref());
    let page = PageRequest::new(&state, reader.scope(), "audit", &filters, limit, cursor)?;
    let rows = reader.models.audit(reader.scope(), query.filter(), page.rows()).await?;
    Ok(Shown(page.answer(rows, |row| row.value.into())))
}

fn some<T: ToString>(value: &Option<T>) -> Option<&dyn ToString> {
    value.as_ref().map(|value| value as &dyn ToString)
}

/// Get a thing as it was
///
/// `kind` is `session`, `agent`, `task`, `execution`, `file_operation`, `snapshot`, `definition`,
/// `delivery`, `export`, `secret`, `api_key`, `org`, or `settings`, `providers` or `model_prices`,
/// whose id is their kind.
#[utoipa::path(get, path = "/v1/audit/{kind}/{id}", tag = "audit",
    params(("kind" = String, Path, description = "What it is"),
        ("id" = String, Path, description = "Its id, as `key` in its events"), AsOf),
    responses((status = 200, description = "Its state then", body = StateAsOf)))]
async fn audit_state(
    writer: Writer,
    Path((kind, id)): Path<(String, String)>,
    Query(query): Query<AsOf>,
) -> Result<Shown<StateAsOf>, ApiError> {
    let kind: Kind = kind.parse().map_err(|_| ApiError::not_found("kind of thing"))?;
    let stream =
        StreamId::new(writer.scope(), kind, id).map_err(|_| ApiError::not_found(noun(kind)))?;
    let at = query.at.as_deref().map_or(Ok(Moment::Now), Moment::parse)?;
    let commander = &*writer.commander;
    let shown = match kind {
        Kind::Org => as_of::<org::Org>(commander, &stream, at).await,
        Kind::ApiKey => as_of::<api_key::ApiKey>(commander, &stream, at).await,
        Kind::Session => as_of::<session::Session>(commander, &stream, at).await,
        Kind::Agent => as_of::<agent::Agent>(commander, &stream, at).await,
        Kind::Execution => as_of::<execution::Execution>(commander, &stream, at).await,
        Kind::FileOperation => as_of::<file_operation::FileOperation>(commander, &stream, at).await,
        Kind::Snapshot => as_of::<snapshot::Snapshot>(commander, &stream, at).await,
        Kind::Secret => as_of::<secret::Secret>(commander, &stream, at).await,
        Kind::Settings => as_of::<settings::Settings>(commander, &stream, at).await,
        Kind::Providers => as_of::<providers::Providers>(commander, &stream, at).await,
        Kind::Task => as_of::<task::Task>(commander, &stream, at).await,
        Kind::Definition => as_of::<definition::Definition>(commander, &stream, at).await,
        Kind::Delivery => as_of::<delivery::Delivery>(commander, &stream, at).await,
        Kind::Export => as_of::<export::Export>(commander, &stream, at).await,
        Kind::ModelPrices => as_of::<model_prices::ModelPrices>(commander, &stream, at).await,
    };
    shown.map(Shown)
}

/// A time to look back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Now,
    At(Timestamp),
    Position(Position),
}

impl Moment {
    fn parse(text: &str) -> Result<Self, ApiError> {
        if let Ok(position) = text.parse() {
            return Ok(Moment::Position(Position(position)));
        }
        text.parse::<When>().map(|when| Moment::At(when.0)).map_err(|_| {
            ApiError::invalid("at", "must be an RFC 3339 time, a date, or a position in the log")
        })
    }

    fn includes(self, position: Position, time: Timestamp) -> bool {
        match self {
            Moment::Now => true,
            Moment::At(at) => time <= at,
            Moment::Position(at) => position <= at,
        }
    }
}

async fn as_of<A: Aggregate>(
    commander: &Commander,
    stream: &StreamId,
    at: Moment,
) -> Result<StateAsOf, ApiError> {
    let last = AtomicI64::new(0);
    let until = |position, time: Timestamp| {
        let included = at.includes(position, time);
        if included {
            last.store(time.as_millis(), Ordering::Relaxed);
        }
        included
    };
    let loaded = commander.load_as_of::<A>(stream, until).await?;
    let state = loaded.state.ok_or_else(|| ApiError::not_found(noun(stream.kind)))?;
    let json = redacted(&*state).and_then(RawValue::from_string);
    let json = json.map_err(|error| ApiError::internal(&error))?;
    let time = Timestamp::from_millis(last.into_inner());
    Ok(StateAsOf::new((stream.kind, stream.key().to_owned()), loaded.revision, time, json))
}

const fn noun(kind: Kind) -> &'static str {
    match kind {
        Kind::Org => "org",
        Kind::ApiKey => "API key",
        Kind::Session => "session",
        Kind::Agent => "agent",
        Kind::Execution => "execution",
        Kind::FileOperation => "file operation",
        Kind::Snapshot => "snapshot",
        Kind::Secret => "secret",
        Kind::Settings => "settings record",
        Kind::Providers => "providers record",
        Kind::Task => "task",
        Kind::Definition => "agent definition",
        Kind::Delivery => "delivery",
        Kind::Export => "push",
        Kind::ModelPrices => "model prices record",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_a_position() {
        assert_eq!(Moment::parse("42").unwrap(), Moment::Position(Position(42)));
        let time = "2026-05-01T00:00:00Z";
        assert_eq!(Moment::parse(time).unwrap(), Moment::At(time.parse().unwrap()));
        for text in ["", "yesterday", "-1", "2026-05"] {
            assert_eq!(Moment::parse(text).unwrap_err().fields[0].path, "at", "{text}");
        }
    }
}
