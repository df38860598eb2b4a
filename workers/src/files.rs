//! Files of an agent. A read leaves no trace; a write or a delete is intent, change, outcome.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use theazo_commands::CommandError;
use theazo_domain::agent::Agent;
use theazo_domain::file_operation::{FileChange, FileOperation, FileOperationCommand, FileOutcome};
use theazo_domain::{AgentId, FileOperationId, Rejection, Scope, StreamId};
use theazo_providers::{Call, FileEntry, GatewayError, ProviderError};

use crate::gateway::origin;
use crate::host::unavailable;
use crate::{Host, lifecycle};

/// Bytes that one read answers at most.
const READ_LIMIT: u64 = 32 << 20;

pub(crate) async fn read(
    host: &Host,
    call: &Call,
    agent: AgentId,
    path: &str,
) -> Result<Bytes, GatewayError> {
    host.provisioned(call.scope, agent).await?;
    let lane = host.lane(agent);
    let _gate = lane.gate.read().await;
    let (_, provider, sandbox) = host.usable(call.scope, agent).await?;
    Ok(provider.read_file(&sandbox, path, READ_LIMIT).await?)
}

pub(crate) async fn list(
    host: &Host,
    call: &Call,
    agent: AgentId,
    path: &str,
) -> Result<Vec<FileEntry>, GatewayError> {
    host.provisioned(call.scope, agent).await?;
    let lane = host.lane(agent);
    let _gate = lane.gate.read().await;
    let (_, provider, sandbox) = host.usable(call.scope, agent).await?;
    Ok(provider.list_files(&sandbox, path).await?)
}

pub(crate) async fn write(
    host: &Host,
    call: &Call,
    agent: AgentId,
    id: FileOperationId,
    path: String,
    data: Bytes,
) -> Result<(), GatewayError> {
    let sha256 = hex::encode(Sha256::digest(&data));
    let change = FileChange::Write { size: data.len() as u64, sha256 };
    operate(host, call, agent, id, path, change, Some(data)).await
}

pub(crate) async fn delete(
    host: &Host,
    call: &Call,
    agent: AgentId,
    id: FileOperationId,
    path: String,
) -> Result<(), GatewayError> {
    operate(host, call, agent, id, path, FileChange::Delete, None).await
}

/// Carries out one change: with `data` a write, without it a delete.
async fn operate(
    host: &Host,
    call: &Call,
    agent: AgentId,
    id: FileOperationId,
    path: String,
    change: FileChange,
    data: Option<Bytes>,
) -> Result<(), GatewayError> {
    host.provisioned(call.scope, agent).await?;
    let lane = host.lane(agent);
    let _gate = lane.gate.read().await;
    let (agent, provider, sandbox) = host.usable(call.scope, agent).await?;
    match request(host, call, &agent, id, &path, change).await {
        Ok(()) => {}
        Err(CommandError::Rejected(Rejection::Conflict(_))) => {
            return answer_again(host, call.scope, id).await;
        }
        Err(error) => return Err(unavailable(error)),
    }
    let done = match data {
        Some(data) => provider.write_file(&sandbox, &path, data).await,
        None => provider.delete_file(&sandbox, &path).await,
    };
    let outcome = match &done {
        Ok(()) => FileOperationCommand::Complete,
        Err(error) => FileOperationCommand::Fail { failure: lifecycle::failure(error) },
    };
    let stream = StreamId::file_operation(call.scope, id);
    let recorded = host.commander.execute::<FileOperation>(&origin(call), &stream, &outcome).await;
    recorded.map_err(unavailable)?;
    Ok(done?)
}

async fn request(
    host: &Host,
    call: &Call,
    agent: &Agent,
    id: FileOperationId,
    path: &str,
    change: FileChange,
) -> Result<(), CommandError> {
    let request = FileOperationCommand::Request {
        operation_id: id,
        session_id: agent.session_id,
        agent_id: agent.id,
        path: path.to_owned(),
        change,
    };
    let stream = StreamId::file_operation(call.scope, id);
    host.commander.execute_new::<FileOperation>(&origin(call), &stream, &request).await.map(|_| ())
}

async fn answer_again(host: &Host, scope: Scope, id: FileOperationId) -> Result<(), GatewayError> {
    let stream = StreamId::file_operation(scope, id);
    let loaded = host.commander.load::<FileOperation>(&stream).await.map_err(unavailable)?;
    match loaded.state.map(|operation| operation.outcome.clone()) {
        Some(FileOutcome::Completed) => Ok(()),
        Some(FileOutcome::Failed { failure }) => Err(ProviderError::failed(failure.message).into()),
        _ => Err(Rejection::conflict("This file operation is still under way.").into()),
    }
}
