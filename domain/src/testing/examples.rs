//! Plain values for tests that are about something else.

use uuid::Uuid;

use crate::agent::{AgentSpec, Failure, TIMEOUT_DEFAULT_S};
use crate::pricing::{ComputePrice, ModelUsage, PriceBasis, TokenUsage};
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

pub fn task_id(n: u128) -> TaskId {
    TaskId::from_uuid(Uuid::from_u128(n))
}

/// An agent on the local provider with nothing special.
pub fn spec() -> Box<AgentSpec> {
    Box::new(AgentSpec {
        definition: None,
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

/// Of a model call that came to so many picodollars, with ten tokens in and one out.
pub fn model_usage(cost: i128) -> ModelUsage {
    ModelUsage {
        id: "model/1".to_owned(),
        model: "sonnet".to_owned(),
        at: Timestamp::from_millis(1_790_000_000_000),
        tokens: TokenUsage { input: 10, output: 1, ..TokenUsage::default() },
        basis: PriceBasis::Reported,
        price: None,
        fee: None,
        cost: Pico(cost),
        waived: Pico::ZERO,
    }
}
