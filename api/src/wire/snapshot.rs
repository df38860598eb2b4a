//! Snapshots as the API shows them.

use serde::{Deserialize, Serialize};
use theazo_domain::{AgentId, SessionId, SnapshotId, Timestamp, snapshot};
use utoipa::{IntoParams, ToSchema};

/// An agent's files as they were at a pause.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    #[schema(value_type = String, example = "snp_01HX0000000000000000000001")]
    id: SnapshotId,
    #[schema(value_type = String, example = "ses_01HX0000000000000000000001")]
    session_id: SessionId,
    #[schema(value_type = String, example = "agt_01HX0000000000000000000001")]
    agent_id: AgentId,
    /// The provider that keeps it; an agent that starts from it runs there too.
    #[schema(example = "local")]
    provider: &'static str,
    /// Bytes.
    size: u64,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<snapshot::Snapshot> for Snapshot {
    fn from(snapshot: snapshot::Snapshot) -> Self {
        Self {
            id: snapshot.id,
            session_id: snapshot.session_id,
            agent_id: snapshot.agent_id,
            provider: snapshot.provider.as_str(),
            size: snapshot.size,
            created_at: snapshot.created_at,
        }
    }
}

/// Which snapshots to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListSnapshots {
    /// How many to show, 1 to 100. Default: 25.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// The `nextCursor` of the page before.
    pub cursor: Option<String>,
    /// Only snapshots of this session's agents.
    #[param(value_type = Option<String>)]
    pub session_id: Option<SessionId>,
}
