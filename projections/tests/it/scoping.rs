//! Another org, or the other mode of the same org, sees nothing.

use std::ops::Range;

use theazo_domain::agent::AgentCommand;
use theazo_domain::api_key::{ApiKey, ApiKeyCommand, KeyDigest};
use theazo_domain::definition::{Definition, DefinitionCommand, DefinitionContent};
use theazo_domain::delivery::{About, Delivery, DeliveryCommand};
use theazo_domain::execution::{Execution, ExecutionCommand};
use theazo_domain::export::Exporter;
use theazo_domain::file_operation::{FileChange, FileOperation, FileOperationCommand};
use theazo_domain::model_prices::{ModelPrices, SetModelPrice};
use theazo_domain::pricing::Rates;
use theazo_domain::providers::{ProviderKind, Providers, ProvidersCommand};
use theazo_domain::secret::{Secret, SecretCommand};
use theazo_domain::session::Session;
use theazo_domain::settings::{Settings, SettingsPatch};
use theazo_domain::snapshot::{Snapshot, SnapshotCommand};
use theazo_domain::task::{TaskAgent, TaskStatus};
use theazo_domain::{
    AgentId, ApiKeyId, Day, DefinitionId, DeliveryId, ExecutionId, FileOperationId, Kind, Mode,
    Scope, SessionId, SnapshotId, StreamId, TaskId,
};
use theazo_projections::{
    AgentFilter, AuditFilter, ExecutionFilter, Page, ReadModels, SessionFilter, TaskFilter,
};

use crate::exports;
use crate::place::{Store, on_both};
use crate::support::{World, payload, scope, sealed};

pub struct Ids {
    session: SessionId,
    agent: AgentId,
    execution: ExecutionId,
    operation: FileOperationId,
    snapshot: SnapshotId,
    key: ApiKeyId,
    task: TaskId,
    definition: DefinitionId,
    delivery: DeliveryId,
    push: StreamId,
}

/// One of everything.
pub async fn one_of_each(world: &mut World, tenant: Scope) -> Ids {
    let session = world.session(tenant, "ann").await;
    let agent = world.agent(tenant, session).await;
    world.tell_agent(tenant, agent, AgentCommand::Provisioned { host: "h".to_owned() }).await;
    let existing = TaskAgent::Existing { agent_id: agent };
    let ids = Ids {
        task: world.submit(tenant, session, existing).await,
        definition: DefinitionId::from_uuid(world.fresh()),
        delivery: DeliveryId::from_uuid(world.fresh()),
        push: exports::start(world, tenant, Exporter::Stripe).await,
        session,
        agent,
        execution: ExecutionId::from_uuid(world.fresh()),
        operation: FileOperationId::from_uuid(world.fresh()),
        snapshot: SnapshotId::from_uuid(world.fresh()),
        key: ApiKeyId::from_uuid(world.fresh()),
    };
    let request = ExecutionCommand::Request {
        execution_id: ids.execution,
        session_id: session,
        agent_id: agent,
        lang: "bash".to_owned(),
        code: payload("code"),
    };
    world.command::<Execution>(StreamId::execution(tenant, ids.execution), request).await;
    let request = FileOperationCommand::Request {
        operation_id: ids.operation,
        session_id: session,
        agent_id: agent,
        path: "/workspace/a".to_owned(),
        change: FileChange::Delete,
    };
    world.command::<FileOperation>(StreamId::file_operation(tenant, ids.operation), request).await;
    let create = SnapshotCommand::Create {
        snapshot_id: ids.snapshot,
        session_id: session,
        agent_id: agent,
        provider: ProviderKind::Local,
        size: 1,
    };
    world.command::<Snapshot>(StreamId::snapshot(tenant, ids.snapshot), create).await;
    let digest = KeyDigest { sha256: "DIGEST".to_owned(), hint: "th_live_…abcd".to_owned() };
    let create = ApiKeyCommand::Create { key_id: ids.key, name: "ci".to_owned(), digest };
    world.command::<ApiKey>(StreamId::api_key(tenant, ids.key), create).await;
    for session_id in [None, Some(session)] {
        let set = SecretCommand::Set {
            name: "TOKEN".to_owned(),
            session_id,
            version: 1,
            value: sealed("v"),
        };
        let stream = Secret::stream(tenant, session_id, "TOKEN").unwrap();
        world.command::<Secret>(stream, set).await;
    }
    let patch = SettingsPatch { billing_day: Some(3), ..SettingsPatch::default() };
    world.command::<Settings>(StreamId::singleton(tenant, Kind::Settings), patch).await;
    let configure = ProvidersCommand::Configure {
        provider: ProviderKind::E2b,
        credentials: sealed("c"),
        is_default: true,
    };
    world.command::<Providers>(StreamId::singleton(tenant, Kind::Providers), configure).await;
    of_runs(world, tenant, &ids).await;
    exports::send(world, &ids.push, 1, vec![exports::record(1)]).await;
    ids
}

/// What there is besides sessions and agents for runs.
async fn of_runs(world: &mut World, tenant: Scope, ids: &Ids) {
    let content = Box::new(DefinitionContent::default());
    let (definition_id, name) = (ids.definition, "writer".to_owned());
    let create = DefinitionCommand::Create { definition_id, name, content };
    world.command::<Definition>(StreamId::definition(tenant, definition_id), create).await;
    let (delivery_id, session_id, task_id) = (ids.delivery, ids.session, ids.task);
    let url = payload("url");
    let request =
        DeliveryCommand::Request { delivery_id, session_id, about: About::Task { task_id }, url };
    world.command::<Delivery>(StreamId::delivery(tenant, delivery_id), request).await;
    let (model, rates) = ("m".to_owned(), Rates::default());
    let set = SetModelPrice { model, rates, long_prompt: None };
    world.command::<ModelPrices>(StreamId::singleton(tenant, Kind::ModelPrices), set).await;
}

/// How many rows each query of tasks, definitions, deliveries and prices gives to `tenant`.
async fn seen_of_runs(r: &ReadModels, tenant: Scope, ids: &Ids) -> Vec<(&'static str, usize)> {
    let page = Page::first(100);
    let some = |found: bool| usize::from(found);
    let of_session = TaskFilter { session_id: Some(ids.session), ..TaskFilter::default() };
    let queued = TaskFilter { status: Some(TaskStatus::Queued), ..of_session };
    let of_agent = TaskFilter { agent_id: Some(ids.agent), ..TaskFilter::default() };
    let about = AuditFilter { task_id: Some(ids.task.to_string()), ..AuditFilter::default() };
    let stream = StreamId::definition(tenant, ids.definition);
    vec![
        ("task", some(r.task(tenant, ids.task).await.unwrap().is_some())),
        ("tasks", r.tasks(tenant, TaskFilter::default(), page).await.unwrap().len()),
        ("tasks of session", r.tasks(tenant, of_session, page).await.unwrap().len()),
        ("queued tasks", r.tasks(tenant, queued, page).await.unwrap().len()),
        ("tasks of agent", r.tasks(tenant, of_agent, page).await.unwrap().len()),
        ("open of agent", r.open_tasks_of_agent(tenant, ids.agent).await.unwrap().len()),
        ("open of session", r.open_tasks_of_session(tenant, ids.session).await.unwrap().len()),
        ("definition", some(r.definition(tenant, ids.definition).await.unwrap().is_some())),
        ("by name", some(r.definition_by_name(tenant, "writer").await.unwrap().is_some())),
        ("named", some(r.newest_definition_named(tenant, "writer").await.unwrap().is_some())),
        ("definitions", r.definitions(tenant, true, page).await.unwrap().len()),
        ("delivery", some(r.delivery(tenant, ids.delivery).await.unwrap().is_some())),
        ("deliveries", r.deliveries_of_task(tenant, ids.task, page).await.unwrap().len()),
        ("model prices", some(r.model_prices(tenant).await.unwrap().is_some())),
        ("audit of task", r.audit(tenant, about, page).await.unwrap().len()),
        ("snapshot of", some(r.snapshot_of::<Definition>(&stream).await.unwrap().is_some())),
        ("billed", r.billed(tenant, days()).await.unwrap().len()),
        ("billed days", r.billed_days(tenant, days()).await.unwrap().len()),
        ("billed users", r.billed_users(tenant, days()).await.unwrap().len()),
    ]
}

/// All that this world's clock is ever in.
fn days() -> Range<Day> {
    Day::from_number(0)..Day::from_number(40_000)
}

/// How many rows every query gives to `tenant`.
pub async fn seen_by_any(
    reads: &ReadModels,
    tenant: Scope,
    ids: &Ids,
) -> Vec<(&'static str, usize)> {
    let (first, second) = (seen(reads, tenant, ids).await, seen_of_runs(reads, tenant, ids).await);
    [first, second, exports::seen(reads, tenant, &ids.push).await].concat()
}

/// Asks each query across tenants.
pub async fn walk_all(r: &ReadModels) {
    let page = Page::first(9);
    r.orgs(page).await.unwrap();
    r.org(scope(1, Mode::Live).org).await.unwrap();
    r.org_by_name("acme").await.unwrap();
    r.key_by_digest("DIGEST-1").await.unwrap();
    r.all_live(0, 9).await.unwrap();
    r.open_tasks(0, 9).await.unwrap();
    r.pending_deliveries(0, 9).await.unwrap();
    r.running_exports(0, 9).await.unwrap();
    r.sessions_holding_agents(0, 9).await.unwrap();
    r.unfinished_executions(0, 9).await.unwrap();
    r.unfinished_file_operations(0, 9).await.unwrap();
}

/// How many rows each other query gives to `tenant`.
async fn seen(reads: &ReadModels, tenant: Scope, ids: &Ids) -> Vec<(&'static str, usize)> {
    let page = Page::first(100);
    let some = |found: bool| usize::from(found);
    let of_agent = AgentFilter { session_id: Some(ids.session), state: None };
    let by_session = ExecutionFilter { session_id: Some(ids.session), agent_id: None };
    let by_agent = ExecutionFilter { session_id: None, agent_id: Some(ids.agent) };
    let about_session = AuditFilter { session_id: Some(ids.session), ..AuditFilter::default() };
    let about_agent = AuditFilter { agent_id: Some(ids.agent), ..AuditFilter::default() };
    let stream = StreamId::session(tenant, ids.session);
    let r = reads;
    vec![
        ("session", some(r.session(tenant, ids.session).await.unwrap().is_some())),
        ("sessions", r.sessions(tenant, SessionFilter::default(), page).await.unwrap().len()),
        ("user", some(r.latest_session_of_user(tenant, "ann").await.unwrap().is_some())),
        ("agent", some(r.agent(tenant, ids.agent).await.unwrap().is_some())),
        ("agents", r.agents(tenant, AgentFilter::default(), page).await.unwrap().len()),
        ("agents of session", r.agents(tenant, of_agent, page).await.unwrap().len()),
        (
            "live agents",
            r.live_agents_on(tenant, ProviderKind::Local).await.unwrap().try_into().unwrap(),
        ),
        ("execution", some(r.execution(tenant, ids.execution).await.unwrap().is_some())),
        ("executions", r.executions(tenant, by_session, page).await.unwrap().len()),
        ("executions of agent", r.executions(tenant, by_agent, page).await.unwrap().len()),
        ("operation", some(r.file_operation(tenant, ids.operation).await.unwrap().is_some())),
        ("snapshot", some(r.snapshot(tenant, ids.snapshot).await.unwrap().is_some())),
        ("snapshots", r.snapshots(tenant, None, page).await.unwrap().len()),
        ("snapshots of session", r.snapshots(tenant, Some(ids.session), page).await.unwrap().len()),
        ("secret", some(r.secret(tenant, None, "TOKEN").await.unwrap().is_some())),
        (
            "secret of session",
            some(r.secret(tenant, Some(ids.session), "TOKEN").await.unwrap().is_some()),
        ),
        ("secrets", r.secrets(tenant, None, page).await.unwrap().len()),
        ("secrets of session", r.secrets(tenant, Some(ids.session), page).await.unwrap().len()),
        ("api key", some(r.api_key(tenant, ids.key).await.unwrap().is_some())),
        ("api keys", r.api_keys(tenant, page).await.unwrap().len()),
        ("settings", some(r.settings(tenant).await.unwrap().is_some())),
        ("providers", some(r.providers(tenant).await.unwrap().is_some())),
        ("audit", r.audit(tenant, AuditFilter::default(), page).await.unwrap().len()),
        ("audit of session", r.audit(tenant, about_session, page).await.unwrap().len()),
        ("audit of agent", r.audit(tenant, about_agent, page).await.unwrap().len()),
        ("chain", some(r.chain_head(tenant).await.unwrap().is_some())),
        ("chain checkpoints", r.chain_checkpoints(tenant, page).await.unwrap().len()),
        ("snapshot of", some(r.snapshot_of::<Session>(&stream).await.unwrap().is_some())),
    ]
}

on_both!(nothing_is_seen_across_tenants);
async fn nothing_is_seen_across_tenants(on: Store) {
    let mut world = World::new(on).await;
    let owner = scope(1, Mode::Live);
    let ids = one_of_each(&mut world, owner).await;
    world.project().await;
    for (query, rows) in seen_by_any(&world.reads, owner, &ids).await {
        assert!(rows > 0, "the owner sees nothing by {query}");
    }
    for stranger in [scope(1, Mode::Test), scope(2, Mode::Live), scope(2, Mode::Test)] {
        for (query, rows) in seen_by_any(&world.reads, stranger, &ids).await {
            assert_eq!(rows, 0, "{stranger:?} sees rows by {query}");
        }
    }
}

on_both!(no_ciphertext_and_no_hash_is_in_the_audit_or_in_a_list_of_secrets);
async fn no_ciphertext_and_no_hash_is_in_the_audit_or_in_a_list_of_secrets(on: Store) {
    let mut world = World::new(on).await;
    let owner = scope(1, Mode::Live);
    one_of_each(&mut world, owner).await;
    world.project().await;
    let page = Page::first(100);
    let events = world.reads.audit(owner, AuditFilter::default(), page).await.unwrap();
    let shown: String = events.iter().map(|row| row.value.data.get()).collect();
    assert!(shown.contains("th_live_…abcd") && shown.contains("org#1"), "{shown}");
    for hidden in ["CIPHERTEXT", "DIGEST"] {
        assert!(!shown.contains(hidden), "{hidden} is in {shown}");
    }
    let secrets = world.reads.secrets(owner, None, page).await.unwrap();
    assert!(!format!("{secrets:?}").contains("CIPHERTEXT"));
    let tables = world.dump().await;
    assert!(!format!("{:?}", tables["audit"]).contains("CIPHERTEXT"));
}
