use crate::pricing::{ComputeUsage, Costs};
use crate::{AgentId, Ctx, Rejection, SessionId, SnapshotId, TaskId, Timestamp};

use super::{Agent, AgentEvent, AgentSpec, AgentState, Failure, Pending};

/// Ports that one agent may expose at the same time.
const MAX_PORTS: usize = 20;

#[derive(Debug, Clone)]
pub enum AgentCommand {
    /// Repeating it for an agent that exists changes nothing: its id is its own.
    Create {
        agent_id: AgentId,
        session_id: SessionId,
        spec: Box<AgentSpec>,
        funded_millis: Option<u64>,
    },
    /// So much compute is reserved for it in all, by the session's revision `order`; none: it is
    /// bound by no limit.
    Fund {
        millis: Option<u64>,
        order: u64,
    },
    RequestPause {
        snapshot_id: SnapshotId,
        by_limit: bool,
    },
    /// From the agent's own latest snapshot when `snapshot_id` is absent.
    RequestResume {
        snapshot_id: Option<SnapshotId>,
    },
    RequestTerminate {
        reason: String,
    },
    ExposePort {
        port: u16,
    },
    ClosePort {
        port: u16,
    },
    /// Claims the agent for a task; repeating it for the same one changes nothing, while the agent
    /// can work.
    StartRun {
        task_id: TaskId,
    },
    EndRun {
        task_id: TaskId,
        model_costs: Costs,
    },
    /// Its task is done, and it was made for that alone.
    RequestComplete,
    /// Records what its compute has come to, while it runs on.
    Meter,
    /// Gives an agent that has no sandbox to `host`; nothing changes when it is no longer with
    /// `instead_of`.
    Place {
        host: String,
        instead_of: Option<String>,
    },
    // What came of it, as the worker that did it reports.
    Provisioned {
        host: String,
    },
    Paused {
        snapshot_id: SnapshotId,
        size: u64,
    },
    Resumed {
        host: String,
        memory: bool,
    },
    RequestFailed {
        failure: Failure,
    },
    Terminated,
    Completed,
    /// `lost_at`: when it was last known to run.
    Recovered {
        host: String,
        lost_at: Option<Timestamp>,
    },
    /// `lost_at`: when it was last known to run, if that is earlier than now: it is not billed for
    /// longer.
    Fail {
        failure: Failure,
        lost_at: Option<Timestamp>,
    },
}

pub(super) fn decide(
    state: Option<&Agent>,
    command: &AgentCommand,
    ctx: Ctx,
) -> Result<Vec<AgentEvent>, Rejection> {
    let agent = match (state, command) {
        (None, AgentCommand::Create { agent_id, session_id, spec, funded_millis }) => {
            return Ok(vec![AgentEvent::Created {
                agent_id: *agent_id,
                session_id: *session_id,
                spec: spec.clone(),
                funded_millis: *funded_millis,
            }]);
        }
        (Some(_), AgentCommand::Create { .. }) => return Ok(vec![]),
        (None, _) => return Err(Rejection::not_found("agent")),
        (Some(agent), _) => agent,
    };
    match command {
        AgentCommand::Create { .. } => Ok(vec![]),
        AgentCommand::RequestPause { snapshot_id, by_limit } => {
            request_pause(agent, *snapshot_id, *by_limit)
        }
        AgentCommand::RequestResume { snapshot_id } => request_resume(agent, *snapshot_id),
        AgentCommand::RequestTerminate { reason } => Ok(request_terminate(agent, reason)),
        AgentCommand::ExposePort { port } => expose(agent, *port),
        AgentCommand::ClosePort { port } if agent.ports.contains(port) => {
            Ok(vec![AgentEvent::PortClosed { port: *port }])
        }
        AgentCommand::StartRun { task_id } => start_run(agent, *task_id),
        AgentCommand::EndRun { task_id, model_costs } => Ok(end_run(agent, *task_id, model_costs)),
        AgentCommand::RequestComplete => Ok(request_complete(agent)),
        AgentCommand::Meter if agent.running_since.is_some_and(|since| since < ctx.now) => {
            Ok(record_usage(agent, ctx))
        }
        AgentCommand::Meter => Ok(vec![]),
        AgentCommand::Fund { millis, order } => Ok(fund(agent, *millis, *order, ctx)),
        AgentCommand::Place { host, instead_of } => Ok(place(agent, host, instead_of.as_deref())),
        AgentCommand::ClosePort { .. } => Err(Rejection::not_found("exposed port")),
        outcome => Ok(record_outcome(agent, outcome, ctx)),
    }
}

fn request_pause(
    agent: &Agent,
    snapshot_id: SnapshotId,
    by_limit: bool,
) -> Result<Vec<AgentEvent>, Rejection> {
    match (agent.state, &agent.pending) {
        (AgentState::Idle | AgentState::Running, None) => {
            Ok(vec![AgentEvent::PauseRequested { snapshot_id, by_limit }])
        }
        _ => Err(conflict(agent, "Only an idle or running agent can be paused.")),
    }
}

fn request_resume(
    agent: &Agent,
    snapshot_id: Option<SnapshotId>,
) -> Result<Vec<AgentEvent>, Rejection> {
    let own = agent.snapshot.map(|s| s.id);
    match (agent.state, &agent.pending, snapshot_id.or(own)) {
        (AgentState::Paused, None, Some(snapshot_id)) => {
            Ok(vec![AgentEvent::ResumeRequested { snapshot_id }])
        }
        _ => Err(conflict(agent, "Only a paused agent can be resumed.")),
    }
}

fn start_run(agent: &Agent, task_id: TaskId) -> Result<Vec<AgentEvent>, Rejection> {
    match (agent.state, &agent.pending, agent.task) {
        (AgentState::Idle | AgentState::Running | AgentState::Provisioning, None, Some(task))
            if task == task_id =>
        {
            Ok(vec![])
        }
        // A run begins to think while its sandbox is still being made.
        (AgentState::Idle | AgentState::Provisioning, None, None) => {
            Ok(vec![AgentEvent::RunStarted { session_id: agent.session_id, task_id }])
        }
        (_, None, Some(task)) if task != task_id => {
            Err(Rejection::conflict("This agent works on another task."))
        }
        _ => Err(conflict(agent, "Only an idle agent can begin a task.")),
    }
}

fn place(agent: &Agent, host: &str, instead_of: Option<&str>) -> Vec<AgentEvent> {
    let without = matches!(agent.state, AgentState::Provisioning | AgentState::Paused);
    if !without || agent.host.as_deref() != instead_of || instead_of == Some(host) {
        return vec![];
    }
    vec![AgentEvent::Placed { session_id: agent.session_id, host: host.to_owned() }]
}

/// Also of an agent that has ended: the costs of its last run are still to be counted.
fn end_run(agent: &Agent, task_id: TaskId, model_costs: &Costs) -> Vec<AgentEvent> {
    if agent.task != Some(task_id) {
        return vec![];
    }
    let (session_id, model_costs) = (agent.session_id, model_costs.clone());
    let model_cost = model_costs.total();
    vec![AgentEvent::RunEnded { session_id, task_id, model_cost, model_costs }]
}

fn request_complete(agent: &Agent) -> Vec<AgentEvent> {
    let ends = agent.pending.as_ref().is_some_and(Pending::ends);
    if agent.state.is_final() || ends { vec![] } else { vec![AgentEvent::CompleteRequested {}] }
}

fn request_terminate(agent: &Agent, reason: &str) -> Vec<AgentEvent> {
    let under_way = matches!(agent.pending, Some(Pending::Terminate { .. }));
    if agent.state.is_final() || under_way {
        return vec![];
    }
    vec![AgentEvent::TerminateRequested { reason: reason.to_owned() }]
}

fn expose(agent: &Agent, port: u16) -> Result<Vec<AgentEvent>, Rejection> {
    if port == 0 {
        return Err(Rejection::invalid("port", "must be 1 to 65535"));
    }
    if !matches!(agent.state, AgentState::Idle | AgentState::Running) {
        return Err(conflict(agent, "Only an idle or running agent can expose ports."));
    }
    if agent.ports.contains(&port) {
        return Ok(vec![]);
    }
    if agent.ports.len() >= MAX_PORTS {
        return Err(Rejection::conflict(format!(
            "This agent exposes {MAX_PORTS} ports already; close one first.",
        )));
    }
    Ok(vec![AgentEvent::PortExposed { port }])
}

/// An outcome that no longer fits (the agent has ended meanwhile, or the outcome was reported
/// before) changes nothing: the worker that reports it has been overtaken.
fn record_outcome(agent: &Agent, outcome: &AgentCommand, ctx: Ctx) -> Vec<AgentEvent> {
    let session_id = agent.session_id;
    let live = !agent.state.is_final();
    let pending = agent.pending.as_ref();
    // A host that was given up may come back and report.
    let is_with = |host: &String| agent.host.as_ref().is_none_or(|placed| placed == host);
    match (outcome, agent.state) {
        (AgentCommand::Provisioned { host }, AgentState::Provisioning) if is_with(host) => {
            vec![AgentEvent::Provisioned { session_id, host: host.clone() }]
        }
        (AgentCommand::Paused { snapshot_id, size }, AgentState::Idle | AgentState::Running)
            if pending.is_some_and(|p| p.awaits_pause(*snapshot_id)) =>
        {
            let paused = AgentEvent::Paused { session_id, snapshot_id: *snapshot_id, size: *size };
            close_span(agent, paused, ctx)
        }
        (AgentCommand::Resumed { host, memory }, AgentState::Paused)
            if pending.is_some_and(Pending::awaits_resume) && is_with(host) =>
        {
            vec![AgentEvent::Resumed { session_id, host: host.clone(), memory: *memory }]
        }
        (AgentCommand::RequestFailed { failure }, _) if pending.is_some_and(|p| !p.ends()) => {
            vec![AgentEvent::RequestFailed { failure: failure.clone() }]
        }
        (AgentCommand::Terminated, _) if live => {
            close_span(agent, AgentEvent::Terminated { session_id }, ctx)
        }
        (AgentCommand::Completed, _) if live => {
            close_span(agent, AgentEvent::Completed { session_id }, ctx)
        }
        (AgentCommand::Recovered { host, lost_at }, AgentState::Idle | AgentState::Running)
            if is_with(host) =>
        {
            let recovered = AgentEvent::Recovered { session_id, host: host.clone() };
            let now = lost_at.map_or(ctx.now, |at| at.min(ctx.now));
            close_span(agent, recovered, Ctx { now })
        }
        (AgentCommand::Fail { failure, lost_at }, _) if live => {
            let failed = AgentEvent::Failed { session_id, failure: failure.clone() };
            let now = lost_at.map_or(ctx.now, |at| at.min(ctx.now));
            close_span(agent, failed, Ctx { now })
        }
        _ => vec![],
    }
}

/// `last`, after the usage records of the span that it ends (if one is open).
fn close_span(agent: &Agent, last: AgentEvent, ctx: Ctx) -> Vec<AgentEvent> {
    let mut events = record_usage(agent, ctx);
    events.push(last);
    events
}

/// What ran before it is metered first: it is billed by what was reserved then.
fn fund(agent: &Agent, millis: Option<u64>, order: u64, ctx: Ctx) -> Vec<AgentEvent> {
    if agent.state.is_final() || order <= agent.funded_order {
        return vec![];
    }
    let runs = agent.running_since.is_some_and(|since| since < ctx.now);
    let mut events = if runs { record_usage(agent, ctx) } else { vec![] };
    events.push(AgentEvent::ComputeFunded { session_id: agent.session_id, millis, order });
    events
}

/// What the compute has come to since it was metered last.
fn record_usage(agent: &Agent, ctx: Ctx) -> Vec<AgentEvent> {
    let Some(since) = agent.running_since else { return vec![] };
    let price = &agent.spec.price;
    let funded = agent.funded_left();
    let spans = ComputeUsage::of(agent.id, agent.spans, since, ctx.now, price, funded);
    let session_id = agent.session_id;
    spans.into_iter().map(|usage| AgentEvent::UsageRecorded { session_id, usage }).collect()
}

fn conflict(agent: &Agent, rule: &str) -> Rejection {
    let now = match &agent.pending {
        Some(Pending::Pause { .. }) => "being paused",
        Some(Pending::Resume { .. }) => "being resumed",
        Some(Pending::Terminate { .. }) => "being terminated",
        Some(Pending::Complete) => "done",
        None => agent.state.as_str(),
    };
    Rejection::conflict(format!("This agent is {now}. {rule}"))
}
