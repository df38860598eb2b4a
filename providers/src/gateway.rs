//! What the API sees of the process that holds an agent's sandbox: here the same process, in a
//! cluster a worker host behind a message.

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use theazo_domain::{Actor, AgentId, ExecutionId, FileOperationId, Rejection, RequestId, Scope};

use crate::contract::{Duplex, FileEntry, Lang, ProviderError};

/// On whose behalf something is done: it ends up in the commits.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    pub scope: Scope,
    pub actor: Actor,
    pub request_id: RequestId,
}

/// The answer of one `exec`, as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecAnswer {
    pub id: ExecutionId,
    pub stdout: String,
    pub stderr: String,
    pub exit_code: i32,
    pub duration_ms: u64,
    pub truncated: bool,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum GatewayError {
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The log could not be written or read, or the agent's host not be reached; nothing was done.
    /// `message` is for the operator.
    #[error("{message}")]
    Unavailable { message: String },
    /// It may or may not have been done: the same call, with the same id, tells. `message` is for
    /// the operator.
    #[error("{message}")]
    Unknown { message: String },
}

/// Work in a live agent's sandbox. Every effect is preceded by its intent in the log and followed
/// by its outcome, and is carried to its end when the caller goes away.
///
/// An agent that is still provisioning is waited for; one that is paused or has ended is a
/// [`Rejection::Conflict`].
#[async_trait]
pub trait SandboxGateway: Send + Sync {
    /// `id` is derived from the caller's idempotency key where there is one: an execution that
    /// has finished is answered from the log, not run again.
    async fn exec(
        &self,
        call: Call,
        agent: AgentId,
        id: ExecutionId,
        lang: Lang,
        code: String,
    ) -> Result<ExecAnswer, GatewayError>;

    async fn read_file(
        &self,
        call: Call,
        agent: AgentId,
        path: String,
    ) -> Result<Bytes, GatewayError>;

    async fn list_files(
        &self,
        call: Call,
        agent: AgentId,
        path: String,
    ) -> Result<Vec<FileEntry>, GatewayError>;

    async fn write_file(
        &self,
        call: Call,
        agent: AgentId,
        id: FileOperationId,
        path: String,
        data: Bytes,
    ) -> Result<(), GatewayError>;

    async fn delete_file(
        &self,
        call: Call,
        agent: AgentId,
        id: FileOperationId,
        path: String,
    ) -> Result<(), GatewayError>;

    /// A connection to a port that the agent has exposed.
    async fn connect(&self, agent: AgentId, port: u16) -> Result<Box<dyn Duplex>, GatewayError>;
}
