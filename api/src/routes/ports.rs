//! Which ports of an agent are reachable from outside. What reaches them is in `proxy/`.

use axum::extract::{Path, State};
use theazo_domain::AgentId;
use theazo_domain::agent::AgentCommand;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::agents;
use crate::AppState;
use crate::authority::{Reader, Writer};
use crate::error::ApiError;
use crate::extract::{Id, Json};
use crate::page::PageBody;
use crate::proxy::PortAddress;
use crate::wire::port::{ExposePort, Port};
use crate::write::{Ok as Confirmed, Shown, Written};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(port_expose, port_list)).routes(routes!(port_close))
}

/// Expose a port
///
/// Its URL is valid while the agent lives and asks for no key. Nothing has to listen yet: until
/// something does, the URL answers 502. Exposing a port again changes nothing.
#[utoipa::path(
    post,
    path = "/v1/agents/{id}/ports",
    tag = "ports",
    params(("id" = String, Path, description = "`agt_…`")),
    request_body = ExposePort,
    responses(
        (status = 201, description = "The port with its URLs", body = Port),
        (status = 409, description = "The agent is paused or has ended, or exposes 20 ports"),
    ),
)]
async fn port_expose(
    State(state): State<AppState>,
    writer: Writer,
    Id(agent): Id<AgentId>,
    Json(body): Json<ExposePort>,
) -> Result<Written<Port>, ApiError> {
    let port = body.port()?;
    let expose = AgentCommand::ExposePort { port };
    let done = writer.commander.agent(writer.origin(), agent, &expose).await?;
    let port = Port::new(&state.public_url, PortAddress { agent, port });
    Ok(Written::created(&writer.caller, done.position, port))
}

/// List exposed ports
#[utoipa::path(
    get,
    path = "/v1/agents/{id}/ports",
    tag = "ports",
    params(("id" = String, Path, description = "`agt_…`")),
    responses((status = 200, description = "The exposed ports", body = PageBody<Port>)),
)]
async fn port_list(
    State(state): State<AppState>,
    reader: Reader,
    Id(agent): Id<AgentId>,
) -> Result<Shown<PageBody<Port>>, ApiError> {
    let ports = agents::find(&reader, agent).await?.value.ports;
    let show = |port| Port::new(&state.public_url, PortAddress { agent, port });
    let data = ports.into_iter().map(show).collect();
    Ok(Shown(PageBody { data, next_cursor: None, has_more: false }))
}

/// Close a port
///
/// Connections that are open go on to their end.
#[utoipa::path(
    delete,
    path = "/v1/agents/{id}/ports/{port}",
    tag = "ports",
    params(("id" = String, Path, description = "`agt_…`"), ("port" = u16, Path)),
    responses((status = 200, description = "It is closed", body = Confirmed)),
)]
async fn port_close(
    writer: Writer,
    Id(agent): Id<AgentId>,
    Path(path): Path<(String, String)>,
) -> Result<Written<Confirmed>, ApiError> {
    // What is not a port cannot have been exposed.
    let port = path.1.parse().map_err(|_| ApiError::not_found("exposed port"))?;
    let close = AgentCommand::ClosePort { port };
    let done = writer.commander.agent(writer.origin(), agent, &close).await?;
    Ok(Written::ok(&writer.caller, done.position, Confirmed::TRUE))
}
