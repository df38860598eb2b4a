//! The gateway into the sandboxes of all hosts.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use theazo_domain::{AgentId, ExecutionId, FileOperationId, Rejection, Scope};
use theazo_log::Position;
use theazo_log::bus::{Bus, BusError};
use theazo_providers::{Call, Duplex, ExecAnswer, FileEntry, GatewayError, Lang, SandboxGateway};
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;

use super::hosts::{HostOf, Place};
use super::subject;
use super::tunnel::{Endpoint, OpenError, Tunnel};
use super::wire::{self, Answer, Request, What};
use crate::Host;
use crate::gateway::LocalGateway;

/// Calls the host of each agent: this process directly, every other over the bus.
pub struct RemoteGateway {
    local: Option<(String, LocalGateway)>,
    endpoint: Arc<Endpoint>,
    hosts: Arc<dyn HostOf>,
}

/// An agent of another process.
struct There {
    scope: Scope,
    id: AgentId,
    host: String,
    revision: Position,
}

enum Found<'a> {
    Here(&'a LocalGateway),
    There(There),
}

impl There {
    fn request(&self, what: What) -> Request {
        Request { scope: self.scope, agent: self.id, since: self.revision, what }
    }
}

/// Whether a call can change anything, for the one whose answer was lost.
#[derive(Clone, Copy)]
enum Effect {
    None,
    /// Its id makes it safe to be repeated.
    Once,
}

impl RemoteGateway {
    /// `local` is the host of this process, if it is one. Calls that are under way at `stop` break
    /// off.
    ///
    /// # Errors
    /// When the bus cannot be reached.
    pub async fn start(
        local: Option<Arc<Host>>,
        bus: Arc<dyn Bus>,
        hosts: Arc<dyn HostOf>,
        stop: CancellationToken,
    ) -> Result<Arc<Self>, BusError> {
        let endpoint = Endpoint::start(bus, stop).await?;
        let local = local.map(|host| (host.name.clone(), LocalGateway(host)));
        Ok(Arc::new(Self { local, endpoint, hosts }))
    }

    /// The gateway of this process, when it has the agent; else where that is.
    async fn find(&self, scope: Scope, id: AgentId) -> Result<Found<'_>, GatewayError> {
        let Place { host, revision } = self.hosts.host_of(scope, id).await?;
        Ok(match &self.local {
            Some((name, local)) if *name == host => Found::Here(local),
            _ => Found::There(There { scope, id, host, revision }),
        })
    }

    async fn open(&self, host: &str) -> Result<Tunnel, GatewayError> {
        self.endpoint.open(&subject(host)).await.map_err(|error| {
            let why = match error {
                OpenError::Bus(BusError::NobodyThere(_) | BusError::Timeout(_)) => {
                    "it is down, or cut off".to_owned()
                }
                other => other.to_string(),
            };
            let message = format!("the host `{host}` of this agent does not answer: {why}");
            GatewayError::Unavailable { message }
        })
    }

    /// One call, from its request to the end of its answer.
    async fn call(
        &self,
        agent: &There,
        what: What,
        body: &[u8],
        effect: Effect,
    ) -> Result<(Answer, Bytes), GatewayError> {
        let host = &agent.host;
        let mut tunnel = self.open(host).await?;
        let request = agent.request(what);
        let talked = async {
            wire::send(&mut tunnel, &request, &[body]).await?;
            tunnel.shutdown().await?;
            wire::receive::<Answer>(&mut tunnel).await
        };
        match talked.await.map_err(|error| lost(host, &error, effect))? {
            (Answer::Failed(error), _) => Err(error.into()),
            answered => Ok(answered),
        }
    }
}

/// A call that was begun and not answered.
fn lost(host: &str, error: &io::Error, effect: Effect) -> GatewayError {
    let what = format!("the connection to the host `{host}` broke off ({error})");
    match effect {
        Effect::None => GatewayError::Unavailable { message: format!("{what}; try again") },
        Effect::Once => GatewayError::Unknown {
            message: format!(
                "{what}: it is not known whether the request was done; repeated with the same \
                 Idempotency-Key it is answered"
            ),
        },
    }
}

/// An answer to something else than was asked.
fn unfit(host: &str, effect: Effect) -> GatewayError {
    lost(
        host,
        &io::Error::new(io::ErrorKind::InvalidData, "its answer is for another call"),
        effect,
    )
}

#[async_trait]
impl SandboxGateway for RemoteGateway {
    async fn exec(
        &self,
        call: Call,
        agent: AgentId,
        id: ExecutionId,
        lang: Lang,
        code: String,
    ) -> Result<ExecAnswer, GatewayError> {
        let there = match self.find(call.scope, agent).await? {
            Found::Here(local) => return local.exec(call, agent, id, lang, code).await,
            Found::There(there) => there,
        };
        let what = What::Exec { call, id, lang };
        let (answer, body) = self.call(&there, what, code.as_bytes(), Effect::Once).await?;
        let Answer::Ran { id, exit_code, duration_ms, truncated, stdout } = answer else {
            return Err(unfit(&there.host, Effect::Once));
        };
        let parts =
            body.split_at_checked(stdout).ok_or_else(|| unfit(&there.host, Effect::Once))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(parts.0), text(parts.1));
        Ok(ExecAnswer { id, stdout, stderr, exit_code, duration_ms, truncated })
    }

    async fn read_file(
        &self,
        call: Call,
        agent: AgentId,
        path: String,
    ) -> Result<Bytes, GatewayError> {
        let there = match self.find(call.scope, agent).await? {
            Found::Here(local) => return local.read_file(call, agent, path).await,
            Found::There(there) => there,
        };
        let what = What::ReadFile { call, path };
        match self.call(&there, what, &[], Effect::None).await? {
            (Answer::File, body) => Ok(body),
            _ => Err(unfit(&there.host, Effect::None)),
        }
    }

    async fn list_files(
        &self,
        call: Call,
        agent: AgentId,
        path: String,
    ) -> Result<Vec<FileEntry>, GatewayError> {
        let there = match self.find(call.scope, agent).await? {
            Found::Here(local) => return local.list_files(call, agent, path).await,
            Found::There(there) => there,
        };
        let what = What::ListFiles { call, path };
        match self.call(&there, what, &[], Effect::None).await? {
            (Answer::Entries, body) => serde_json::from_slice(&body)
                .map_err(|error| lost(&there.host, &error.into(), Effect::None)),
            _ => Err(unfit(&there.host, Effect::None)),
        }
    }

    async fn write_file(
        &self,
        call: Call,
        agent: AgentId,
        id: FileOperationId,
        path: String,
        data: Bytes,
    ) -> Result<(), GatewayError> {
        let there = match self.find(call.scope, agent).await? {
            Found::Here(local) => return local.write_file(call, agent, id, path, data).await,
            Found::There(there) => there,
        };
        let what = What::WriteFile { call, id, path };
        match self.call(&there, what, &data, Effect::Once).await? {
            (Answer::Done, _) => Ok(()),
            _ => Err(unfit(&there.host, Effect::Once)),
        }
    }

    async fn delete_file(
        &self,
        call: Call,
        agent: AgentId,
        id: FileOperationId,
        path: String,
    ) -> Result<(), GatewayError> {
        let there = match self.find(call.scope, agent).await? {
            Found::Here(local) => return local.delete_file(call, agent, id, path).await,
            Found::There(there) => there,
        };
        let what = What::DeleteFile { call, id, path };
        match self.call(&there, what, &[], Effect::Once).await? {
            (Answer::Done, _) => Ok(()),
            _ => Err(unfit(&there.host, Effect::Once)),
        }
    }

    async fn connect(&self, agent: AgentId, port: u16) -> Result<Box<dyn Duplex>, GatewayError> {
        let scope = self.hosts.scope_of(agent).await?;
        let scope = scope.ok_or_else(|| Rejection::not_found("agent"))?;
        let there = match self.find(scope, agent).await? {
            Found::Here(local) => return local.connect(agent, port).await,
            Found::There(there) => there,
        };
        let mut tunnel = self.open(&there.host).await?;
        let request = there.request(What::Connect { port });
        let talked = async {
            wire::send(&mut tunnel, &request, &[]).await?;
            wire::receive::<Answer>(&mut tunnel).await
        };
        match talked.await.map_err(|error| lost(&there.host, &error, Effect::None))? {
            (Answer::Connected, _) => Ok(Box::new(tunnel)),
            (Answer::Failed(error), _) => Err(error.into()),
            _ => Err(unfit(&there.host, Effect::None)),
        }
    }
}
