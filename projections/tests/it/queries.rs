use theazo_domain::agent::{AgentCommand, AgentState};
use theazo_domain::api_key::{ApiKey, ApiKeyCommand, KeyDigest};
use theazo_domain::execution::{Execution, ExecutionCommand};
use theazo_domain::file_operation::{FileChange, FileOperation, FileOperationCommand};
use theazo_domain::org::{Org, OrgCommand, Plan};
use theazo_domain::providers::ProviderKind;
use theazo_domain::secret::{Secret, SecretCommand};
use theazo_domain::session::{Session, SessionCommand, SessionStatus};
use theazo_domain::snapshot::{Snapshot, SnapshotCommand};
use theazo_domain::{
    ApiKeyId, ExecutionId, FileOperationId, Mode, OrgId, Scope, SessionId, SnapshotId, StreamId,
};
use theazo_projections::{AgentFilter, ExecutionFilter, Page, Row, SessionFilter, SessionView};

use crate::place::{Store, on_both};
use crate::support::{PATIENCE, World, live, payload, sealed, uuid};

fn ids(rows: &[Row<SessionView>]) -> Vec<SessionId> {
    rows.iter().map(|row| row.value.session.id).collect()
}

on_both!(pages_do_not_shift_while_rows_are_added);
async fn pages_do_not_shift_while_rows_are_added(on: Store) {
    let mut world = World::new(on).await;
    let running = world.start();
    let mut made = Vec::new();
    for _ in 0..25 {
        made.push(world.session(live(1), "ann").await);
    }
    assert!(world.reads.wait_for(world.head().await, PATIENCE).await);
    let mut listed = Vec::new();
    let mut page = Page::first(10);
    loop {
        let rows = world.reads.sessions(live(1), SessionFilter::default(), page).await.unwrap();
        let Some(last) = rows.last() else { break };
        page.before = Some(last.seq);
        listed.extend(ids(&rows));
        world.session(live(1), "ben").await;
        assert!(world.reads.wait_for(world.head().await, PATIENCE).await);
    }
    made.reverse();
    assert_eq!(listed, made);
    running.stop().await;
}

on_both!(sessions_are_found_by_user_and_status);
async fn sessions_are_found_by_user_and_status(on: Store) {
    let mut world = World::new(on).await;
    let first = world.session(live(1), "ann").await;
    let other = world.session(live(1), "ben").await;
    let second = world.session(live(1), "ann").await;
    world.command::<Session>(StreamId::session(live(1), second), SessionCommand::End).await;
    world.agent(live(1), other).await;
    world.project().await;
    let list = async |user: Option<&str>, status| {
        let filter = SessionFilter { user_id: user.map(str::to_owned), status };
        ids(&world.reads.sessions(live(1), filter, Page::first(9)).await.unwrap())
    };
    assert_eq!(list(None, None).await, [second, other, first]);
    assert_eq!(list(Some("ann"), None).await, [second, first]);
    assert_eq!(list(Some("ann"), Some(SessionStatus::Active)).await, [first]);
    assert_eq!(list(None, Some(SessionStatus::Ended)).await, [second]);
    assert_eq!(list(Some("ann' OR 1=1 --"), None).await, []);
    let latest = world.reads.latest_session_of_user(live(1), "ann").await.unwrap().unwrap();
    assert_eq!(latest.value.session.id, second);
    let holding = world.reads.sessions_holding_agents(0, 9).await.unwrap();
    assert_eq!(holding.len(), 1);
    assert_eq!((holding[0].scope, holding[0].row.value.session.id), (live(1), other));
}

on_both!(agents_are_found_by_session_state_and_provider);
async fn agents_are_found_by_session_state_and_provider(on: Store) {
    let mut world = World::new(on).await;
    let session = world.session(live(1), "ann").await;
    let idle = world.agent(live(1), session).await;
    world.tell_agent(live(1), idle, AgentCommand::Provisioned { host: "h".to_owned() }).await;
    let over = world.agent(live(1), session).await;
    world.tell_agent(live(1), over, AgentCommand::Terminated).await;
    let other = world.session(live(2), "ben").await;
    let elsewhere = world.agent(live(2), other).await;
    world.project().await;
    let list = async |session_id, state| {
        let filter = AgentFilter { session_id, state };
        let rows = world.reads.agents(live(1), filter, Page::first(9)).await.unwrap();
        rows.iter().map(|row| row.value.id).collect::<Vec<_>>()
    };
    assert_eq!(list(Some(session), None).await, [over, idle]);
    assert_eq!(list(None, Some(AgentState::Idle)).await, [idle]);
    assert_eq!(world.reads.live_agents_on(live(1), ProviderKind::Local).await.unwrap(), 1);
    assert_eq!(world.reads.live_agents_on(live(1), ProviderKind::E2b).await.unwrap(), 0);
    let page = world.reads.all_live(0, 1).await.unwrap();
    assert_eq!((page[0].scope, page[0].row.value.id), (live(1), idle));
    let page = world.reads.all_live(page[0].row.seq, 9).await.unwrap();
    assert_eq!((page.len(), page[0].scope, page[0].row.value.id), (1, live(2), elsewhere));
}

on_both!(what_has_no_outcome_is_found_across_orgs);
async fn what_has_no_outcome_is_found_across_orgs(on: Store) {
    let mut world = World::new(on).await;
    let mut unfinished = Vec::new();
    for n in 1..=2 {
        let session_id = world.session(live(n), "ann").await;
        let agent_id = world.agent(live(n), session_id).await;
        for done in [true, false] {
            let execution_id = ExecutionId::from_uuid(world.fresh());
            let stream = StreamId::execution(live(n), execution_id);
            let (lang, code) = ("bash".to_owned(), payload("code"));
            let request =
                ExecutionCommand::Request { execution_id, session_id, agent_id, lang, code };
            world.command::<Execution>(stream.clone(), request).await;
            let operation_id = FileOperationId::from_uuid(world.fresh());
            let file = StreamId::file_operation(live(n), operation_id);
            let (path, change) = ("/workspace/a".to_owned(), FileChange::Delete);
            let request =
                FileOperationCommand::Request { operation_id, session_id, agent_id, path, change };
            world.command::<FileOperation>(file.clone(), request).await;
            if done {
                let complete = ExecutionCommand::Complete {
                    exit_code: 1,
                    duration_ms: 3,
                    stdout: payload("out"),
                    stderr: payload("err"),
                    truncated: true,
                };
                world.command::<Execution>(stream, complete).await;
                world.command::<FileOperation>(file, FileOperationCommand::Complete).await;
            } else {
                unfinished.push((live(n), execution_id, operation_id));
            }
        }
        world.project().await;
        let filter = ExecutionFilter { session_id: None, agent_id: Some(agent_id) };
        let rows = world.reads.executions(live(n), filter, Page::first(9)).await.unwrap();
        assert_eq!(rows.len(), 2);
        assert!(rows[0].seq > rows[1].seq);
    }
    let executions = world.reads.unfinished_executions(0, 9).await.unwrap();
    let operations = world.reads.unfinished_file_operations(0, 9).await.unwrap();
    let found: Vec<_> = executions
        .iter()
        .zip(&operations)
        .map(|(execution, operation)| {
            assert_eq!(execution.scope, operation.scope);
            (execution.scope, execution.row.value.id, operation.row.value.id)
        })
        .collect();
    assert_eq!(found, unfinished);
}

on_both!(what_was_deleted_is_in_no_list);
async fn what_was_deleted_is_in_no_list(on: Store) {
    let mut world = World::new(on).await;
    let session_id = world.session(live(1), "ann").await;
    let agent_id = world.agent(live(1), session_id).await;
    let snapshot_id = SnapshotId::from_uuid(world.fresh());
    let snapshot = StreamId::snapshot(live(1), snapshot_id);
    let provider = ProviderKind::Local;
    let create = SnapshotCommand::Create { snapshot_id, session_id, agent_id, provider, size: 9 };
    world.command::<Snapshot>(snapshot.clone(), create).await;
    let secret = Secret::stream(live(1), None, "TOKEN").unwrap();
    let set = |version| SecretCommand::Set {
        name: "TOKEN".to_owned(),
        session_id: None,
        version,
        value: sealed("v"),
    };
    world.command::<Secret>(secret.clone(), set(1)).await;
    world.project().await;
    let page = Page::first(9);
    assert_eq!(world.reads.snapshots(live(1), Some(session_id), page).await.unwrap().len(), 1);
    let row = world.reads.secret(live(1), None, "TOKEN").await.unwrap().unwrap();
    assert_eq!(row.value.value, Some(sealed("v")));
    assert!(world.reads.secret(live(1), None, "no such.name").await.unwrap().is_none());

    world.command::<Snapshot>(snapshot, SnapshotCommand::Delete).await;
    world.command::<Secret>(secret.clone(), SecretCommand::Delete).await;
    world.project().await;
    assert!(world.reads.snapshots(live(1), None, page).await.unwrap().is_empty());
    let deleted = world.reads.snapshot(live(1), snapshot_id).await.unwrap().unwrap();
    assert!(deleted.value.deleted_at.is_some());
    assert!(world.reads.secrets(live(1), None, page).await.unwrap().is_empty());
    assert!(world.reads.secret(live(1), None, "TOKEN").await.unwrap().is_none());
    // The command side still knows which version comes next.
    let (state, _) = world.reads.snapshot_of::<Secret>(&secret).await.unwrap().unwrap();
    assert_eq!((state.version, state.value), (1, None));
    world.command::<Secret>(secret, set(2)).await;
    world.project().await;
    assert_eq!(world.reads.secrets(live(1), None, page).await.unwrap()[0].value.version, 2);
}

on_both!(a_key_is_found_by_its_digest_until_it_is_rotated_or_revoked);
async fn a_key_is_found_by_its_digest_until_it_is_rotated_or_revoked(on: Store) {
    let mut world = World::new(on).await;
    let org_id = OrgId::from_uuid(uuid(1));
    let scope = Scope { org: org_id, mode: Mode::Test };
    let key_id = ApiKeyId::from_uuid(uuid(5));
    let stream = StreamId::api_key(scope, key_id);
    let digest = |sha256: &str| KeyDigest { sha256: sha256.to_owned(), hint: "th…".to_owned() };
    let create = ApiKeyCommand::Create { key_id, name: "ci".to_owned(), digest: digest("one") };
    world.command::<ApiKey>(stream.clone(), create).await;
    world.project().await;
    let found = world.reads.key_by_digest("one").await.unwrap().unwrap();
    assert_eq!((found.key.id, found.scope, found.plan), (key_id, scope, Plan::Free));

    let org = StreamId::org(Scope { org: org_id, mode: Mode::Live }, org_id);
    let create = OrgCommand::Create { org_id, name: "acme".to_owned(), plan: Plan::Cloud };
    world.command::<Org>(org.clone(), create).await;
    world.command::<Org>(org, OrgCommand::ChangePlan { plan: Plan::Team }).await;
    let rotate = ApiKeyCommand::Rotate { digest: digest("two") };
    world.command::<ApiKey>(stream.clone(), rotate).await;
    world.project().await;
    assert!(world.reads.key_by_digest("one").await.unwrap().is_none());
    assert_eq!(world.reads.key_by_digest("two").await.unwrap().unwrap().plan, Plan::Team);
    assert_eq!(world.reads.org_by_name("acme").await.unwrap().unwrap().value.id, org_id);
    assert_eq!(world.reads.org(org_id).await.unwrap().unwrap().value.plan, Plan::Team);
    assert_eq!(world.reads.orgs(Page::first(9)).await.unwrap().len(), 1);

    world.command::<ApiKey>(stream, ApiKeyCommand::Revoke).await;
    world.project().await;
    assert!(world.reads.key_by_digest("two").await.unwrap().is_none());
    let listed = world.reads.api_keys(scope, Page::first(9)).await.unwrap();
    assert!(listed[0].value.revoked_at.is_some());
}
