//! One `exec`: intent, code, outcome.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use theazo_commands::CommandError;
use theazo_commands::vault::{open_payload, seal_payload};
use theazo_domain::agent::{Agent, Failure};
use theazo_domain::execution::{Execution, ExecutionCommand, Outcome};
use theazo_domain::{AgentId, ExecutionId, Payload, Rejection, Scope, StreamId};
use theazo_providers::{
    Call, ExecAnswer, ExecOutput, ExecRequest, GatewayError, Lang, ProviderError,
};

use crate::gateway::origin;
use crate::host::unavailable;
use crate::{Host, lifecycle};

/// Wall time of one exec (the API reference's limit).
const TIMEOUT: Duration = Duration::from_secs(120);
/// How long an answer of a repeated request waits for the first one.
const REPEAT_PATIENCE: Duration = Duration::from_secs(130);
/// Bytes kept of stdout and of stderr, each.
const OUTPUT_LIMIT: usize = 1 << 20;

/// Runs `code` in the agent's sandbox. An execution that was requested before is not run again:
/// its outcome is the answer.
pub(crate) async fn run(
    host: &Host,
    call: &Call,
    agent: AgentId,
    id: ExecutionId,
    lang: Lang,
    code: String,
) -> Result<ExecAnswer, GatewayError> {
    host.provisioned(call.scope, agent).await?;
    let lane = host.lane(agent);
    let _gate = lane.gate.read().await;
    let (agent, provider, sandbox) = host.usable(call.scope, agent).await?;
    let env = environment(host, call.scope, &agent).await?;
    match request(host, call, &agent, id, lang, &code).await {
        Ok(()) => {}
        Err(CommandError::Rejected(Rejection::Conflict(_))) => {
            return answer_again(host, call.scope, id).await;
        }
        Err(error) => return Err(unavailable(error)),
    }
    let request = ExecRequest { lang, code, env, timeout: TIMEOUT, output_limit: OUTPUT_LIMIT };
    let ran = provider.exec(&sandbox, request).await;
    let outcome = match &ran {
        Ok(output) => complete(host, call.scope, &agent, id, output).await.map_err(unavailable)?,
        Err(error) => ExecutionCommand::Fail { failure: lifecycle::failure(error) },
    };
    let stream = StreamId::execution(call.scope, id);
    let recorded = host.commander.execute::<Execution>(&origin(call), &stream, &outcome).await;
    recorded.map_err(unavailable)?;
    Ok(answer(id, &ran?))
}

fn answer(id: ExecutionId, output: &ExecOutput) -> ExecAnswer {
    ExecAnswer {
        id,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        exit_code: output.exit_code,
        duration_ms: millis(output.duration),
        truncated: output.truncated,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

const fn lang_name(lang: Lang) -> &'static str {
    match lang {
        Lang::Python => "python",
        Lang::Typescript => "typescript",
        Lang::Bash => "bash",
    }
}

/// What a payload of an execution is sealed for.
fn purpose(id: ExecutionId, part: &str) -> String {
    format!("execution {id} {part}")
}

async fn environment(
    host: &Host,
    scope: Scope,
    agent: &Arc<Agent>,
) -> Result<BTreeMap<String, SecretString>, GatewayError> {
    if agent.spec.secrets.is_empty() {
        return Ok(BTreeMap::new());
    }
    host.commander
        .reveal_secrets(scope, agent.session_id, &agent.spec.secrets)
        .await
        .map_err(unavailable)
}

async fn seal(
    host: &Host,
    (scope, agent): (Scope, &Agent),
    id: ExecutionId,
    part: &str,
    plain: &[u8],
) -> Result<Payload, CommandError> {
    let (vault, blobs) = (&host.commander.vault, &host.commander.blobs);
    let owner = (scope, agent.session_id);
    Ok(seal_payload(vault, blobs, owner, &purpose(id, part), plain).await?)
}

/// Commits the intent.
async fn request(
    host: &Host,
    call: &Call,
    agent: &Agent,
    id: ExecutionId,
    lang: Lang,
    code: &str,
) -> Result<(), CommandError> {
    let request = ExecutionCommand::Request {
        execution_id: id,
        session_id: agent.session_id,
        agent_id: agent.id,
        lang: lang_name(lang).to_owned(),
        code: seal(host, (call.scope, agent), id, "code", code.as_bytes()).await?,
    };
    let stream = StreamId::execution(call.scope, id);
    host.commander.execute_new::<Execution>(&origin(call), &stream, &request).await.map(|_| ())
}

async fn complete(
    host: &Host,
    scope: Scope,
    agent: &Agent,
    id: ExecutionId,
    output: &ExecOutput,
) -> Result<ExecutionCommand, CommandError> {
    Ok(ExecutionCommand::Complete {
        exit_code: output.exit_code,
        duration_ms: millis(output.duration),
        stdout: seal(host, (scope, agent), id, "stdout", &output.stdout).await?,
        stderr: seal(host, (scope, agent), id, "stderr", &output.stderr).await?,
        truncated: output.truncated,
    })
}

/// The answer of an execution that was requested before, from the log.
async fn answer_again(
    host: &Host,
    scope: Scope,
    id: ExecutionId,
) -> Result<ExecAnswer, GatewayError> {
    let stream = StreamId::execution(scope, id);
    let finished = |execution: &Execution| execution.outcome != Outcome::Running;
    let waited = host.commander.wait_until(&stream, REPEAT_PATIENCE, finished).await;
    let Some((execution, _)) = waited.map_err(unavailable)? else {
        return Err(ProviderError::Timeout(TIMEOUT).into());
    };
    let open = async |part: &str, payload: &Payload| {
        let (vault, blobs) = (&host.commander.vault, &host.commander.blobs);
        let plain = open_payload(vault, blobs, scope, &purpose(id, part), payload).await;
        plain
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(|error| unavailable(error.into()))
    };
    match &execution.outcome {
        Outcome::Completed { exit_code, duration_ms, stdout, stderr, truncated } => {
            Ok(ExecAnswer {
                id,
                stdout: open("stdout", stdout).await?,
                stderr: open("stderr", stderr).await?,
                exit_code: *exit_code,
                duration_ms: *duration_ms,
                truncated: *truncated,
            })
        }
        Outcome::Failed { failure } if failure.code == "timeout" => {
            Err(ProviderError::Timeout(TIMEOUT).into())
        }
        Outcome::Failed { failure: Failure { message, .. } } => {
            Err(ProviderError::failed(message.clone()).into())
        }
        Outcome::Running => Err(ProviderError::Timeout(TIMEOUT).into()),
    }
}
