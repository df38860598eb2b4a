use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::aggregate::SMALL;
use crate::money::Pico;
use crate::pricing::{ComputeUsage, Costs};
use crate::session::{RunNumber, Spent};
use crate::{
    AgentId, Aggregate, Ctx, Event, Kind, Rejection, SessionId, SnapshotId, TaskId, Timestamp,
};

use super::{AgentCommand, AgentEvent, AgentSpec, decide};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AgentState {
    Provisioning,
    Idle,
    Running,
    Paused,
    Completed,
    Failed,
    Terminated,
}

impl AgentState {
    pub const fn as_str(self) -> &'static str {
        match self {
            AgentState::Provisioning => "provisioning",
            AgentState::Idle => "idle",
            AgentState::Running => "running",
            AgentState::Paused => "paused",
            AgentState::Completed => "completed",
            AgentState::Failed => "failed",
            AgentState::Terminated => "terminated",
        }
    }

    /// Whether the agent is over: nothing brings it back.
    pub const fn is_final(self) -> bool {
        matches!(self, AgentState::Completed | AgentState::Failed | AgentState::Terminated)
    }
}

/// Why an agent failed: a code of the API's table and a message for AgentCo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub code: String,
    pub message: String,
}

/// An intent without its outcome yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "what")]
pub enum Pending {
    #[serde(rename_all = "camelCase")]
    Pause {
        snapshot_id: SnapshotId,
    },
    #[serde(rename_all = "camelCase")]
    Resume {
        snapshot_id: SnapshotId,
    },
    Terminate {
        reason: String,
    },
    Complete,
}

/// A termination that is asked for meanwhile takes the place of a pause or a resume that a worker
/// has begun; what came of that one is still recorded.
impl Pending {
    pub(super) fn awaits_pause(&self, snapshot: SnapshotId) -> bool {
        match self {
            Pending::Pause { snapshot_id } => *snapshot_id == snapshot,
            Pending::Resume { .. } => false,
            Pending::Terminate { .. } | Pending::Complete => true,
        }
    }

    /// Whether it ends the agent.
    pub const fn ends(&self) -> bool {
        matches!(self, Pending::Terminate { .. } | Pending::Complete)
    }

    pub(super) fn awaits_resume(&self) -> bool {
        !matches!(self, Pending::Pause { .. })
    }
}

/// The agent's latest snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotRef {
    pub id: SnapshotId,
    /// Bytes.
    pub size: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    pub id: AgentId,
    pub session_id: SessionId,
    pub spec: Box<AgentSpec>,
    pub state: AgentState,
    pub pending: Option<Pending>,
    pub failure: Option<Failure>,
    /// The worker host that holds the sandbox or its files, or is to make it.
    pub host: Option<String>,
    pub snapshot: Option<SnapshotRef>,
    /// Every snapshot ever taken of it: they go when it is terminated.
    pub snapshots: Vec<SnapshotId>,
    pub ports: BTreeSet<u16>,
    /// The task that it works on, also while it is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// The newest task that it began: what a retry repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_task: Option<TaskId>,
    /// Of the model calls of all runs that have ended.
    #[serde(default)]
    pub model_cost: Pico,
    /// The same by days.
    #[serde(default, skip_serializing_if = "Costs::is_empty")]
    pub model_costs: Costs,
    /// Of all closed spans.
    pub cost: Pico,
    /// The same by days.
    #[serde(default, skip_serializing_if = "Costs::is_empty")]
    pub compute_costs: Costs,
    /// Milliseconds of compute that are reserved for it in all; absent where no limit asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub funded_millis: Option<u64>,
    /// The session's revision that says so.
    #[serde(default)]
    pub funded_order: u64,
    /// Runs that it has begun.
    #[serde(default)]
    pub runs: u32,
    /// It is paused, or to be paused, because nothing is left of a limit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused_by_limit: bool,
    /// Milliseconds of all closed spans.
    pub compute_millis: u64,
    /// Closed spans: the number of the next usage record.
    pub spans: u32,
    /// Since when compute is billed, while it is.
    pub running_since: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Aggregate for Agent {
    const KIND: Kind = Kind::Agent;
    type Command = AgentCommand;
    type Event = AgentEvent;

    fn decide(
        state: Option<&Self>,
        command: &AgentCommand,
        ctx: Ctx,
    ) -> Result<Vec<AgentEvent>, Rejection> {
        decide::decide(state, command, ctx)
    }

    fn evolve(state: Option<Self>, event: &AgentEvent, at: Timestamp) -> Option<Self> {
        match (state, event) {
            (None, AgentEvent::Created { agent_id, session_id, spec, funded_millis }) => {
                Some(Agent {
                    id: *agent_id,
                    session_id: *session_id,
                    spec: spec.clone(),
                    state: AgentState::Provisioning,
                    pending: None,
                    failure: None,
                    host: None,
                    snapshot: None,
                    snapshots: Vec::new(),
                    ports: BTreeSet::new(),
                    task: None,
                    last_task: None,
                    model_cost: Pico::ZERO,
                    model_costs: Costs::default(),
                    cost: Pico::ZERO,
                    compute_costs: Costs::default(),
                    funded_millis: *funded_millis,
                    funded_order: 0,
                    runs: 0,
                    paused_by_limit: false,
                    compute_millis: 0,
                    spans: 0,
                    running_since: None,
                    started_at: None,
                    created_at: at,
                    updated_at: at,
                })
            }
            (Some(agent), event) => Some(agent.after(event, at)),
            (None, _) => None,
        }
    }

    fn own(event: &Event) -> Option<&AgentEvent> {
        if let Event::Agent(e) = event { Some(e) } else { None }
    }

    fn weight(&self) -> usize {
        SMALL + self.spec.weight()
    }
}

impl Agent {
    fn after(mut self, event: &AgentEvent, at: Timestamp) -> Self {
        // The costs of the last run come after the end.
        if self.state.is_final() && !matches!(event, AgentEvent::RunEnded { .. }) {
            return self;
        }
        match event {
            AgentEvent::Created { .. } => return self,
            AgentEvent::Placed { host, .. } => self.host = Some(host.clone()),
            AgentEvent::Provisioned { host, .. } => {
                self.started_at = Some(at);
                self.starts_running(host, at);
            }
            AgentEvent::Resumed { host, .. } => self.starts_running(host, at),
            AgentEvent::Recovered { host, .. } => {
                // A pause that was asked for before the crash is still to be done.
                let (pending, by_limit) = (self.pending.take(), self.paused_by_limit);
                self.starts_running(host, at);
                (self.pending, self.paused_by_limit) = (pending, by_limit);
            }
            AgentEvent::RunStarted { task_id, .. } => self.begins_run(*task_id),
            AgentEvent::RunEnded { task_id, model_cost, model_costs, .. }
                if self.task == Some(*task_id) =>
            {
                self.ends_run(*model_cost, model_costs, at);
            }
            AgentEvent::ComputeFunded { millis, order, .. } => {
                (self.funded_millis, self.funded_order) = (*millis, *order);
            }
            AgentEvent::RunEnded { .. } => return self,
            AgentEvent::CompleteRequested {} => self.pending = Some(Pending::Complete),
            AgentEvent::Completed { .. } => self.stops(AgentState::Completed),
            AgentEvent::PauseRequested { snapshot_id, by_limit } => {
                self.paused_by_limit = *by_limit;
                self.pending = Some(Pending::Pause { snapshot_id: *snapshot_id });
            }
            AgentEvent::ResumeRequested { snapshot_id } => {
                self.pending = Some(Pending::Resume { snapshot_id: *snapshot_id });
            }
            AgentEvent::TerminateRequested { reason } => {
                self.pending = Some(Pending::Terminate { reason: reason.clone() });
            }
            AgentEvent::RequestFailed { failure } => {
                self.pending = None;
                self.paused_by_limit &= self.state == AgentState::Paused;
                self.failure = Some(failure.clone());
            }
            AgentEvent::Paused { snapshot_id, size, .. } => self.pauses(*snapshot_id, *size),
            AgentEvent::Failed { failure, .. } => {
                self.stops(AgentState::Failed);
                self.failure = Some(failure.clone());
            }
            AgentEvent::Terminated { .. } => {
                self.stops(AgentState::Terminated);
                self.snapshot = None;
            }
            AgentEvent::PortExposed { port } => {
                self.ports.insert(*port);
            }
            AgentEvent::PortClosed { port } => {
                self.ports.remove(port);
            }
            AgentEvent::UsageRecorded { usage, .. } => self.meters(usage),
        }
        self.updated_at = at;
        self
    }

    fn meters(&mut self, usage: &ComputeUsage) {
        self.cost += usage.cost;
        self.compute_costs.add(usage.from.day(), usage.cost);
        self.compute_millis = self.compute_millis.saturating_add(usage.compute_millis);
        self.spans = self.spans.saturating_add(1);
        // The rest of the commit says whether it runs on.
        self.running_since = self.running_since.map(|_| usage.until);
    }

    fn pauses(&mut self, snapshot: SnapshotId, size: u64) {
        self.stops(AgentState::Paused);
        // What was reserved for it goes back.
        let used = self.compute_millis;
        self.funded_millis = self.funded_millis.map(|funded| funded.min(used));
        self.snapshot = Some(SnapshotRef { id: snapshot, size });
        self.snapshots.push(snapshot);
    }

    fn begins_run(&mut self, task: TaskId) {
        self.runs = self.runs.saturating_add(1);
        self.task = Some(task);
        self.last_task = Some(task);
        if self.state == AgentState::Idle {
            self.state = AgentState::Running;
        }
    }

    fn ends_run(&mut self, model_cost: Pico, by_day: &Costs, at: Timestamp) {
        self.task = None;
        self.model_cost += model_cost;
        match by_day.is_empty() {
            true => self.model_costs.add(at.day(), model_cost),
            false => self.model_costs.add_all(by_day),
        }
        if self.state == AgentState::Running {
            self.state = AgentState::Idle;
        }
    }

    fn starts_running(&mut self, host: &str, at: Timestamp) {
        let works = self.task.is_some();
        self.state = if works { AgentState::Running } else { AgentState::Idle };
        self.host = Some(host.to_owned());
        self.running_since = Some(at);
        self.paused_by_limit = false;
        self.failure = None;
        // An end that was asked for meanwhile still stands.
        self.pending = self.pending.take().filter(Pending::ends);
    }

    fn stops(&mut self, state: AgentState) {
        self.state = state;
        self.running_since = None;
        if state.is_final() {
            self.host = None;
            self.pending = None;
            self.ports.clear();
        } else {
            self.pending = self.pending.take().filter(Pending::ends);
        }
    }

    /// The cost so far, with the span that is still open as it stands at `now`, and without the
    /// models of a run that is under way.
    pub fn cost_at(&self, now: Timestamp) -> Pico {
        self.cost + self.model_cost + self.spec.price.cost(self.open_millis(now))
    }

    /// Milliseconds of compute so far, with the span that is still open as it stands at `now`.
    pub fn compute_millis_at(&self, now: Timestamp) -> u64 {
        self.compute_millis.saturating_add(self.open_millis(now))
    }

    fn open_millis(&self, now: Timestamp) -> u64 {
        self.running_since.map_or(0, |since| now.millis_since(since)).min(self.funded_left())
    }

    /// Milliseconds of compute that may still be billed.
    pub fn funded_left(&self) -> u64 {
        self.funded_millis.map_or(u64::MAX, |funded| funded.saturating_sub(self.compute_millis))
    }

    /// What the models of its runs that have ended have used, as its session is told.
    pub fn models_spent(&self) -> Spent {
        self.models_spent_with(&Costs::default(), RunNumber::over(self.runs))
    }

    /// The same with what a run has used that has not ended, by the word of `run`.
    pub fn models_spent_with(&self, open: &Costs, run: RunNumber) -> Spent {
        let mut costs = self.model_costs.clone();
        costs.add_all(open);
        Spent::Models { costs, run }
    }

    /// What its compute has used in all, as its session is told.
    pub fn compute_spent(&self) -> Spent {
        Spent::Compute { costs: self.compute_costs.clone(), millis: self.compute_millis }
    }
}
