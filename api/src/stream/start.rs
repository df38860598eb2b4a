//! Where a stream begins when its reader does not say, and where there is nothing left of it.

use theazo_domain::{AgentId, StreamId};
use theazo_log::{EventLog, LogError, Position};

use super::script::AgentScript;
use super::{Cursor, Streams};
use crate::error::ApiError;

impl Streams {
    /// The beginning of the agent's run that is under way; without one, the newest thing that
    /// happened to the agent.
    pub async fn start_of_agent(&self, key: &StreamId, id: AgentId) -> Result<Cursor, ApiError> {
        let log = self.0.scene.log();
        let position = newest(&**log, key, id).await?;
        Ok(Cursor::after(Position(position.0.saturating_sub(1))))
    }

    /// Whether a reader at `cursor` has everything that will ever be told.
    pub async fn is_over_at(&self, key: &StreamId, cursor: Cursor) -> Result<bool, ApiError> {
        let teller = self.teller(key, cursor).await;
        Ok(teller.map_err(|trouble| ApiError::unavailable(&trouble))?.is_over())
    }
}

async fn newest(log: &dyn EventLog, key: &StreamId, id: AgentId) -> Result<Position, LogError> {
    let mut agent = AgentScript::new(key.clone(), id);
    let (mut run, mut told) = (Position::START, Position::START);
    let mut beats = Vec::new();
    for commit in log.read_stream(key, Position::START).await? {
        let before = agent.works_on();
        agent.play(&commit, &mut beats);
        if !beats.is_empty() {
            told = commit.position;
            beats.clear();
        }
        if agent.works_on() != before {
            run = commit.position;
        }
    }
    Ok(if agent.works_on().is_some() { run } else { told })
}
