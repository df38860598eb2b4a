//! One `exec`: code that ran (or was to run) in an agent's sandbox.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::agent::Failure;
use crate::event::events;
use crate::{
    AgentId, Aggregate, Ctx, Event, ExecutionId, Kind, Payload, Rejection, SessionId, Timestamp,
};

events! {
    ExecutionEvent {
        /// The intent: it is in the log before the code runs.
        Requested = "execution.requested" {
            execution_id: ExecutionId,
            session_id: SessionId,
            agent_id: AgentId,
            lang: String,
            code: Payload,
        }
        Completed = "execution.completed" {
            session_id: SessionId,
            agent_id: AgentId,
            exit_code: i32,
            duration_ms: u64,
            stdout: Payload,
            stderr: Payload,
            /// Whether stdout or stderr was longer than what was kept.
            truncated: bool,
        }
        /// It did not come to an exit code: it was killed, or what became of it is not known.
        Failed = "execution.failed" {
            session_id: SessionId,
            agent_id: AgentId,
            failure: Failure,
        }
    }
}

#[derive(Debug, Clone)]
pub enum ExecutionCommand {
    Request {
        execution_id: ExecutionId,
        session_id: SessionId,
        agent_id: AgentId,
        lang: String,
        code: Payload,
    },
    Complete {
        exit_code: i32,
        duration_ms: u64,
        stdout: Payload,
        stderr: Payload,
        truncated: bool,
    },
    Fail {
        failure: Failure,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "status")]
pub enum Outcome {
    Running,
    #[serde(rename_all = "camelCase")]
    Completed {
        exit_code: i32,
        duration_ms: u64,
        stdout: Payload,
        stderr: Payload,
        truncated: bool,
    },
    Failed {
        failure: Failure,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    pub id: ExecutionId,
    pub session_id: SessionId,
    pub agent_id: AgentId,
    pub lang: String,
    pub code: Payload,
    pub outcome: Outcome,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

impl Aggregate for Execution {
    const KIND: Kind = Kind::Execution;
    type Command = ExecutionCommand;
    type Event = ExecutionEvent;

    fn decide(
        state: Option<&Self>,
        command: &ExecutionCommand,
        _: Ctx,
    ) -> Result<Vec<ExecutionEvent>, Rejection> {
        let execution = match (state, command) {
            (
                None,
                ExecutionCommand::Request { execution_id, session_id, agent_id, lang, code },
            ) => {
                return Ok(vec![ExecutionEvent::Requested {
                    execution_id: *execution_id,
                    session_id: *session_id,
                    agent_id: *agent_id,
                    lang: lang.clone(),
                    code: code.clone(),
                }]);
            }
            (None, _) => return Err(Rejection::not_found("execution")),
            (Some(_), ExecutionCommand::Request { .. }) => {
                return Err(Rejection::conflict("This execution was requested already."));
            }
            (Some(execution), _) if execution.outcome != Outcome::Running => return Ok(vec![]),
            (Some(execution), _) => execution,
        };
        let (session_id, agent_id) = (execution.session_id, execution.agent_id);
        Ok(match command.clone() {
            ExecutionCommand::Request { .. } => vec![],
            ExecutionCommand::Complete { exit_code, duration_ms, stdout, stderr, truncated } => {
                vec![ExecutionEvent::Completed {
                    session_id,
                    agent_id,
                    exit_code,
                    duration_ms,
                    stdout,
                    stderr,
                    truncated,
                }]
            }
            ExecutionCommand::Fail { failure } => {
                vec![ExecutionEvent::Failed { session_id, agent_id, failure }]
            }
        })
    }

    fn evolve(state: Option<Self>, event: &ExecutionEvent, at: Timestamp) -> Option<Self> {
        let finished = |execution: Execution, outcome| {
            Some(Execution { outcome, finished_at: Some(at), ..execution })
        };
        match (state, event.clone()) {
            (
                None,
                ExecutionEvent::Requested { execution_id, session_id, agent_id, lang, code },
            ) => Some(Execution {
                id: execution_id,
                session_id,
                agent_id,
                lang,
                code,
                outcome: Outcome::Running,
                created_at: at,
                finished_at: None,
            }),
            (
                Some(execution),
                ExecutionEvent::Completed {
                    exit_code, duration_ms, stdout, stderr, truncated, ..
                },
            ) if execution.outcome == Outcome::Running => {
                let outcome =
                    Outcome::Completed { exit_code, duration_ms, stdout, stderr, truncated };
                finished(execution, outcome)
            }
            (Some(execution), ExecutionEvent::Failed { failure, .. })
                if execution.outcome == Outcome::Running =>
            {
                finished(execution, Outcome::Failed { failure })
            }
            (state, _) => state,
        }
    }

    fn own(event: &Event) -> Option<&ExecutionEvent> {
        if let Event::Execution(e) = event { Some(e) } else { None }
    }
}
