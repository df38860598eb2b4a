//! The part of random histories that is about tasks and what belongs to them.

use theazo_domain::agent::{AgentCommand, Failure};
use theazo_domain::definition::{Definition, DefinitionCommand, DefinitionContent};
use theazo_domain::delivery::{About, Delivery, DeliveryCommand};
use theazo_domain::model_prices::{ModelPrices, SetModelPrice};
use theazo_domain::pricing::{ModelUsage, PriceBasis, Rates, TokenUsage};
use theazo_domain::providers::ProviderKind;
use theazo_domain::task::{
    Artifact, Ending, Entry, Priority, Purpose, RequeueReason, Step, SubmitTask, SuspendReason,
    Task, TaskAgent, TaskCommand, TaskStatus,
};
use theazo_domain::{
    AgentId, DefinitionId, DeliveryId, Kind, Pico, Scope, SessionId, StreamId, TaskId, Timestamp,
};
use theazo_log::{EventLog, Position};

use crate::history::{Things, is_ended, pick};
use crate::support::{World, payload, spec, state_of};

/// Tasks and what belongs to them.
#[derive(Default)]
pub struct Runs {
    tasks: Vec<(Scope, SessionId, AgentId, TaskId)>,
    /// Agents that are still to be made for their tasks.
    awaited: Vec<(Scope, SessionId, AgentId)>,
    deliveries: Vec<StreamId>,
    definitions: Vec<StreamId>,
}

impl Runs {
    /// A task of `agent`.
    pub fn task_of(&self, agent: AgentId, n: u32) -> Option<TaskId> {
        let tasks = self.tasks.iter().filter(|(_, _, of, _)| *of == agent);
        pick(&tasks.map(|(_, _, _, task)| *task).collect::<Vec<_>>(), n)
    }
}

/// A model call that cost `cost`.
pub fn usage(cost: i128, at: Timestamp) -> ModelUsage {
    ModelUsage {
        id: format!("usage_{cost}"),
        model: "claude".to_owned(),
        at,
        tokens: TokenUsage { input: 100, output: 7, ..TokenUsage::default() },
        basis: if cost == 0 { PriceBasis::Unpriced } else { PriceBasis::Table },
        price: None,
        fee: None,
        cost: Pico(cost),
        waived: Pico::ZERO,
    }
}

pub fn failure() -> Failure {
    Failure { code: "provider_error".to_owned(), message: "gone".to_owned() }
}

pub fn model_call() -> Entry {
    let (vendor, model) = ("anthropic".to_owned(), "claude".to_owned());
    Entry::ModelCallStarted { purpose: Purpose::Turn, vendor, model }
}

pub fn tool_call(of: u32, id: &str) -> Entry {
    Entry::ToolCallStarted {
        of,
        call_id: id.to_owned(),
        tool: "run_code".to_owned(),
        input: payload("toolinput"),
        repeatable: false,
    }
}

pub fn model_answer(step: u32, usage: ModelUsage) -> Entry {
    let (turn, finish) = (payload("turn"), "tools".to_owned());
    Entry::ModelCallCompleted { step, turn, finish, usage, duration_ms: 900 }
}

pub fn tool_answer(step: u32) -> Entry {
    let (output, whole) = (payload("tooloutput"), Some(payload("whole")));
    Entry::ToolCallCompleted { step, output, whole, is_error: false, duration_ms: 3 }
}

impl World {
    pub async fn submit(&mut self, scope: Scope, session: SessionId, agent: TaskAgent) -> TaskId {
        let task_id = TaskId::from_uuid(self.fresh());
        let submit = TaskCommand::Submit(Box::new(SubmitTask {
            task_id,
            session_id: session,
            agent,
            priority: Priority::Normal,
            max_steps: 100,
            input: payload("input"),
            webhook: Some(payload("webhook")),
            retry_of: None,
        }));
        self.command::<Task>(StreamId::task(scope, task_id), submit).await.unwrap();
        task_id
    }

    pub async fn tell_task(&mut self, scope: Scope, task: TaskId, command: TaskCommand) {
        self.command::<Task>(StreamId::task(scope, task), command).await.unwrap();
    }

    /// What the first attempt of `task` reports.
    pub async fn report(&mut self, scope: Scope, task: TaskId, entries: Vec<Entry>) {
        self.tell_task(scope, task, TaskCommand::Report { attempt: 1, entries }).await;
    }
}

pub fn own_agent(agent_id: AgentId) -> TaskAgent {
    TaskAgent::Own { agent_id, spec: Box::new(spec(ProviderKind::Local)) }
}

pub async fn task(world: &mut World, things: &mut Things, which: u32) {
    match which % 9 {
        0 | 1 => submit(world, things, which / 9).await,
        2 => make_awaited_agent(world, things).await,
        // A few at a time, so that some come far.
        _ => {
            for n in 0..6 {
                work(world, things, which / 9, which.rotate_left(4 * n)).await;
            }
        }
    }
}

async fn submit(world: &mut World, things: &mut Things, which: u32) {
    let Some((scope, session)) = things.session(which) else { return };
    let agent = match things.agent_of(session, which).filter(|_| which.is_multiple_of(2)) {
        Some(agent_id) => TaskAgent::Existing { agent_id },
        None => own_agent(AgentId::from_uuid(world.fresh())),
    };
    let id = agent.id();
    if matches!(agent, TaskAgent::Own { .. }) {
        things.runs.awaited.push((scope, session, id));
    }
    let task = world.submit(scope, session, agent).await;
    things.runs.tasks.push((scope, session, id, task));
}

async fn make_awaited_agent(world: &mut World, things: &mut Things) {
    let Some((scope, session, agent)) = things.runs.awaited.pop() else { return };
    if !is_ended(world, scope, session).await {
        world.agent_with(scope, session, agent).await;
        things.add_agent(scope, session, agent);
        world.tell_agent(scope, agent, AgentCommand::Provisioned { host: "h".to_owned() }).await;
        if let Some(task_id) = things.runs.task_of(agent, 0) {
            world.tell_agent(scope, agent, AgentCommand::StartRun { task_id }).await;
        }
    }
}

/// What somebody does with a task next, be it allowed or not.
async fn work(world: &mut World, things: &Things, task: u32, which: u32) {
    let Some((scope, _, _, task)) = pick(&things.runs.tasks, task) else { return };
    let stream = StreamId::task(scope, task);
    let past = world.log.read_stream(&stream, Position::START).await.unwrap();
    let Some(now) = state_of::<Task>(&past) else { return };
    let attempt = now.attempt;
    let reason = "asked for".to_owned();
    let requeue = |reason| TaskCommand::Requeue { attempt, reason };
    let command = match which % 24 {
        0..=15 if now.status == TaskStatus::Queued => {
            TaskCommand::Start { attempt: attempt + 1, worker: "w1".to_owned() }
        }
        0..=15 => TaskCommand::Report { attempt, entries: entries(&now, which, world.now()) },
        16 => TaskCommand::Renew { attempt },
        17 => TaskCommand::Suspend { attempt, reason: SuspendReason::AgentPaused },
        18 => requeue(RequeueReason::Resumed),
        19 => requeue(RequeueReason::WorkerLost),
        20 => TaskCommand::RequestCancel { reason },
        21 => TaskCommand::Abandon { failure: failure() },
        22 => {
            let entries = entries(&now, which, world.now());
            TaskCommand::End { attempt, entries, ending: ending(which) }
        }
        _ => TaskCommand::End { attempt, entries: vec![], ending: ending(which) },
    };
    world.command::<Task>(stream, command).await;
}

fn ending(which: u32) -> Ending {
    let artifact =
        Artifact { path: "/workspace/a".to_owned(), size: 4, content: Some(payload("file")) };
    let (output, artifacts) = (payload("output"), vec![artifact]);
    match which % 3 {
        0 => Ending::Completed { output, artifacts },
        1 => Ending::Failed { failure: failure(), output: Some(output), artifacts },
        _ => Ending::Cancelled { reason: "user".to_owned() },
    }
}

/// The outcome of a step that waits for one with what follows from it, else a step that begins.
fn entries(task: &Task, which: u32, at: Timestamp) -> Vec<Entry> {
    let message = Some(payload("message"));
    let mut entries = match task.unfinished().last().map(AsRef::as_ref) {
        Some(step @ Step { number, .. }) if step.as_tool().is_some() => vec![tool_answer(*number)],
        Some(Step { number, .. }) if which.is_multiple_of(5) => {
            let usage = which.is_multiple_of(2).then(|| usage(i128::from(which % 7), at));
            vec![Entry::ModelCallFailed { step: *number, failure: failure(), usage }]
        }
        Some(Step { number, .. }) => vec![
            model_answer(*number, usage(i128::from(which), at)),
            tool_call(*number, "a"),
            tool_call(*number, "b"),
        ],
        None => vec![model_call()],
    };
    match which % 4 {
        0 => entries.push(Entry::Progress { progress: Some(300), message }),
        1 => entries.push(Entry::Artifact { path: format!("/workspace/{}", which % 3) }),
        _ => {}
    }
    entries
}

pub async fn delivery(world: &mut World, things: &mut Things, which: u32) {
    if which.is_multiple_of(2) {
        let Some((scope, session_id, _, task_id)) = pick(&things.runs.tasks, which / 2) else {
            return;
        };
        let delivery_id = DeliveryId::from_uuid(world.fresh());
        let stream = StreamId::delivery(scope, delivery_id);
        let url = payload("url");
        let request = DeliveryCommand::Request {
            delivery_id,
            session_id,
            about: About::Task { task_id },
            url,
        };
        world.command::<Delivery>(stream.clone(), request).await;
        things.runs.deliveries.push(stream);
    } else if let Some(stream) = pick(&things.runs.deliveries, which / 2) {
        let past = world.log.read_stream(&stream, Position::START).await.unwrap();
        let number = state_of::<Delivery>(&past).unwrap().attempts + 1;
        let status = Some(if which.is_multiple_of(3) { 200 } else { 503 });
        let report = DeliveryCommand::Report { number, status, error: None, duration_ms: 20 };
        world.command::<Delivery>(stream, report).await;
    }
}

pub async fn definition(world: &mut World, tenant: Scope, things: &mut Things, which: u32) {
    let instructions = Some(format!("Do {which}"));
    let content = Box::new(DefinitionContent { instructions, ..DefinitionContent::default() });
    let (stream, command) = match (which % 4, pick(&things.runs.definitions, which / 4)) {
        (1 | 2, Some(stream)) => (stream, DefinitionCommand::Update { content }),
        (3, Some(stream)) => (stream, DefinitionCommand::Archive),
        _ => {
            let definition_id = DefinitionId::from_uuid(world.fresh());
            let name = format!("agent-{}", which % 3);
            let stream = StreamId::definition(tenant, definition_id);
            things.runs.definitions.push(stream.clone());
            (stream, DefinitionCommand::Create { definition_id, name, content })
        }
    };
    world.command::<Definition>(stream, command).await;
}

pub async fn model_price(world: &mut World, tenant: Scope, which: u32) {
    let rates = Rates { input: Pico(which.into()), ..Rates::default() };
    let set = SetModelPrice { model: format!("model-{}", which % 4), rates, long_prompt: None };
    world.command::<ModelPrices>(StreamId::singleton(tenant, Kind::ModelPrices), set).await;
}
