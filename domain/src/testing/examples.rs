//! Plain values for tests that are about something else.

use uuid::Uuid;

use crate::agent::{AgentSpec, Failure, TIMEOUT_DEFAULT_S};
use crate::pricing::ComputePrice;
use crate::providers::ProviderKind;
use crate::validate::Metadata;
use crate::*;

pub fn org_id() -> OrgId {
    OrgId::from_uuid(Uuid::from_u128(1))
}

pub fn session_id() -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(2))
}

pub fn agent_id(n: u128) -> AgentId {
    AgentId::from_uuid(Uuid::from_u128(n))
}

pub fn snapshot_id(n: u128) -> SnapshotId {
    SnapshotId::from_uuid(Uuid::from_u128(n))
}

/// An agent on the local provider with nothing special.
pub fn spec() -> Box<AgentSpec> {
    Box::new(AgentSpec {
        provider: ProviderKind::Local,
        price: ComputePrice::of("local"),
        credential_ref: None,
        model: None,
        browser: false,
        instructions: None,
        tools: vec![],
        timeout: TIMEOUT_DEFAULT_S,
        cost_cap: None,
        approvals: None,
        knowledge: vec![],
        guardrails: None,
        secrets: vec![],
        metadata: Metadata::new(),
        snapshot_id: None,
    })
}

pub fn failure() -> Failure {
    Failure { code: "provider_error".to_owned(), message: "The disk is full.".to_owned() }
}

pub fn sealed() -> Sealed {
    Sealed { key: "org#1".to_owned(), data: "bm9uY2U".to_owned() }
}

pub fn payload() -> Payload {
    Payload::Inline { sealed: sealed() }
}
