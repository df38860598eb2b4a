use theazo_domain::agent::{Agent, AgentEvent, AgentState};
use theazo_domain::{AgentId, Aggregate, Event, StreamId, TaskId};
use theazo_log::Commit;

use super::{Beat, TaskScript, Tell};
use crate::wire::stream::Status;

/// An agent as far as it was read, with the task that it works on.
///
/// An agent works on one task at a time, and is let go only when that has ended: between its
/// `run_started` and the next one, what the one task says is what there is to be said.
#[derive(Debug)]
pub(in crate::stream) struct AgentScript {
    stream: StreamId,
    id: AgentId,
    agent: Option<Agent>,
    /// The newest task that it began.
    pub task: Option<TaskScript>,
}

impl AgentScript {
    pub fn new(stream: StreamId, id: AgentId) -> Self {
        Self { stream, id, agent: None, task: None }
    }

    pub fn stream(&self) -> &StreamId {
        &self.stream
    }

    /// Whether it has ended, and its last task with it.
    pub fn is_over(&self) -> bool {
        let ended = self.agent.as_ref().is_some_and(|agent| agent.state.is_final());
        ended && self.task.as_ref().is_none_or(TaskScript::is_over)
    }

    /// The task that it works on.
    pub fn works_on(&self) -> Option<TaskId> {
        self.agent.as_ref().and_then(|agent| agent.task)
    }

    /// The task that a commit of the agent's own stream begins, if it is not being read already.
    pub fn begins(&self, commit: &Commit) -> Option<TaskId> {
        let current = self.task.as_ref().map(TaskScript::id);
        commit.events.iter().find_map(|event| match event {
            Event::Agent(AgentEvent::RunStarted { task_id, .. }) if Some(*task_id) != current => {
                Some(*task_id)
            }
            _ => None,
        })
    }

    /// A commit of the agent's own stream.
    pub fn play(&mut self, commit: &Commit, beats: &mut Vec<Beat>) {
        for event in &commit.events {
            let Event::Agent(event) = event else { continue };
            let before = self.state();
            self.agent = Agent::evolve(self.agent.take(), event, commit.time);
            let Some(state) = self.state() else { continue };
            let reason = reason(event);
            if before != Some(state) || reason.is_some() {
                beats.push(Beat::Tells(Tell::Status(Status {
                    status: state.as_str(),
                    agent_id: Some(self.id),
                    reason: reason.map(Into::into),
                    ..Status::default()
                })));
            }
        }
    }

    fn state(&self) -> Option<AgentState> {
        self.agent.as_ref().map(|agent| agent.state)
    }
}

/// What the state alone does not say.
fn reason(event: &AgentEvent) -> Option<String> {
    match event {
        AgentEvent::Failed { failure, .. } | AgentEvent::RequestFailed { failure } => {
            Some(failure.message.clone())
        }
        AgentEvent::Recovered { .. } => Some("recovered".to_owned()),
        AgentEvent::TerminateRequested { reason } => Some(reason.clone()),
        _ => None,
    }
}
