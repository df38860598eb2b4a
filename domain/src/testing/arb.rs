//! Any value of any event: what the property tests feed the aggregates with.
//!
//! Ids come from a handful, so that commands and events meet the same things again and again. The
//! larger parts are boxed: a tree of them by value does not fit a test's stack.

mod exports;
mod runs;

pub use exports::*;
pub use runs::*;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use crate::agent::{AgentEvent, AgentSpec, Approvals, DefinitionRef, Failure, Guardrails};
use crate::api_key::{ApiKeyEvent, KeyDigest};
use crate::execution::ExecutionEvent;
use crate::file_operation::{FileChange, FileOperationEvent};
use crate::model::{ModelConfig, ModelSettings};
use crate::org::{OrgEvent, Plan};
use crate::pricing::{ComputePrice, ComputeUsage, Costs, StoragePrice, StorageUsage};
use crate::providers::{ProviderKind, ProvidersEvent};
use crate::secret::SecretEvent;
use crate::session::{
    LimitKind, Limits, MaxCost, Notice, Period, RunNumber, SessionEvent, Spender, Told,
};
use crate::settings::{ComputeChoice, SettingsEvent};
use crate::snapshot::SnapshotEvent;
use crate::validate::Metadata;
use crate::*;

macro_rules! few_ids {
    ($($fn:ident -> $id:ident,)*) => {
        $(pub fn $fn() -> impl Strategy<Value = $id> {
            (0u128..5).prop_map(|n| $id::from_uuid(Uuid::from_u128(n)))
        })*
    };
}

few_ids! {
    org_id -> OrgId,
    api_key_id -> ApiKeyId,
    session_id -> SessionId,
    agent_id -> AgentId,
    execution_id -> ExecutionId,
    file_operation_id -> FileOperationId,
    snapshot_id -> SnapshotId,
    task_id -> TaskId,
    definition_id -> DefinitionId,
    delivery_id -> DeliveryId,
    export_id -> ExportId,
}

/// Any time that RFC 3339 can write: the years 1 to 9999.
pub fn timestamp() -> impl Strategy<Value = Timestamp> {
    (-62_135_596_800_000i64..253_402_300_800_000).prop_map(Timestamp::from_millis)
}

fn text() -> BoxedStrategy<String> {
    prop_oneof![".{0,12}", Just(String::new()), Just("x".repeat(300))].boxed()
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            btree_map(text(), inner, 0..3).prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

pub fn metadata() -> BoxedStrategy<Metadata> {
    btree_map(text(), json(), 0..4).boxed()
}

pub fn model() -> BoxedStrategy<ModelConfig> {
    let settings = (
        option::of(text()),
        option::of(any::<u32>()),
        option::of(any::<f64>().prop_filter("JSON has no such number", |t| t.is_finite())),
        option::of(text()),
        option::of(text()),
        option::of(text()),
        option::of(text()),
    );
    let settings = settings.prop_map(
        |(id, max_tokens, temperature, provider, credential_ref, base_url, name)| ModelSettings {
            id,
            max_tokens,
            temperature,
            provider,
            credential_ref,
            base_url,
            name,
            fallbacks: vec![],
        },
    );
    let with_fallbacks = (settings, vec(text().prop_map(ModelConfig::Name), 0..3)).prop_map(
        |(settings, fallbacks)| ModelConfig::Settings(ModelSettings { fallbacks, ..settings }),
    );
    prop_oneof![text().prop_map(ModelConfig::Name), with_fallbacks].boxed()
}

pub fn provider() -> impl Strategy<Value = ProviderKind> {
    prop::sample::select(vec![
        ProviderKind::Local,
        ProviderKind::Docker,
        ProviderKind::E2b,
        ProviderKind::Fly,
        ProviderKind::Webhook,
        ProviderKind::Mock,
    ])
}

pub fn compute() -> impl Strategy<Value = ComputeChoice> {
    (option::of(provider()), option::of(text()))
        .prop_map(|(provider, credential_ref)| ComputeChoice { provider, credential_ref })
}

fn money() -> impl Strategy<Value = Money> {
    any::<Cents>().prop_map(|amount| Money { amount, currency: Currency::Usd })
}

pub fn limits() -> BoxedStrategy<Limits> {
    let period = prop::sample::select(vec![Period::Session, Period::Day, Period::Month]);
    let max_cost = (any::<Cents>(), period).prop_map(|(amount, period)| MaxCost {
        amount,
        currency: Currency::Usd,
        period,
    });
    (option::of(max_cost), option::of(0u32..4), option::of(any::<u64>()))
        .prop_map(|(max_cost, max_agents, max_compute_minutes)| Limits {
            max_cost,
            max_agents,
            max_compute_minutes,
        })
        .boxed()
}

fn pico() -> impl Strategy<Value = Pico> {
    any::<i128>().prop_map(Pico)
}

fn price() -> impl Strategy<Value = ComputePrice> {
    (text(), pico()).prop_map(|(id, pico_per_hour)| ComputePrice { id, pico_per_hour })
}

pub fn usage() -> impl Strategy<Value = ComputeUsage> {
    (text(), timestamp(), timestamp(), any::<u64>(), any::<u64>(), price(), pico()).prop_map(
        |(id, from, until, compute_millis, unbilled_millis, price, cost)| ComputeUsage {
            id,
            from,
            until,
            compute_millis,
            unbilled_millis,
            price,
            cost,
        },
    )
}

pub fn day() -> impl Strategy<Value = Day> {
    (-700_000i32..2_900_000).prop_map(Day::from_number)
}

pub fn costs() -> impl Strategy<Value = Costs> {
    vec((day(), pico()), 0..3).prop_map(|days| days.into_iter().collect())
}

fn spender() -> impl Strategy<Value = Spender> {
    prop_oneof![Just(Spender::Compute), Just(Spender::Models)]
}

fn told() -> impl Strategy<Value = Told> {
    let run = (any::<u32>(), any::<u32>()).prop_map(|(run, attempt)| RunNumber { run, attempt });
    (costs(), any::<u64>(), pico(), any::<u64>(), run).prop_map(
        |(spent, millis, held, held_millis, run)| Told { spent, millis, held, held_millis, run },
    )
}

fn limit_kind() -> impl Strategy<Value = LimitKind> {
    let kinds = [LimitKind::MaxCost, LimitKind::MaxComputeMinutes, LimitKind::CostCap];
    prop::sample::select(kinds.to_vec())
}

pub fn notice() -> impl Strategy<Value = Notice> {
    (limit_kind(), option::of(agent_id()), day(), any::<u64>(), any::<bool>()).prop_map(
        |(limit, agent_id, since, max, reached)| Notice { limit, agent_id, since, max, reached },
    )
}

fn storage_usage() -> impl Strategy<Value = StorageUsage> {
    let price =
        (text(), pico()).prop_map(|(id, pico_per_gib_hour)| StoragePrice { id, pico_per_gib_hour });
    (text(), day(), any::<u64>(), price, pico(), pico()).prop_map(
        |(id, day, byte_seconds, price, cost, waived)| StorageUsage {
            id,
            day,
            byte_seconds,
            price,
            cost,
            waived,
        },
    )
}

fn approvals() -> impl Strategy<Value = Approvals> {
    vec(text(), 0..3).prop_map(|tools| Approvals { tools })
}

fn definition_ref() -> impl Strategy<Value = DefinitionRef> {
    (definition_id(), any::<u32>()).prop_map(|(id, version)| DefinitionRef { id, version })
}

fn guardrails() -> impl Strategy<Value = Guardrails> {
    (any::<bool>(), option::of(vec(text(), 0..3)))
        .prop_map(|(block_pii, allowed_domains)| Guardrails { block_pii, allowed_domains })
}

pub fn spec() -> BoxedStrategy<Box<AgentSpec>> {
    let compute = (provider(), price(), option::of(text()), any::<bool>(), option::of(model()));
    let prompt = (option::of(text()), vec(text(), 0..3), any::<u32>(), option::of(money()));
    let rules =
        (option::of(approvals()), vec(text(), 0..3), option::of(guardrails()), vec(text(), 0..3));
    let origin = (option::of(definition_ref()), option::of(snapshot_id()));
    (compute, prompt, rules, metadata(), origin)
        .prop_map(|(compute, prompt, rules, metadata, (definition, snapshot_id))| {
            let (provider, price, credential_ref, browser, model) = compute;
            let (instructions, tools, timeout, cost_cap) = prompt;
            let (approvals, knowledge, guardrails, secrets) = rules;
            Box::new(AgentSpec {
                definition,
                provider,
                price,
                credential_ref,
                model,
                browser,
                instructions,
                tools,
                timeout,
                cost_cap,
                approvals,
                knowledge,
                guardrails,
                secrets,
                metadata,
                snapshot_id,
            })
        })
        .boxed()
}

pub fn failure() -> impl Strategy<Value = Failure> {
    (text(), text()).prop_map(|(code, message)| Failure { code, message })
}

pub fn sealed() -> impl Strategy<Value = Sealed> {
    (text(), text()).prop_map(|(key, data)| Sealed { key, data })
}

pub fn payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        sealed().prop_map(|sealed| Payload::Inline { sealed }),
        (text(), text(), text(), any::<u64>())
            .prop_map(|(key, blob, sha256, size)| Payload::Blob { key, blob, sha256, size }),
    ]
}

pub fn plan() -> impl Strategy<Value = Plan> {
    prop_oneof![
        Just(Plan::Free),
        Just(Plan::Cloud),
        Just(Plan::Team),
        any::<u32>().prop_map(|requests_per_minute| Plan::Enterprise { requests_per_minute }),
    ]
}

pub fn digest() -> impl Strategy<Value = KeyDigest> {
    (text(), text()).prop_map(|(sha256, hint)| KeyDigest { sha256, hint })
}

pub fn file_change() -> impl Strategy<Value = FileChange> {
    prop_oneof![
        (any::<u64>(), text()).prop_map(|(size, sha256)| FileChange::Write { size, sha256 }),
        Just(FileChange::Delete),
    ]
}

pub fn org_event() -> impl Strategy<Value = OrgEvent> {
    prop_oneof![
        (org_id(), text(), plan()).prop_map(|(org_id, name, plan)| OrgEvent::Created {
            org_id,
            name,
            plan
        }),
        plan().prop_map(|plan| OrgEvent::PlanChanged { plan }),
    ]
}

pub fn api_key_event() -> impl Strategy<Value = ApiKeyEvent> {
    prop_oneof![
        (api_key_id(), text(), digest()).prop_map(|(key_id, name, digest)| ApiKeyEvent::Created {
            key_id,
            name,
            digest
        }),
        digest().prop_map(|digest| ApiKeyEvent::Rotated { digest }),
        Just(ApiKeyEvent::Revoked {}),
    ]
}

pub fn session_event() -> impl Strategy<Value = SessionEvent> {
    let created =
        (session_id(), text(), limits(), option::of(model()), option::of(compute()), metadata());
    let updated =
        (option::of(limits()), option::of(model()), option::of(compute()), option::of(metadata()));
    prop_oneof![
        created.prop_map(|(session_id, user_id, limits, model, compute, metadata)| {
            SessionEvent::Created { session_id, user_id, limits, model, compute, metadata }
        }),
        updated.prop_map(|(limits, model, compute, metadata)| {
            SessionEvent::Updated { limits, model, compute, metadata }
        }),
        option::of(payload()).prop_map(|webhook| SessionEvent::WebhookSet { webhook }),
        (agent_id(), spec())
            .prop_map(|(agent_id, spec)| SessionEvent::AgentAdmitted { agent_id, spec }),
        (agent_id(), any::<bool>())
            .prop_map(|(agent_id, run_open)| SessionEvent::AgentReleased { agent_id, run_open }),
        (agent_id(), spender(), told()).prop_map(|(agent_id, spender, told)| {
            SessionEvent::ReservationChanged { agent_id, spender, told }
        }),
        notice().prop_map(|notice| SessionEvent::LimitWarning { notice }),
        notice().prop_map(|notice| SessionEvent::LimitReached { notice }),
        limit_kind().prop_map(|by| SessionEvent::Paused { by }),
        Just(SessionEvent::Resumed {}),
        storage_usage().prop_map(|usage| SessionEvent::StorageRecorded { usage }),
        Just(SessionEvent::Ended {}),
    ]
}

pub fn agent_event() -> impl Strategy<Value = AgentEvent> {
    prop_oneof![
        (agent_id(), session_id(), spec(), option::of(any::<u64>())).prop_map(
            |(agent_id, session_id, spec, funded_millis)| {
                AgentEvent::Created { agent_id, session_id, spec, funded_millis }
            }
        ),
        (session_id(), option::of(any::<u64>()), any::<u64>()).prop_map(
            |(session_id, millis, order)| AgentEvent::ComputeFunded { session_id, millis, order }
        ),
        (session_id(), text())
            .prop_map(|(session_id, host)| AgentEvent::Provisioned { session_id, host }),
        (session_id(), failure())
            .prop_map(|(session_id, failure)| AgentEvent::Failed { session_id, failure }),
        (snapshot_id(), any::<bool>()).prop_map(|(snapshot_id, by_limit)| {
            AgentEvent::PauseRequested { snapshot_id, by_limit }
        }),
        (session_id(), snapshot_id(), any::<u64>()).prop_map(|(session_id, snapshot_id, size)| {
            AgentEvent::Paused { session_id, snapshot_id, size }
        }),
        snapshot_id().prop_map(|snapshot_id| AgentEvent::ResumeRequested { snapshot_id }),
        (session_id(), text(), any::<bool>()).prop_map(|(session_id, host, memory)| {
            AgentEvent::Resumed { session_id, host, memory }
        }),
        failure().prop_map(|failure| AgentEvent::RequestFailed { failure }),
        text().prop_map(|reason| AgentEvent::TerminateRequested { reason }),
        session_id().prop_map(|session_id| AgentEvent::Terminated { session_id }),
        any::<u16>().prop_map(|port| AgentEvent::PortExposed { port }),
        any::<u16>().prop_map(|port| AgentEvent::PortClosed { port }),
        (session_id(), usage())
            .prop_map(|(session_id, usage)| AgentEvent::UsageRecorded { session_id, usage }),
        (session_id(), text())
            .prop_map(|(session_id, host)| AgentEvent::Recovered { session_id, host }),
        (session_id(), text())
            .prop_map(|(session_id, host)| AgentEvent::Placed { session_id, host }),
        (session_id(), task_id())
            .prop_map(|(session_id, task_id)| AgentEvent::RunStarted { session_id, task_id }),
        (session_id(), task_id(), pico(), costs()).prop_map(
            |(session_id, task_id, model_cost, model_costs)| {
                AgentEvent::RunEnded { session_id, task_id, model_cost, model_costs }
            }
        ),
        Just(AgentEvent::CompleteRequested {}),
        session_id().prop_map(|session_id| AgentEvent::Completed { session_id }),
    ]
}

pub fn execution_event() -> impl Strategy<Value = ExecutionEvent> {
    let completed =
        (session_id(), agent_id(), any::<i32>(), any::<u64>(), payload(), payload(), any::<bool>());
    prop_oneof![
        (execution_id(), session_id(), agent_id(), text(), payload()).prop_map(
            |(execution_id, session_id, agent_id, lang, code)| {
                ExecutionEvent::Requested { execution_id, session_id, agent_id, lang, code }
            }
        ),
        completed.prop_map(
            |(session_id, agent_id, exit_code, duration_ms, stdout, stderr, truncated)| {
                ExecutionEvent::Completed {
                    session_id,
                    agent_id,
                    exit_code,
                    duration_ms,
                    stdout,
                    stderr,
                    truncated,
                }
            }
        ),
        (session_id(), agent_id(), failure()).prop_map(|(session_id, agent_id, failure)| {
            ExecutionEvent::Failed { session_id, agent_id, failure }
        }),
    ]
}

pub fn file_operation_event() -> impl Strategy<Value = FileOperationEvent> {
    prop_oneof![
        (file_operation_id(), session_id(), agent_id(), text(), file_change()).prop_map(
            |(operation_id, session_id, agent_id, path, change)| {
                FileOperationEvent::Requested { operation_id, session_id, agent_id, path, change }
            }
        ),
        (session_id(), agent_id()).prop_map(|(session_id, agent_id)| {
            FileOperationEvent::Completed { session_id, agent_id }
        }),
        (session_id(), agent_id(), failure()).prop_map(|(session_id, agent_id, failure)| {
            FileOperationEvent::Failed { session_id, agent_id, failure }
        }),
    ]
}

pub fn snapshot_event() -> impl Strategy<Value = SnapshotEvent> {
    prop_oneof![
        (snapshot_id(), session_id(), agent_id(), provider(), any::<u64>()).prop_map(
            |(snapshot_id, session_id, agent_id, provider, size)| {
                SnapshotEvent::Created { snapshot_id, session_id, agent_id, provider, size }
            }
        ),
        (option::of(session_id()), option::of(any::<u64>()))
            .prop_map(|(session_id, size)| SnapshotEvent::Deleted { session_id, size }),
    ]
}

pub fn secret_event() -> impl Strategy<Value = SecretEvent> {
    prop_oneof![
        (text(), option::of(session_id()), any::<u32>(), sealed()).prop_map(
            |(name, session_id, version, value)| {
                SecretEvent::Set { name, session_id, version, value }
            }
        ),
        (text(), option::of(session_id()))
            .prop_map(|(name, session_id)| SecretEvent::Deleted { name, session_id }),
    ]
}

pub fn settings_event() -> impl Strategy<Value = SettingsEvent> {
    let customers = btree_map(text(), option::of(text()), 0..3);
    prop_oneof![
        (option::of(model()), option::of(compute()), option::of(any::<u8>())).prop_map(
            |(model, compute, billing_day)| SettingsEvent::Updated { model, compute, billing_day },
        ),
        (exporter(), option::of(text()), option::of(text()), customers).prop_map(
            |(exporter, event_name, meter_id, customers)| SettingsEvent::BillingUpdated {
                exporter,
                event_name,
                meter_id,
                customers,
            }
        ),
    ]
}

pub fn providers_event() -> impl Strategy<Value = ProvidersEvent> {
    prop_oneof![
        (provider(), sealed(), any::<bool>()).prop_map(|(provider, credentials, is_default)| {
            ProvidersEvent::Configured { provider, credentials, is_default }
        }),
        provider().prop_map(|provider| ProvidersEvent::Removed { provider }),
    ]
}
