//! A write or a delete of a file in an agent. Reads change nothing and are not recorded.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::agent::Failure;
use crate::event::events;
use crate::{
    AgentId, Aggregate, Ctx, Event, FileOperationId, Kind, Rejection, SessionId, Timestamp,
};

/// What is done to the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "op")]
pub enum FileChange {
    Write {
        /// Bytes.
        size: u64,
        /// Of the content, hex: the content itself is not in the log.
        sha256: String,
    },
    Delete,
}

events! {
    FileOperationEvent {
        /// The intent: it is in the log before the file changes.
        Requested = "file_operation.requested" {
            operation_id: FileOperationId,
            session_id: SessionId,
            agent_id: AgentId,
            path: String,
            change: FileChange,
        }
        Completed = "file_operation.completed" {
            session_id: SessionId,
            agent_id: AgentId,
        }
        Failed = "file_operation.failed" {
            session_id: SessionId,
            agent_id: AgentId,
            failure: Failure,
        }
    }
}

#[derive(Debug, Clone)]
pub enum FileOperationCommand {
    Request {
        operation_id: FileOperationId,
        session_id: SessionId,
        agent_id: AgentId,
        path: String,
        change: FileChange,
    },
    Complete,
    Fail {
        failure: Failure,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "status")]
pub enum FileOutcome {
    Running,
    Completed,
    Failed { failure: Failure },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileOperation {
    pub id: FileOperationId,
    pub session_id: SessionId,
    pub agent_id: AgentId,
    pub path: String,
    pub change: FileChange,
    pub outcome: FileOutcome,
    pub created_at: Timestamp,
}

impl Aggregate for FileOperation {
    const KIND: Kind = Kind::FileOperation;
    type Command = FileOperationCommand;
    type Event = FileOperationEvent;

    fn decide(
        state: Option<&Self>,
        command: &FileOperationCommand,
        _: Ctx,
    ) -> Result<Vec<FileOperationEvent>, Rejection> {
        match (state, command.clone()) {
            (
                None,
                FileOperationCommand::Request { operation_id, session_id, agent_id, path, change },
            ) => Ok(vec![FileOperationEvent::Requested {
                operation_id,
                session_id,
                agent_id,
                path,
                change,
            }]),
            (None, _) => Err(Rejection::not_found("file operation")),
            (Some(_), FileOperationCommand::Request { .. }) => {
                Err(Rejection::conflict("This file operation was requested already."))
            }
            (Some(operation), _) if operation.outcome != FileOutcome::Running => Ok(vec![]),
            (Some(operation), FileOperationCommand::Complete) => {
                Ok(vec![FileOperationEvent::Completed {
                    session_id: operation.session_id,
                    agent_id: operation.agent_id,
                }])
            }
            (Some(operation), FileOperationCommand::Fail { failure }) => {
                Ok(vec![FileOperationEvent::Failed {
                    session_id: operation.session_id,
                    agent_id: operation.agent_id,
                    failure,
                }])
            }
        }
    }

    fn evolve(state: Option<Self>, event: &FileOperationEvent, at: Timestamp) -> Option<Self> {
        match (state, event.clone()) {
            (
                None,
                FileOperationEvent::Requested { operation_id, session_id, agent_id, path, change },
            ) => Some(FileOperation {
                id: operation_id,
                session_id,
                agent_id,
                path,
                change,
                outcome: FileOutcome::Running,
                created_at: at,
            }),
            (Some(operation), _) if operation.outcome != FileOutcome::Running => Some(operation),
            (Some(operation), FileOperationEvent::Completed { .. }) => {
                Some(FileOperation { outcome: FileOutcome::Completed, ..operation })
            }
            (Some(operation), FileOperationEvent::Failed { failure, .. }) => {
                Some(FileOperation { outcome: FileOutcome::Failed { failure }, ..operation })
            }
            (state, _) => state,
        }
    }

    fn own(event: &Event) -> Option<&FileOperationEvent> {
        if let Event::FileOperation(e) = event { Some(e) } else { None }
    }
}
