//! What the audit tells of tasks, deliveries and definitions.

use theazo_domain::agent::AgentCommand;
use theazo_domain::definition::{Definition, DefinitionCommand, DefinitionContent};
use theazo_domain::delivery::{About, Delivery, DeliveryCommand};
use theazo_domain::task::{Ending, Entry, RequeueReason, Task, TaskAgent, TaskCommand};
use theazo_domain::{AgentId, DefinitionId, DeliveryId, Kind, Pico, SessionId, StreamId, TaskId};
use theazo_projections::audit::redacted;
use theazo_projections::{AuditEvent, AuditFilter, Page, Row};

use crate::place::{Store, on_both};
use crate::runs::{model_answer, model_call, own_agent, tool_answer, tool_call, usage};
use crate::support::{World, live, payload, state_of};

async fn audit(world: &World, filter: AuditFilter) -> Vec<Row<AuditEvent>> {
    world.reads.audit(live(1), filter, Page::first(1_000)).await.unwrap()
}

fn types(rows: &[Row<AuditEvent>]) -> Vec<&str> {
    rows.iter().rev().map(|row| row.value.event_type.as_str()).collect()
}

fn about(task: TaskId) -> AuditFilter {
    AuditFilter { task_id: Some(task.to_string()), ..AuditFilter::default() }
}

/// A projector that has nothing at hand takes over.
async fn restart(world: &mut World) {
    world.project().await;
    world.reopen().await;
}

struct History {
    session: SessionId,
    agent: AgentId,
    task: TaskId,
}

/// A task from its submission to the delivery of its webhook, beside another one of its agent.
async fn history(world: &mut World) -> History {
    let session = world.session(live(1), "ann").await;
    let agent = world.agent(live(1), session).await;
    world.tell_agent(live(1), agent, AgentCommand::Provisioned { host: "h".to_owned() }).await;
    let existing = TaskAgent::Existing { agent_id: agent };
    let task = world.submit(live(1), session, existing.clone()).await;
    world.submit(live(1), session, existing).await;
    restart(world).await;
    world.tell_agent(live(1), agent, AgentCommand::StartRun { task_id: task }).await;
    let start = |attempt| TaskCommand::Start { attempt, worker: "w1".to_owned() };
    world.tell_task(live(1), task, start(1)).await;
    world.report(live(1), task, vec![model_call()]).await;
    restart(world).await;
    let answer = model_answer(0, usage(3, world.now()));
    world.report(live(1), task, vec![answer, tool_call(0, "a")]).await;
    world.tell_task(live(1), task, TaskCommand::Renew { attempt: 1 }).await;
    let message = Some(payload("message"));
    let progress = Entry::Progress { progress: Some(10), message };
    world.report(live(1), task, vec![tool_answer(1), progress]).await;
    let requeue = TaskCommand::Requeue { attempt: 1, reason: RequeueReason::Shutdown };
    world.tell_task(live(1), task, requeue).await;
    world.tell_task(live(1), task, start(2)).await;
    let ending = Ending::Completed { output: payload("output"), artifacts: vec![] };
    world.tell_task(live(1), task, TaskCommand::End { attempt: 2, entries: vec![], ending }).await;
    let ended = AgentCommand::EndRun {
        task_id: task,
        model_costs: theazo_domain::pricing::Costs::on(theazo_domain::Day::default(), Pico(3)),
    };
    world.tell_agent(live(1), agent, ended).await;
    restart(world).await;
    let delivery_id = DeliveryId::from_uuid(world.fresh());
    let stream = StreamId::delivery(live(1), delivery_id);
    let (session_id, url) = (session, payload("url"));
    let request = DeliveryCommand::Request {
        delivery_id,
        session_id,
        about: About::Task { task_id: task },
        url,
    };
    world.command::<Delivery>(stream.clone(), request).await;
    restart(world).await;
    let (status, error) = (Some(200), None);
    let report = DeliveryCommand::Report { number: 1, status, error, duration_ms: 9 };
    world.command::<Delivery>(stream, report).await;
    world.project().await;
    History { session, agent, task }
}

on_both!(every_event_of_a_task_tells_whose_it_is);
async fn every_event_of_a_task_tells_whose_it_is(on: Store) {
    let mut world = World::new(on).await;
    let History { session, agent, task } = history(&mut world).await;
    let rows = audit(&world, about(task)).await;
    let expected = [
        "task.submitted",
        "agent.run_started",
        "task.started",
        "task.model_call_started",
        "task.model_call_completed",
        "task.tool_call_started",
        "task.lease_renewed",
        "task.tool_call_completed",
        "task.progress_reported",
        "task.requeued",
        "task.started",
        "task.completed",
        "agent.run_ended",
        "delivery.requested",
        "delivery.attempted",
    ];
    assert_eq!(types(&rows), expected);
    for row in &rows {
        let event = &row.value;
        assert_eq!(event.session_id, Some(session), "{event:?}");
        assert_eq!(event.agent_id, Some(agent), "{event:?}");
        assert_eq!(event.user_id.as_deref(), Some("ann"), "{event:?}");
        assert_eq!(event.task_id, Some(task.to_string()), "{event:?}");
    }
    assert_eq!((rows[0].value.kind, rows[2].value.kind), (Kind::Delivery, Kind::Agent));

    let agent_too = AuditFilter { agent_id: Some(agent), ..about(task) };
    assert_eq!(types(&audit(&world, agent_too).await), expected);
    let one = AuditFilter { event_type: Some("task.requeued".to_owned()), ..about(task) };
    assert_eq!(types(&audit(&world, one).await), ["task.requeued"]);
    let session_only = AuditFilter { session_id: Some(session), ..AuditFilter::default() };
    assert!(audit(&world, session_only).await.len() > expected.len());
    let stranger = world.reads.audit(live(2), about(task), Page::first(9)).await.unwrap();
    assert!(stranger.is_empty());
}

on_both!(the_agent_of_a_task_is_known_before_it_is_there);
/// Its agent never comes to be, or comes later.
async fn the_agent_of_a_task_is_known_before_it_is_there(on: Store) {
    let mut world = World::new(on).await;
    let session = world.session(live(1), "ann").await;
    let (never, later) = (AgentId::from_uuid(world.fresh()), AgentId::from_uuid(world.fresh()));
    let task = world.submit(live(1), session, own_agent(never)).await;
    world.submit(live(1), session, own_agent(later)).await;
    restart(&mut world).await;
    let cancel = TaskCommand::RequestCancel { reason: "user".to_owned() };
    world.tell_task(live(1), task, cancel).await;
    world.agent_with(live(1), session, later).await;
    world.project().await;
    let by = async |agent_id| {
        let filter = AuditFilter { agent_id: Some(agent_id), ..AuditFilter::default() };
        audit(&world, filter).await
    };
    let rows = by(never).await;
    assert_eq!(types(&rows), ["task.submitted", "task.cancelled"]);
    let rows = by(later).await;
    assert_eq!(types(&rows), ["task.submitted", "session.agent_admitted", "agent.created"]);
    assert!(rows.iter().all(|row| row.value.user_id.as_deref() == Some("ann")));
    assert_eq!(rows[0].value.task_id, None);
}

on_both!(a_definition_belongs_to_no_session);
async fn a_definition_belongs_to_no_session(on: Store) {
    let mut world = World::new(on).await;
    let definition_id = DefinitionId::from_uuid(world.fresh());
    let content = Box::new(DefinitionContent { browser: Some(true), ..Default::default() });
    let create = DefinitionCommand::Create { definition_id, name: "writer".to_owned(), content };
    let stream = StreamId::definition(live(1), definition_id);
    world.command::<Definition>(stream.clone(), create).await;
    world.command::<Definition>(stream, DefinitionCommand::Archive).await;
    world.project().await;
    let rows = audit(&world, AuditFilter::default()).await;
    assert_eq!(types(&rows), ["definition.created", "definition.archived"]);
    for row in &rows {
        let event = &row.value;
        assert_eq!(
            (event.kind, event.stream_key.clone()),
            (Kind::Definition, definition_id.to_string())
        );
        assert_eq!(
            (event.session_id, event.user_id.clone(), event.task_id.clone()),
            (None, None, None)
        );
    }
    assert!(rows[1].value.data.get().contains("\"browser\":true"));
}

on_both!(no_payload_of_a_run_is_in_the_audit);
async fn no_payload_of_a_run_is_in_the_audit(on: Store) {
    let mut world = World::new(on).await;
    let History { task, .. } = history(&mut world).await;
    let rows = audit(&world, AuditFilter::default()).await;
    let shown: String = rows.iter().map(|row| row.value.data.get()).collect();
    for seen in ["\"tool\":\"run_code\"", "\"finish\":\"tools\"", "\"cost\":", "\"attempt\":2"] {
        assert!(shown.contains(seen), "{seen} is not in {shown}");
    }
    assert!(!shown.contains("CIPHERTEXT"), "{shown}");
    // Nor in the state as the audit shows it, with all its steps.
    let stream = StreamId::task(live(1), task);
    let commits: Vec<_> =
        world.history().await.into_iter().filter(|commit| commit.stream == stream).collect();
    let state = state_of::<Task>(&commits).unwrap();
    assert!(serde_json::to_string(&state).unwrap().contains("CIPHERTEXT-tooloutput"));
    let shown = redacted(&state).unwrap();
    assert!(shown.contains("\"callId\":\"a\"") && !shown.contains("CIPHERTEXT"), "{shown}");
}
