//! What the golden files hold, as values. Optional fields are absent in one example of a type and
//! present in another.

mod exports;
mod runs;

use serde_json::json;
use theazo_domain::agent::{AgentEvent, AgentSpec, Approvals, Failure, Guardrails};
use theazo_domain::api_key::{ApiKeyEvent, KeyDigest};
use theazo_domain::execution::ExecutionEvent;
use theazo_domain::file_operation::{FileChange, FileOperationEvent};
use theazo_domain::model::{ModelConfig, ModelSettings};
use theazo_domain::org::{OrgEvent, Plan};
use theazo_domain::pricing::{ComputePrice, ComputeUsage, Costs, StorageUsage};
use theazo_domain::providers::{ProviderKind, ProvidersEvent};
use theazo_domain::secret::SecretEvent;
use theazo_domain::session::{
    LimitKind, Limits, MaxCost, Notice, Period, RunNumber, SessionEvent, Spender, Told,
};
use theazo_domain::settings::{ComputeChoice, SettingsEvent};
use theazo_domain::snapshot::SnapshotEvent;
use theazo_domain::validate::Metadata;
use theazo_domain::*;
use uuid::Uuid;

fn bits(last: u128) -> Uuid {
    Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_0000 | last)
}

fn session_id() -> SessionId {
    SessionId::from_uuid(bits(1))
}

fn agent_id() -> AgentId {
    AgentId::from_uuid(bits(2))
}

fn snapshot_id() -> SnapshotId {
    SnapshotId::from_uuid(bits(3))
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn metadata() -> Metadata {
    let nested = json!({ "seats": 3, "ratio": 0.1, "tags": ["a", null, true] });
    [(text("plan"), json!("pro")), (text("team"), nested)].into()
}

fn limits() -> Limits {
    let max_cost = MaxCost { amount: 500, currency: Currency::Usd, period: Period::Day };
    Limits { max_cost: Some(max_cost), max_agents: Some(3), max_compute_minutes: Some(60) }
}

fn model() -> ModelConfig {
    ModelConfig::Settings(ModelSettings {
        id: Some(text("claude-sonnet-4-20250514")),
        max_tokens: Some(4_096),
        temperature: Some(0.7),
        provider: Some(text("anthropic")),
        credential_ref: Some(text("anthropic_key")),
        base_url: Some(text("https://gateway.example.com/v1")),
        name: Some(text("sonnet")),
        fallbacks: vec![],
    })
}

fn compute() -> ComputeChoice {
    ComputeChoice { provider: Some(ProviderKind::E2b), credential_ref: Some(text("e2b_key")) }
}

fn bare_spec() -> AgentSpec {
    AgentSpec {
        definition: None,
        provider: ProviderKind::Local,
        price: ComputePrice {
            id: text("compute.local.2026-11"),
            pico_per_hour: Pico(3_000_000_000_000),
        },
        credential_ref: None,
        model: None,
        browser: false,
        instructions: None,
        tools: vec![],
        timeout: 300,
        cost_cap: None,
        approvals: None,
        knowledge: vec![],
        guardrails: None,
        secrets: vec![],
        metadata: Metadata::new(),
        snapshot_id: None,
    }
}

fn full_spec() -> AgentSpec {
    AgentSpec {
        credential_ref: Some(text("e2b_key")),
        model: Some(model()),
        browser: true,
        instructions: Some(text("Be concise.")),
        tools: vec![text("web_search")],
        cost_cap: Some(Money { amount: 200, currency: Currency::Usd }),
        approvals: Some(Approvals { tools: vec![text("http_request")] }),
        knowledge: vec![text("kb_docs")],
        guardrails: Some(Guardrails {
            block_pii: true,
            allowed_domains: Some(vec![text("*.wikipedia.org")]),
        }),
        secrets: vec![text("OPENAI_API_KEY")],
        metadata: metadata(),
        snapshot_id: Some(snapshot_id()),
        ..bare_spec()
    }
}

fn failure() -> Failure {
    Failure { code: text("provider_error"), message: text("The sandbox's disk is full.") }
}

fn sealed() -> Sealed {
    Sealed { key: text("org#1"), data: text("c2VhbGVk") }
}

fn inline() -> Payload {
    Payload::Inline { sealed: sealed() }
}

fn blob() -> Payload {
    Payload::Blob {
        key: text("ses_01JW#1"),
        blob: text("exe/stdout"),
        sha256: text("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
        size: 70_000,
    }
}

pub fn all() -> Vec<Event> {
    let lives = [orgs(), sessions(), agents(), usage(), executions(), files(), others()].concat();
    [lives, agent_runs(), runs::all(), exports::all()].concat()
}

fn orgs() -> Vec<Event> {
    let org_id = OrgId::from_uuid(bits(4));
    let plans =
        [Plan::Free, Plan::Cloud, Plan::Team, Plan::Enterprise { requests_per_minute: 5_000 }];
    let digest = || KeyDigest { sha256: text("60303ae2"), hint: text("th_live_…wxyz") };
    let created = plans.map(|plan| OrgEvent::Created { org_id, name: text("Acme"), plan }.into());
    let changed = plans.map(|plan| OrgEvent::PlanChanged { plan }.into());
    let key_id = ApiKeyId::from_uuid(bits(5));
    let keys = [
        ApiKeyEvent::Created { key_id, name: text("backend"), digest: digest() }.into(),
        ApiKeyEvent::Rotated { digest: digest() }.into(),
        ApiKeyEvent::Revoked {}.into(),
    ];
    created.into_iter().chain(changed).chain(keys).collect()
}

fn sessions() -> Vec<Event> {
    let created = |limits, model, compute, metadata| SessionEvent::Created {
        session_id: session_id(),
        user_id: text("user_123"),
        limits,
        model,
        compute,
        metadata,
    };
    let updated = |limits, model, compute, metadata| SessionEvent::Updated {
        limits,
        model,
        compute,
        metadata,
    };
    let by_name = ModelConfig::Name(text("anthropic/claude-sonnet"));
    let admitted =
        |spec| SessionEvent::AgentAdmitted { agent_id: agent_id(), spec: Box::new(spec) };
    [
        created(Limits::default(), None, None, Metadata::new()),
        created(limits(), Some(model()), Some(compute()), metadata()),
        updated(None, None, None, None),
        updated(Some(limits()), Some(by_name), Some(ComputeChoice::default()), Some(metadata())),
        SessionEvent::WebhookSet { webhook: Some(inline()) },
        SessionEvent::WebhookSet { webhook: None },
        admitted(bare_spec()),
        admitted(full_spec()),
        SessionEvent::AgentReleased { agent_id: agent_id(), run_open: false },
        SessionEvent::StorageRecorded { usage: stored(Pico(1_000_000_000_000)) },
        SessionEvent::StorageRecorded { usage: stored(Pico(12)) },
        SessionEvent::AgentReleased { agent_id: agent_id(), run_open: true },
        reserved(Spender::Compute, Told { spent: costs(), millis: 61_000, ..Told::default() }),
        reserved(Spender::Compute, Told { held: Pico(9), held_millis: 60_000, ..Told::default() }),
        reserved(
            Spender::Models,
            Told {
                spent: costs(),
                held: Pico(7),
                run: RunNumber { run: 3, attempt: 1 },
                ..Told::default()
            },
        ),
        SessionEvent::LimitWarning { notice: notice(LimitKind::MaxCost, false) },
        SessionEvent::LimitWarning { notice: notice(LimitKind::CostCap, false) },
        SessionEvent::LimitReached { notice: notice(LimitKind::MaxCost, true) },
        SessionEvent::LimitReached { notice: notice(LimitKind::CostCap, true) },
        SessionEvent::Paused { by: LimitKind::MaxComputeMinutes },
        SessionEvent::Resumed {},
        SessionEvent::Ended {},
    ]
    .map(Event::from)
    .into()
}

fn agents() -> Vec<Event> {
    let (agent_id, session_id, snapshot_id) = (agent_id(), session_id(), snapshot_id());
    [
        AgentEvent::Created {
            agent_id,
            session_id,
            spec: Box::new(bare_spec()),
            funded_millis: None,
        },
        AgentEvent::Created {
            agent_id,
            session_id,
            spec: Box::new(full_spec()),
            funded_millis: None,
        },
        AgentEvent::Created {
            agent_id,
            session_id,
            spec: Box::new(bare_spec()),
            funded_millis: Some(60_000),
        },
        AgentEvent::ComputeFunded { session_id, millis: Some(120_000), order: 77 },
        AgentEvent::ComputeFunded { session_id, millis: None, order: 78 },
        AgentEvent::PauseRequested { snapshot_id, by_limit: true },
        AgentEvent::Provisioned { session_id, host: text("worker-1") },
        AgentEvent::Placed { session_id, host: text("worker-1") },
        AgentEvent::Failed { session_id, failure: failure() },
        AgentEvent::PauseRequested { snapshot_id, by_limit: false },
        AgentEvent::Paused { session_id, snapshot_id, size: 1_048_576 },
        AgentEvent::ResumeRequested { snapshot_id },
        AgentEvent::Resumed { session_id, host: text("worker-1"), memory: true },
        AgentEvent::RequestFailed { failure: failure() },
        AgentEvent::TerminateRequested { reason: text("api") },
        AgentEvent::Terminated { session_id },
        AgentEvent::PortExposed { port: 8_080 },
        AgentEvent::PortClosed { port: 8_080 },
    ]
    .map(Event::from)
    .into()
}

fn agent_runs() -> Vec<Event> {
    let (session_id, task_id) = (session_id(), TaskId::from_uuid(bits(8)));
    [
        AgentEvent::Recovered { session_id, host: text("worker-1") },
        AgentEvent::RunStarted { session_id, task_id },
        AgentEvent::RunEnded {
            session_id,
            task_id,
            model_cost: Pico(1_234_567_890),
            model_costs: Costs::default(),
        },
        AgentEvent::RunEnded {
            session_id,
            task_id,
            model_cost: costs().total(),
            model_costs: costs(),
        },
        AgentEvent::CompleteRequested {},
        AgentEvent::Completed { session_id },
    ]
    .map(Event::from)
    .into()
}

fn costs() -> Costs {
    let days = [(2026, 11, 27), (2026, 11, 28)];
    let days =
        days.map(|(y, m, d)| (Day::from_ymd(y, m, d).expect("a date"), Pico(50_000_833_333)));
    days.into_iter().collect()
}

fn reserved(spender: Spender, told: Told) -> SessionEvent {
    SessionEvent::ReservationChanged { agent_id: agent_id(), spender, told }
}

fn notice(limit: LimitKind, reached: bool) -> Notice {
    let since = Day::from_ymd(2026, 11, 1).expect("a date");
    let agent_id = (limit == LimitKind::CostCap).then(agent_id);
    Notice { limit, agent_id, since, max: 500, reached }
}

/// Of a day with room for so much.
fn stored(room: Pico) -> StorageUsage {
    let day = Day::from_ymd(2026, 11, 27).expect("a date");
    StorageUsage::of(session_id(), day, 86_400 << 30, room)
}

fn usage() -> Vec<Event> {
    let usage = ComputeUsage {
        id: format!("compute/{}/0", agent_id()),
        from: Timestamp::from_millis(1_790_000_000_000),
        until: Timestamp::from_millis(1_790_000_060_001),
        compute_millis: 60_001,
        unbilled_millis: 0,
        price: bare_spec().price,
        cost: Pico(50_000_833_333),
    };
    let past_the_cap = ComputeUsage { unbilled_millis: 250, ..usage.clone() };
    let recorded = |usage| AgentEvent::UsageRecorded { session_id: session_id(), usage }.into();
    vec![recorded(usage), recorded(past_the_cap)]
}

fn executions() -> Vec<Event> {
    let (session_id, agent_id) = (session_id(), agent_id());
    let requested = |code| ExecutionEvent::Requested {
        execution_id: ExecutionId::from_uuid(bits(6)),
        session_id,
        agent_id,
        lang: text("python"),
        code,
    };
    let completed = |stdout, truncated| ExecutionEvent::Completed {
        session_id,
        agent_id,
        exit_code: -1,
        duration_ms: 312,
        stdout,
        stderr: inline(),
        truncated,
    };
    [
        requested(inline()),
        requested(blob()),
        completed(inline(), false),
        completed(blob(), true),
        ExecutionEvent::Failed { session_id, agent_id, failure: failure() },
    ]
    .map(Event::from)
    .into()
}

fn files() -> Vec<Event> {
    let (session_id, agent_id) = (session_id(), agent_id());
    let requested = |change| FileOperationEvent::Requested {
        operation_id: FileOperationId::from_uuid(bits(7)),
        session_id,
        agent_id,
        path: text("/workspace/report.pdf"),
        change,
    };
    [
        requested(FileChange::Write { size: 12, sha256: text("e3b0c442") }),
        requested(FileChange::Delete),
        FileOperationEvent::Completed { session_id, agent_id },
        FileOperationEvent::Failed { session_id, agent_id, failure: failure() },
    ]
    .map(Event::from)
    .into()
}

fn others() -> Vec<Event> {
    let name = || text("OPENAI_API_KEY");
    let (session_id, snapshot_id) = (session_id(), snapshot_id());
    let provider = ProviderKind::Local;
    let created =
        SnapshotEvent::Created { snapshot_id, session_id, agent_id: agent_id(), provider, size: 9 };
    let settings = |model, compute, billing_day| {
        Event::from(SettingsEvent::Updated { model, compute, billing_day })
    };
    let billing = |event_name, meter_id, customers| {
        let exporter = theazo_domain::export::Exporter::Stripe;
        Event::from(SettingsEvent::BillingUpdated { exporter, event_name, meter_id, customers })
    };
    let customers = [(text("user_1"), Some(text("cus_1"))), (text("user_2"), None)];
    vec![
        created.into(),
        SnapshotEvent::Deleted { session_id: None, size: None }.into(),
        SnapshotEvent::Deleted { session_id: Some(session_id), size: Some(9) }.into(),
        SecretEvent::Set { name: name(), session_id: None, version: 1, value: sealed() }.into(),
        SecretEvent::Set {
            name: name(),
            session_id: Some(session_id),
            version: 2,
            value: sealed(),
        }
        .into(),
        SecretEvent::Deleted { name: name(), session_id: None }.into(),
        SecretEvent::Deleted { name: name(), session_id: Some(session_id) }.into(),
        billing(None, None, [].into()),
        billing(Some(text("theazo_cost")), Some(text("mtr_1")), customers.into()),
        settings(None, None, None),
        settings(Some(model()), Some(compute()), Some(28)),
        ProvidersEvent::Configured {
            provider: ProviderKind::E2b,
            credentials: sealed(),
            is_default: true,
        }
        .into(),
        ProvidersEvent::Removed { provider: ProviderKind::E2b }.into(),
    ]
}
