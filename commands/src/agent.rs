//! Agents: admitted by their session, then created; and what is asked of them.

use theazo_domain::agent::{Agent, AgentCommand, AgentSpec, AgentState};
use theazo_domain::session::{Reserve, Session, SessionCommand, Spender};
use theazo_domain::{AgentId, SessionId, SnapshotId, StreamId};

use crate::{CommandError, Commander, Done, Origin, Seed, now};

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
        let admitted = self.execute::<Session>(origin, &stream, &admit).await?.state;
        self.create_admitted_agent(origin, &admitted, agent_id, spec).await
    }

    /// Creates an agent that `session` has admitted; once, however often it is called.
    pub async fn create_admitted_agent(
        &self,
        origin: &Origin,
        session: &Session,
        agent_id: AgentId,
        spec: Box<AgentSpec>,
    ) -> Result<Done<Agent>, CommandError> {
        let (session_id, funded_millis) = (session.id, first_slice(session, agent_id));
        let stream = StreamId::agent(origin.scope, agent_id);
        let create = AgentCommand::Create { agent_id, session_id, spec, funded_millis };
        self.execute_new(origin, &stream, &create).await
    }

    /// Asks a paused agent to go on, where its session has something left for it.
    pub async fn resume_agent(
        &self,
        origin: &Origin,
        id: AgentId,
        snapshot_id: Option<SnapshotId>,
    ) -> Result<Done<Agent>, CommandError> {
        let agent = self.load::<Agent>(&StreamId::agent(origin.scope, id)).await?.state;
        if let Some(agent) = agent.filter(|agent| agent.state == AgentState::Paused) {
            let stream = StreamId::session(origin.scope, agent.session_id);
            let session = self.load::<Session>(&stream).await?.state;
            session.map_or(Ok(()), |session| session.has_something_left(now()))?;
        }
        self.agent(origin, id, &AgentCommand::RequestResume { snapshot_id }).await
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

    /// The place of `agent`, which has ended, is free again in its session; what it has used is
    /// told.
    pub async fn release_agent(&self, origin: &Origin, agent: &Agent) -> Result<(), CommandError> {
        let stream = StreamId::session(origin.scope, agent.session_id);
        let models = agent.models_spent();
        let run_open = agent.task.is_some();
        let spent = match run_open {
            true => vec![agent.compute_spent()],
            false => vec![agent.compute_spent(), models],
        };
        let release = SessionCommand::ReleaseAgent { agent_id: agent.id, spent, run_open };
        self.execute::<Session>(origin, &stream, &release).await.map(|_| ())
    }

    /// Tells the session what a spender has used, and reserves what it needs; answers the session
    /// after it, which says what it got. Those that meet are made by one commit.
    pub async fn reserve(
        &self,
        origin: &Origin,
        session: SessionId,
        reserve: Reserve,
    ) -> Result<Done<Session>, CommandError> {
        let stream = StreamId::session(origin.scope, session);
        self.reserve_together(origin, &stream, reserve).await
    }
}

/// The compute that the session reserved for an agent when it admitted it; none where no limit asks
/// for it.
fn first_slice(session: &Session, agent: AgentId) -> Option<u64> {
    let compute = session.budget.side(agent, Spender::Compute).filter(|_| session.bounds(agent))?;
    Some(compute.held_millis)
}

/// Ids of the one reaction to `agent` ending: it happens once, whoever does it.
pub fn release_seed(agent: AgentId) -> Seed {
    Seed::of(&["release", &agent.to_string()])
}
