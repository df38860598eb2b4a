//! What the dispatcher makes of each commit.

use std::sync::Arc;

use theazo_commands::CommandError;
use theazo_domain::agent::{Agent, AgentEvent, AgentState};
use theazo_domain::session::{Session, SessionEvent};
use theazo_domain::task::{RequeueReason, TaskCommand, TaskEvent};
use theazo_domain::{AgentId, Event, Rejection, Scope, SessionId, StreamId, TaskId};
use theazo_log::{Commit, Position};

use crate::Host;
use crate::retry::until_done;
use crate::run::Stop;

use super::queue::Waiting;
use super::{Dispatcher, Heard, aftermath};

impl Dispatcher {
    pub(super) fn react(&mut self, commit: &Commit) {
        for event in &commit.events {
            match event {
                Event::Task(event) => {
                    if let Ok(id) = commit.stream.key().parse() {
                        self.task_event(commit, id, event);
                    }
                }
                Event::Agent(event) => {
                    if let Ok(id) = commit.stream.key().parse() {
                        self.agent_event(commit.stream.scope, id, event);
                    }
                }
                Event::Session(event) => {
                    if let Ok(id) = commit.stream.key().parse() {
                        self.session_event(commit.stream.scope, id, event);
                    }
                }
                _ => {}
            }
        }
    }

    fn task_event(&mut self, commit: &Commit, id: TaskId, event: &TaskEvent) {
        let (scope, at) = (commit.stream.scope, commit.time);
        match event {
            TaskEvent::Submitted { session_id: session, agent, priority, .. } => {
                let (priority, order) = (*priority, commit.position.0);
                let waiting = Waiting { scope, session: *session, task: id, priority, order };
                self.book.submitted(waiting, agent, at);
            }
            TaskEvent::Started { attempt, worker, .. } => {
                self.book.started(id, *attempt, at);
                if *worker != self.runner.host.name {
                    self.stop_run(id, Stop::Overtaken);
                }
            }
            TaskEvent::Requeued { attempt, reason } => {
                if *reason == RequeueReason::LeaseExpired {
                    self.stop_run(id, Stop::Overtaken);
                }
                // At once it would only be busy again, or break off again.
                if matches!(reason, RequeueReason::AgentBusy | RequeueReason::WorkerLost) {
                    self.try_later(id);
                } else {
                    self.book.requeued(id, *attempt);
                }
            }
            TaskEvent::Suspended { attempt, .. } => {
                self.book.suspended(id, *attempt);
                self.resume_if_possible(scope, id, *attempt);
            }
            TaskEvent::CancelRequested { reason } => {
                self.stop_run(id, Stop::Cancel { reason: reason.clone() });
            }
            TaskEvent::Completed { agent_id, .. }
            | TaskEvent::Failed { agent_id, .. }
            | TaskEvent::Cancelled { agent_id, .. } => {
                self.book.ended(id);
                self.settle(scope, id, *agent_id, commit.position);
            }
            _ => self.book.alive(id, at),
        }
    }

    fn agent_event(&mut self, scope: Scope, id: AgentId, event: &AgentEvent) {
        let first = self.book.first_of(id);
        match event {
            AgentEvent::PauseRequested { .. } => {
                first.inspect(|task| self.stop_run(*task, Stop::Pause));
            }
            AgentEvent::Resumed { .. } | AgentEvent::RequestFailed { .. } => {
                if let Some((_, stopper)) = first.and_then(|task| self.stoppers.get(&task)) {
                    stopper.unpause();
                }
                if let Some((task, attempt)) = self.book.suspended_of(id) {
                    self.resume_if_possible(scope, task, attempt);
                }
            }
            AgentEvent::TerminateRequested { .. } | AgentEvent::CompleteRequested {} => {
                first.inspect(|task| self.stop_run(*task, Stop::AgentEnded));
            }
            AgentEvent::Terminated { .. }
            | AgentEvent::Failed { .. }
            | AgentEvent::Completed { .. } => {
                first.inspect(|task| self.stop_run(*task, Stop::AgentEnded));
                self.end_tasks(scope, self.book.of_agent(id), "its agent has ended");
            }
            _ => {}
        }
    }

    fn session_event(&mut self, scope: Scope, id: SessionId, event: &SessionEvent) {
        match event {
            SessionEvent::AgentReleased { .. } | SessionEvent::Updated { .. } => {
                self.book.session_has_room(id);
            }
            SessionEvent::Ended {} => {
                self.end_tasks(scope, self.book.of_session(id), "the session ended");
            }
            _ => {}
        }
    }

    fn settle(&self, scope: Scope, task: TaskId, agent: AgentId, since: Position) {
        let (host, free) = (self.runner.host.clone(), self.heard.0.clone());
        self.spawn(async move {
            aftermath::settle(&host, scope, task, since).await;
            // The dispatcher is gone when nobody hears it.
            let _ = free.send(Heard::Free(agent));
        });
    }

    /// The agent may have been resumed before its task was suspended.
    fn resume_if_possible(&self, scope: Scope, task: TaskId, attempt: u32) {
        let host = self.runner.host.clone();
        self.spawn(async move {
            until_done("a task waits although its agent does not", || async {
                if agent_works(&host, scope, task).await? {
                    let reason = RequeueReason::Resumed;
                    let requeue = TaskCommand::Requeue { attempt, reason };
                    host.commander.task(&host.origin(scope), task, &requeue).await?;
                }
                Ok(())
            })
            .await;
        });
    }

    /// Room may have been made before the task was known to wait for it.
    pub(super) fn look_for_room(&self, waiting: Waiting) {
        let (host, room) = (self.runner.host.clone(), self.heard.0.clone());
        self.spawn(async move {
            until_done("a task waits although its session may have room", || async {
                let stream = StreamId::session(waiting.scope, waiting.session);
                let session = host.commander.load_fresh::<Session>(&stream).await?.state;
                let full = session.is_some_and(|session| {
                    let max = session.limits.max_agents.unwrap_or(u32::MAX);
                    session.agents.len() >= max as usize
                });
                if !full {
                    // The dispatcher is gone when nobody hears it.
                    let _ = room.send(Heard::Again(waiting.task));
                }
                Ok(())
            })
            .await;
        });
    }

    /// Cancels tasks that can no longer run; one that runs hears of it and ends by itself.
    fn end_tasks(&self, scope: Scope, tasks: Vec<TaskId>, why: &'static str) {
        for task in tasks {
            let host = self.runner.host.clone();
            self.spawn(async move { cancel(&host, scope, task, why).await });
        }
    }
}

/// Cancels a task; that it has ended meanwhile is as good.
pub(super) async fn cancel(host: &Arc<Host>, scope: Scope, task: TaskId, why: &'static str) {
    until_done("a task cannot be cancelled yet", || async {
        let cancel = TaskCommand::RequestCancel { reason: why.to_owned() };
        match host.commander.task(&host.origin(scope), task, &cancel).await {
            Ok(_) | Err(CommandError::Rejected(Rejection::Conflict(_))) => Ok(()),
            Err(error) => Err(error),
        }
    })
    .await;
}

pub(super) async fn requeue(
    host: &Arc<Host>,
    scope: Scope,
    task: TaskId,
    attempt: u32,
    reason: RequeueReason,
) {
    until_done("a task cannot be put back into the queue yet", || async {
        let requeue = TaskCommand::Requeue { attempt, reason };
        host.commander.task(&host.origin(scope), task, &requeue).await.map(|_| ())
    })
    .await;
}

/// Whether the task's agent can work.
pub(super) async fn agent_works(
    host: &Host,
    scope: Scope,
    task: TaskId,
) -> Result<bool, CommandError> {
    let stream = StreamId::task(scope, task);
    let Some(task) = host.commander.load::<theazo_domain::task::Task>(&stream).await?.state else {
        return Ok(false);
    };
    let stream = StreamId::agent(scope, task.agent_id());
    let agent = host.commander.load_fresh::<Agent>(&stream).await?.state;
    Ok(agent.is_some_and(|agent| {
        agent.pending.is_none() && matches!(agent.state, AgentState::Idle | AgentState::Running)
    }))
}
