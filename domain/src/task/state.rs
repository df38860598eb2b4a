use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::agent::Failure;
use crate::aggregate::SMALL;
use crate::pricing::{ComputePrice, Costs, ModelUsage, PriceBasis, TokenUsage};
use crate::{AgentId, Aggregate, Ctx, Event, Kind, Payload, Pico, Rejection, SessionId};
use crate::{TaskId, Timestamp};

use super::{
    Artifact, ModelStep, Priority, Step, StepKind, TaskAgent, TaskCommand, TaskEvent, ToolStep,
    decide,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskStatus {
    Queued,
    Running,
    /// Waits without a worker. Callers see it as running.
    Suspended,
    Completed,
    Failed,
    Cancelled,
}

impl TaskStatus {
    /// As the API shows it.
    pub const fn as_str(self) -> &'static str {
        match self {
            TaskStatus::Queued => "queued",
            TaskStatus::Running | TaskStatus::Suspended => "running",
            TaskStatus::Completed => "completed",
            TaskStatus::Failed => "failed",
            TaskStatus::Cancelled => "cancelled",
        }
    }

    pub const fn is_final(self) -> bool {
        matches!(self, TaskStatus::Completed | TaskStatus::Failed | TaskStatus::Cancelled)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    pub id: TaskId,
    pub session_id: SessionId,
    pub agent: TaskAgent,
    pub priority: Priority,
    pub max_steps: u32,
    pub input: Payload,
    pub webhook: Option<Payload>,
    pub retry_of: Option<TaskId>,
    pub status: TaskStatus,
    /// The fencing token: the number of the newest attempt, 0 before the first.
    pub attempt: u32,
    pub worker: Option<String>,
    /// The worker's last sign of life.
    pub alive_at: Timestamp,
    /// Why it is to be cancelled, when that was asked for while it ran.
    pub cancel: Option<String>,
    /// Thousandths.
    pub progress: u16,
    pub message: Option<Payload>,
    /// Rows of read models leave them out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Arc<Step>>,
    /// How many model calls and tool calls were begun.
    pub model_calls: u32,
    pub tool_calls: u32,
    /// The files of its agent before the run, where the agent was there before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Payload>,
    pub declared: BTreeSet<String>,
    pub artifacts: Vec<Artifact>,
    pub output: Option<Payload>,
    pub failure: Option<Failure>,
    /// Of all model calls.
    pub model_cost: Pico,
    /// The same by days.
    #[serde(default, skip_serializing_if = "Costs::is_empty")]
    pub model_costs: Costs,
    pub tokens: TokenUsage,
    /// Whether a call had a model without a price, so that `model_cost` is too low.
    pub unpriced: bool,
    /// Milliseconds with a worker, of the attempts that have ended.
    pub active_millis: u64,
    /// Since when the attempt that is under way runs.
    pub active_since: Option<Timestamp>,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub updated_at: Timestamp,
}

impl Aggregate for Task {
    const KIND: Kind = Kind::Task;
    type Command = TaskCommand;
    type Event = TaskEvent;

    fn decide(
        state: Option<&Self>,
        command: &TaskCommand,
        ctx: Ctx,
    ) -> Result<Vec<TaskEvent>, Rejection> {
        decide::decide(state, command, ctx)
    }

    fn evolve(state: Option<Self>, event: &TaskEvent, at: Timestamp) -> Option<Self> {
        match (state, event) {
            (
                None,
                TaskEvent::Submitted {
                    task_id,
                    session_id,
                    agent,
                    priority,
                    max_steps,
                    input,
                    webhook,
                    retry_of,
                },
            ) => Some(Task {
                priority: *priority,
                max_steps: *max_steps,
                webhook: webhook.clone(),
                retry_of: *retry_of,
                ..Task::blank(*task_id, *session_id, agent.clone(), input.clone(), at)
            }),
            (Some(task), event) => Some(task.after(event, at)),
            (None, _) => None,
        }
    }

    fn own(event: &Event) -> Option<&TaskEvent> {
        if let Event::Task(e) = event { Some(e) } else { None }
    }

    fn weight(&self) -> usize {
        let spec = match &self.agent {
            TaskAgent::Own { spec, .. } => spec.weight(),
            TaskAgent::Existing { .. } => 0,
        };
        let parts = [Some(&self.input), self.baseline.as_ref(), self.output.as_ref()];
        let parts: usize = parts.into_iter().flatten().map(Payload::weight).sum();
        let steps: usize = self.steps.iter().map(|step| step.weight()).sum();
        let declared: usize = self.declared.iter().map(String::len).sum();
        let made: usize = self.artifacts.iter().map(Artifact::weight).sum();
        SMALL + spec + parts + steps + declared + made
    }
}

impl Task {
    pub const fn agent_id(&self) -> AgentId {
        self.agent.id()
    }

    /// Milliseconds that it has been worked on, as of `now`.
    pub fn active_millis_at(&self, now: Timestamp) -> u64 {
        let open = self.active_since.map_or(0, |since| now.millis_since(since));
        self.active_millis.saturating_add(open)
    }

    /// What it has cost by `now`: its model calls, and the compute of its agent for as long as it
    /// was worked on, at `price`. The bill has that compute as the agent's.
    pub fn cost_at(&self, price: Option<&ComputePrice>, now: Timestamp) -> Pico {
        let compute = price.map_or(Pico::ZERO, |price| price.cost(self.active_millis_at(now)));
        self.model_cost + compute
    }

    /// The steps that were begun and have no outcome.
    pub fn unfinished(&self) -> impl Iterator<Item = &Arc<Step>> {
        self.steps.iter().filter(|step| !step.is_finished())
    }

    fn blank(
        id: TaskId,
        session: SessionId,
        agent: TaskAgent,
        input: Payload,
        at: Timestamp,
    ) -> Self {
        Task {
            id,
            session_id: session,
            agent,
            priority: Priority::Normal,
            max_steps: 0,
            input,
            webhook: None,
            retry_of: None,
            status: TaskStatus::Queued,
            attempt: 0,
            worker: None,
            alive_at: at,
            cancel: None,
            progress: 0,
            message: None,
            steps: Vec::new(),
            model_calls: 0,
            tool_calls: 0,
            baseline: None,
            declared: BTreeSet::new(),
            artifacts: Vec::new(),
            output: None,
            failure: None,
            model_cost: Pico::ZERO,
            model_costs: Costs::default(),
            tokens: TokenUsage::default(),
            unpriced: false,
            active_millis: 0,
            active_since: None,
            created_at: at,
            started_at: None,
            finished_at: None,
            updated_at: at,
        }
    }

    fn after(mut self, event: &TaskEvent, at: Timestamp) -> Self {
        if self.status.is_final() {
            return self;
        }
        match event {
            TaskEvent::Submitted { .. } => return self,
            TaskEvent::Started { attempt, worker, .. } => self.starts(*attempt, worker, at),
            TaskEvent::Requeued { reason, .. } => {
                // What nobody worked on is not counted.
                let until = if reason.is_loss() { self.alive_at } else { at };
                self.rests(TaskStatus::Queued, until);
            }
            TaskEvent::Suspended { .. } => self.rests(TaskStatus::Suspended, at),
            TaskEvent::LeaseRenewed { .. } => self.alive_at = at,
            TaskEvent::CancelRequested { reason } => self.cancel = Some(reason.clone()),
            TaskEvent::Completed { output, artifacts, .. } => {
                self.rests(TaskStatus::Completed, at);
                self.output = Some(output.clone());
                self.artifacts.clone_from(artifacts);
                self.progress = 1_000;
                self.finished_at = Some(at);
            }
            TaskEvent::Failed { failure, output, artifacts, .. } => {
                self.rests(TaskStatus::Failed, at);
                self.failure = Some(failure.clone());
                self.output.clone_from(output);
                self.artifacts.clone_from(artifacts);
                self.finished_at = Some(at);
            }
            TaskEvent::Cancelled { reason, .. } => {
                self.rests(TaskStatus::Cancelled, at);
                self.cancel = Some(reason.clone());
                self.finished_at = Some(at);
            }
            reported => {
                self.alive_at = at;
                self.reported(reported, at);
            }
        }
        self.updated_at = at;
        self
    }

    fn starts(&mut self, attempt: u32, worker: &str, at: Timestamp) {
        self.status = TaskStatus::Running;
        self.attempt = attempt;
        self.worker = Some(worker.to_owned());
        self.alive_at = at;
        self.active_since = Some(at);
        self.started_at = self.started_at.or(Some(at));
    }

    fn rests(&mut self, status: TaskStatus, until: Timestamp) {
        self.active_millis = self.active_millis_at(until);
        self.active_since = None;
        self.status = status;
        self.worker = None;
        if status.is_final() {
            self.gives_up_steps(until);
        }
    }

    /// What a lost attempt had begun is not gone on with.
    fn gives_up_steps(&mut self, at: Timestamp) {
        for step in self.steps.iter_mut().filter(|step| !step.is_finished()) {
            let step = Arc::make_mut(step);
            step.finished_at = Some(at);
            if let StepKind::Model(model) = &mut step.kind {
                model.failure = Some(Failure {
                    code: "restart".to_owned(),
                    message: "the worker that made the call was lost".to_owned(),
                });
            }
        }
    }

    /// What a worker reports of a step, of its progress or of its artifacts.
    fn reported(&mut self, event: &TaskEvent, at: Timestamp) {
        match event {
            TaskEvent::ModelCallStarted { attempt, step, purpose, vendor, model } => {
                self.model_calls = self.model_calls.saturating_add(1);
                let kind = StepKind::Model(ModelStep {
                    purpose: *purpose,
                    vendor: vendor.clone(),
                    model: model.clone(),
                    turn: None,
                    failure: None,
                    usage: None,
                });
                self.begins(*step, *attempt, kind, at);
            }
            TaskEvent::ToolCallStarted { attempt, step, of, call_id, tool, input, repeatable } => {
                self.tool_calls = self.tool_calls.saturating_add(1);
                let kind = StepKind::Tool(ToolStep {
                    of: *of,
                    call_id: call_id.clone(),
                    tool: tool.clone(),
                    input: input.clone(),
                    repeatable: *repeatable,
                    output: None,
                    whole: None,
                });
                self.begins(*step, *attempt, kind, at);
            }
            TaskEvent::ModelCallCompleted { step, turn, finish, usage, duration_ms, .. } => {
                self.used(usage);
                self.ends(*step, *duration_ms, at, |kind| {
                    if let StepKind::Model(model) = kind {
                        model.turn = Some((turn.clone(), finish.clone()));
                        model.usage = Some(usage.clone());
                    }
                });
            }
            TaskEvent::ModelCallFailed { step, failure, usage, .. } => {
                usage.iter().for_each(|usage| self.used(usage));
                self.ends(*step, 0, at, |kind| {
                    if let StepKind::Model(model) = kind {
                        model.failure = Some(failure.clone());
                        model.usage.clone_from(usage);
                    }
                });
            }
            TaskEvent::ToolCallCompleted { step, output, whole, is_error, duration_ms, .. } => {
                self.ends(*step, *duration_ms, at, |kind| {
                    if let StepKind::Tool(tool) = kind {
                        tool.output = Some((output.clone(), *is_error));
                        tool.whole.clone_from(whole);
                    }
                });
            }
            TaskEvent::ProgressReported { progress, message, .. } => {
                self.progress = progress.unwrap_or(self.progress);
                self.message = message.clone().or_else(|| self.message.take());
            }
            TaskEvent::BaselineRecorded { files, .. } => self.baseline = Some(files.clone()),
            TaskEvent::ArtifactDeclared { path, .. } => {
                self.declared.insert(path.clone());
            }
            _ => {}
        }
    }

    fn begins(&mut self, number: u32, attempt: u32, kind: StepKind, at: Timestamp) {
        let step =
            Step { number, attempt, kind, started_at: at, finished_at: None, duration_ms: 0 };
        self.steps.push(Arc::new(step));
    }

    /// Rows without steps have none to end.
    fn ends(
        &mut self,
        number: u32,
        duration_ms: u64,
        at: Timestamp,
        outcome: impl FnOnce(&mut StepKind),
    ) {
        // The step is one of the last ones.
        if let Some(step) = self.steps.iter_mut().rev().find(|step| step.number == number) {
            let step = Arc::make_mut(step);
            step.finished_at = Some(at);
            step.duration_ms = duration_ms;
            outcome(&mut step.kind);
        }
    }

    fn used(&mut self, usage: &ModelUsage) {
        self.model_costs.add(usage.at.day(), usage.cost);
        self.model_cost += usage.cost;
        self.tokens = self.tokens.plus(usage.tokens);
        self.unpriced |= usage.basis == PriceBasis::Unpriced;
    }
}
