use std::collections::BTreeSet;

use theazo_domain::agent::AgentCommand;
use theazo_domain::delivery::{About, Delivery, DeliveryCommand, DeliveryStatus};
use theazo_domain::task::{
    Ending, Entry, Priority, RequeueReason, SuspendReason, Task, TaskAgent, TaskCommand, TaskStatus,
};
use theazo_domain::{AgentId, DeliveryId, StreamId, TaskId};
use theazo_projections::{Page, Row, Scoped, TaskFilter};

use crate::place::{Store, on_both};
use crate::runs::{failure, model_answer, model_call, own_agent, tool_answer, tool_call, usage};
use crate::support::{World, live, payload};

fn start(attempt: u32) -> TaskCommand {
    TaskCommand::Start { attempt, worker: "w1".to_owned() }
}

fn ids(rows: &[Row<Task>]) -> Vec<TaskId> {
    rows.iter().map(|row| row.value.id).collect()
}

on_both!(tasks_are_found_by_session_agent_and_status);
async fn tasks_are_found_by_session_agent_and_status(on: Store) {
    let mut world = World::new(on).await;
    let session = world.session(live(1), "ann").await;
    let agent = world.agent(live(1), session).await;
    let existing = || TaskAgent::Existing { agent_id: agent };
    let queued = world.submit(live(1), session, existing()).await;
    let running = world.submit(live(1), session, existing()).await;
    let suspended = world.submit(live(1), session, existing()).await;
    let cancelled = world.submit(live(1), session, existing()).await;
    // Its agent does not come to be.
    let own = AgentId::from_uuid(world.fresh());
    let failed = world.submit(live(1), session, own_agent(own)).await;
    let other_session = world.session(live(1), "ben").await;
    let other_agent = AgentId::from_uuid(world.fresh());
    let other = world.submit(live(1), other_session, own_agent(other_agent)).await;
    for task in [running, suspended] {
        world.tell_task(live(1), task, start(1)).await;
    }
    let suspend = TaskCommand::Suspend { attempt: 1, reason: SuspendReason::AgentPaused };
    world.tell_task(live(1), suspended, suspend).await;
    let cancel = TaskCommand::RequestCancel { reason: "user".to_owned() };
    world.tell_task(live(1), cancelled, cancel).await;
    world.tell_task(live(1), failed, TaskCommand::Abandon { failure: failure() }).await;
    world.project().await;

    let list = async |session_id, agent_id, status| {
        let filter = TaskFilter { session_id, agent_id, status };
        ids(&world.reads.tasks(live(1), filter, Page::first(9)).await.unwrap())
    };
    let all = [failed, cancelled, suspended, running, queued];
    assert_eq!(list(None, None, None).await, [&[other], &all[..]].concat());
    assert_eq!(list(Some(session), None, None).await, all);
    assert_eq!(list(None, Some(agent), None).await, all[1..]);
    assert_eq!(list(Some(session), Some(own), None).await, [failed]);
    assert_eq!(list(Some(other_session), Some(own), None).await, []);
    let of_status = async |status| list(Some(session), None, Some(status)).await;
    assert_eq!(of_status(TaskStatus::Queued).await, [queued]);
    assert_eq!(of_status(TaskStatus::Running).await, [suspended, running]);
    assert_eq!(of_status(TaskStatus::Suspended).await, [suspended, running]);
    assert_eq!(of_status(TaskStatus::Cancelled).await, [cancelled]);
    assert_eq!(of_status(TaskStatus::Failed).await, [failed]);
    assert_eq!(of_status(TaskStatus::Completed).await, []);

    let open = world.reads.open_tasks_of_session(live(1), session).await.unwrap();
    assert_eq!(ids(&open), [queued, running, suspended]);
    let open = world.reads.open_tasks_of_agent(live(1), agent).await.unwrap();
    assert_eq!(ids(&open), [queued, running, suspended]);
    let open = world.reads.open_tasks_of_agent(live(1), other_agent).await.unwrap();
    assert_eq!(ids(&open), [other]);
    let open = world.reads.open_tasks_of_agent(live(2), agent).await.unwrap();
    assert_eq!(ids(&open), []);
}

on_both!(pages_of_a_sessions_tasks_join_without_gap_or_repeat);
async fn pages_of_a_sessions_tasks_join_without_gap_or_repeat(on: Store) {
    let mut world = World::new(on).await;
    let session = world.session(live(1), "ann").await;
    let mut made = Vec::new();
    for n in 0..7 {
        let agent = AgentId::from_uuid(world.fresh());
        made.push(world.submit(live(1), session, own_agent(agent)).await);
        if n % 2 == 0 {
            world.tell_task(live(1), made[n], TaskCommand::Abandon { failure: failure() }).await;
        }
    }
    world.project().await;
    made.reverse();
    let paged = async |status| {
        let filter = TaskFilter { session_id: Some(session), agent_id: None, status };
        let (mut joined, mut page) = (Vec::new(), Page::first(2));
        loop {
            let rows = world.reads.tasks(live(1), filter, page).await.unwrap();
            let Some(last) = rows.last() else { return joined };
            page.before = Some(last.seq);
            joined.extend(ids(&rows));
        }
    };
    let every_other = |from| made.iter().skip(from).step_by(2).copied().collect::<Vec<_>>();
    assert_eq!(paged(None).await, made);
    assert_eq!(paged(Some(TaskStatus::Failed)).await, every_other(0));
    assert_eq!(paged(Some(TaskStatus::Queued)).await, every_other(1));
}

on_both!(the_dispatcher_walks_the_open_tasks_of_all_orgs_oldest_first);
async fn the_dispatcher_walks_the_open_tasks_of_all_orgs_oldest_first(on: Store) {
    let mut world = World::new(on).await;
    let mut expected = Vec::new();
    for n in [1, 2, 1, 2, 1] {
        let session = world.session(live(n), "ann").await;
        let agent = AgentId::from_uuid(world.fresh());
        let task = world.submit(live(n), session, own_agent(agent)).await;
        expected.push((live(n), task));
    }
    let (scope, over) = expected.remove(1);
    world.tell_task(scope, over, TaskCommand::Abandon { failure: failure() }).await;
    world.project().await;
    let (mut walked, mut after) = (Vec::new(), 0);
    loop {
        let part: Vec<Scoped<Task>> = world.reads.open_tasks(after, 3).await.unwrap();
        let Some(last) = part.last() else { break };
        after = last.row.seq;
        walked.extend(part.iter().map(|task| (task.scope, task.row.value.id)));
    }
    assert_eq!(walked, expected);
}

on_both!(a_row_has_all_of_a_task_but_its_steps);
/// However many steps a run has, its row stays small, and its figures are those of all steps.
async fn a_row_has_all_of_a_task_but_its_steps(on: Store) {
    let mut world = World::new(on).await;
    let session = world.session(live(1), "ann").await;
    let own = AgentId::from_uuid(world.fresh());
    let task = world.submit(live(1), session, own_agent(own)).await;
    world.tell_task(live(1), task, start(1)).await;
    let row = async |world: &World| {
        world.project().await;
        world.reads.task(live(1), task).await.unwrap().unwrap()
    };
    let size = |row: &Row<Task>| serde_json::to_string(&row.value).unwrap().len();
    world.report(live(1), task, vec![model_call()]).await;
    let first = row(&world).await;
    assert_eq!(first.value.status, TaskStatus::Running);
    for n in 0..40 {
        let now = world.now();
        let answer = model_answer(3 * n, usage(5, now));
        let calls = vec![answer, tool_call(3 * n, "a"), tool_call(3 * n, "b")];
        world.report(live(1), task, calls).await;
        let next = vec![tool_answer(3 * n + 1), tool_answer(3 * n + 2), model_call()];
        world.report(live(1), task, next).await;
    }
    let progress = Entry::Progress { progress: Some(500), message: Some(payload("half")) };
    world.report(live(1), task, vec![progress]).await;
    let last = row(&world).await;
    assert!(last.value.steps.is_empty());
    assert!(size(&last) < size(&first) + 200, "{} after {}", size(&last), size(&first));
    let now = &last.value;
    assert_eq!((now.model_calls, now.tool_calls, now.model_cost.0), (41, 80, 200));
    assert_eq!((now.tokens.input, now.progress), (4_000, 500));
    assert_eq!(now.message, Some(payload("half")));
    assert_eq!((now.priority, now.declared.clone()), (Priority::Normal, BTreeSet::new()));

    let requeue = TaskCommand::Requeue { attempt: 1, reason: RequeueReason::Shutdown };
    world.tell_task(live(1), task, requeue).await;
    assert_eq!(row(&world).await.value.status, TaskStatus::Queued);
    world.tell_task(live(1), task, start(2)).await;
    let ending = Ending::Completed { output: payload("done"), artifacts: vec![] };
    world.tell_task(live(1), task, TaskCommand::End { attempt: 2, entries: vec![], ending }).await;
    let over = row(&world).await.value;
    assert_eq!((over.status, over.attempt), (TaskStatus::Completed, 2));
    assert_eq!(over.output, Some(payload("done")));
}

on_both!(an_agents_row_tells_its_task);
/// What the agent itself says of its runs is in its row as the command side needs it.
async fn an_agents_row_tells_its_task(on: Store) {
    let mut world = World::new(on).await;
    let session = world.session(live(1), "ann").await;
    let agent = world.agent(live(1), session).await;
    let task = world.submit(live(1), session, TaskAgent::Existing { agent_id: agent }).await;
    world.tell_agent(live(1), agent, AgentCommand::Provisioned { host: "h".to_owned() }).await;
    world.tell_agent(live(1), agent, AgentCommand::StartRun { task_id: task }).await;
    world.project().await;
    let row = world.reads.agent(live(1), agent).await.unwrap().unwrap().value;
    assert_eq!((row.task, row.last_task), (Some(task), Some(task)));
}

on_both!(deliveries_are_pending_until_they_are_made_or_given_up);
async fn deliveries_are_pending_until_they_are_made_or_given_up(on: Store) {
    let mut world = World::new(on).await;
    let mut pending = Vec::new();
    let mut of_first = None;
    for n in 1..=2 {
        let session_id = world.session(live(n), "ann").await;
        let agent = AgentId::from_uuid(world.fresh());
        let task_id = world.submit(live(n), session_id, own_agent(agent)).await;
        for (status, number) in [(200, 1), (503, 1)] {
            let delivery_id = DeliveryId::from_uuid(world.fresh());
            let stream = StreamId::delivery(live(n), delivery_id);
            let url = payload("url");
            let request = DeliveryCommand::Request {
                delivery_id,
                session_id,
                about: About::Task { task_id },
                url,
            };
            world.command::<Delivery>(stream.clone(), request).await;
            let status = Some(status);
            let report = DeliveryCommand::Report { number, status, error: None, duration_ms: 3 };
            world.command::<Delivery>(stream, report).await;
            of_first.get_or_insert((task_id, delivery_id));
            if status == Some(503) {
                pending.push((live(n), delivery_id));
            }
        }
    }
    world.project().await;
    let (task, delivered) = of_first.unwrap();
    let reads = &world.reads;
    let rows = reads.deliveries_of_task(live(1), task, Page::first(9)).await.unwrap();
    let listed: Vec<_> = rows.iter().map(|row| row.value.id).collect();
    assert_eq!(listed, [pending[0].1, delivered]);
    assert_eq!(reads.deliveries_of_task(live(2), task, Page::first(9)).await.unwrap(), []);
    let row = reads.delivery(live(1), delivered).await.unwrap().unwrap().value;
    assert_eq!((row.status, row.attempts), (DeliveryStatus::Delivered, 1));
    let row = reads.delivery(live(1), pending[0].1).await.unwrap().unwrap().value;
    assert!(row.status == DeliveryStatus::Pending && row.next_at > Some(row.updated_at));
    let found = reads.pending_deliveries(0, 9).await.unwrap();
    let found: Vec<_> = found.iter().map(|d| (d.scope, d.row.value.id)).collect();
    assert_eq!(found, pending);
}
