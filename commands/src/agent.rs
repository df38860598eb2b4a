//! Agents: admitted by their session, then created; and what is asked of them.

use theazo_domain::agent::{Agent, AgentCommand, AgentSpec};
use theazo_domain::session::{Session, SessionCommand};
use theazo_domain::{AgentId, SessionId, SnapshotId, StreamId};

use crate::{CommandError, Commander, Done, Origin, Seed};

/// The id of an agent that is to be created.
pub fn new_id(origin: &Origin) -> AgentId {
    AgentId::from_uuid(origin.ids().uuid("agent"))
}

/// The id of a snapshot that is to be made.
pub fn new_snapshot_id(origin: &Origin) -> SnapshotId {
    SnapshotId::from_uuid(origin.ids().uuid("snapshot"))
}

impl Commander {
    /// Makes room in the session and creates the agent. When this process dies in between,
    /// [`Commander::create_admitted_agent`] finishes it.
    pub async fn create_agent(
        &self,
        origin: &Origin,
        session: SessionId,
        agent_id: AgentId,
        spec: AgentSpec,
    ) -> Result<Done<Agent>, CommandError> {
        let stream = StreamId::session(origin.scope, session);
        let spec = Box::new(spec);
        let admit = SessionCommand::AdmitAgent { agent_id, spec: spec.clone() };
        self.execute::<Session>(origin, &stream, &admit).await?;
        self.create_admitted_agent(origin, session, agent_id, spec).await
    }

    /// Creates an agent that its session has admitted; once, however often it is called.
    pub async fn create_admitted_agent(
        &self,
        origin: &Origin,
        session_id: SessionId,
        agent_id: AgentId,
        spec: Box<AgentSpec>,
    ) -> Result<Done<Agent>, CommandError> {
        let stream = StreamId::agent(origin.scope, agent_id);
        let create = AgentCommand::Create { agent_id, session_id, spec };
        self.execute_new(origin, &stream, &create).await
    }

    /// Any other command on an agent.
    pub async fn agent(
        &self,
        origin: &Origin,
        id: AgentId,
        command: &AgentCommand,
    ) -> Result<Done<Agent>, CommandError> {
        self.execute(origin, &StreamId::agent(origin.scope, id), command).await
    }

    /// The agent's place in its session is free again.
    pub async fn release_agent(
        &self,
        origin: &Origin,
        session: SessionId,
        agent_id: AgentId,
    ) -> Result<(), CommandError> {
        let stream = StreamId::session(origin.scope, session);
        let release = SessionCommand::ReleaseAgent { agent_id };
        self.execute::<Session>(origin, &stream, &release).await.map(|_| ())
    }
}

/// Ids of the one reaction to `agent` ending: it happens once, whoever does it.
pub fn release_seed(agent: AgentId) -> Seed {
    Seed::of(&["release", &agent.to_string()])
}
